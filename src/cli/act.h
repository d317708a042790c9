/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the acting verbs share: one machine, some functions, one result each. */
#pragma once

#include "cli.h"
#include "driver/driver.h"
#include "out/result.h"
#include "select/select.h"
#include "sriov/numvfs.h"

#define OPTION_ALLOW_IN_USE                                                                        \
	{                                                                                          \
		0, "allow-in-use", TAKES_NOTHING, NULL, "also when somebody uses it", NULL         \
	}

struct act {
	struct cli *cli;
	struct host *host;
	struct inventory *inv;
	unsigned timeout_ms; /* 0: each room's own */
	bool allow_in_use;
	struct results results;
};

/* Refuses what may not be changed, takes the picture, reads the shared options. */
int act_start(struct act *act, struct cli *cli, const struct args *a, struct problem **reterr);
void act_done(struct act *act);
#define autoact CLEANUP(act_done) struct act

/* Options of the rooms below, filled from ours. They borrow `act`. */
struct driver_opts act_driver_opts(struct act *act);
struct sriov_opts act_sriov_opts(struct act *act);

/* Records what `code` says of one function; takes `p`. */
void act_add(struct act *act, const char *subject, int code, struct problem *p, const char *fmt,
	...) PRINTF(5, 6);
/* Shows the results; the exit code, or negative. */
int act_finish(struct act *act, struct problem **reterr);

typedef int act_on_driver(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);
/* unbind and restore: the same, function by function. */
int act_on_each(struct cli *cli, const struct args *a, act_on_driver *apply, act_on_driver *check,
	const char *action, struct problem **reterr);
