/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of a user who may open nothing himself: vfctld claims the functions for this process,
 * opens them and all else that is not his, and gets back what was claimed when the process ends,
 * however it does.
 */
#pragma once

#include "cli.h"
#include "ipc/client.h"
#include "launch/handles.h"

struct lend {
	struct cli *cli;
	struct daemon *daemon; /* NULL: nobody lends; the user's own rights are all there is */
	const struct launch_request *request;
	char **claimed; /* addresses that are to be returned */
	char **what;	/* functions to ask for */
};

/* Root, and --direct: nobody is asked. */
int lend_open(
	struct lend *l, struct cli *cli, const struct launch_request *r, struct problem **reterr);
/* launch_claim_fn of plan.h, `arg` a lend. */
int lend_claim(void *arg, const struct selection *s, struct bdf *ret, struct problem **reterr);
/* The address of the one function in what `vfctl assign --json` prints; -EPROTO: there is none. */
int lend_address_in(const char *answer, struct bdf *ret);
/* Gives `h` what the plan needs and the user may not open. */
int lend_fetch(
	struct lend *l, struct host *h, const struct launch_plan *p, struct problem **reterr);
/* Returns what was claimed, and tells what could not be. */
void lend_done(struct lend *l);
#define autolend CLEANUP(lend_done) struct lend
