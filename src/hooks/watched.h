/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work for a domain, in a helper process with a deadline: neither a text that
 * does not end nor a kernel that does not answer holds us up, and what is stuck in the kernel keeps
 * none of our descriptors, for whose end libvirt would wait.
 */
#pragma once

#include "turn.h"

struct watched_opts {
	int input; /* where the domain's text comes from */
	unsigned deadline_ms;
	const char *run_dir, *identity_dir; /* and these as in turn.h */
	bool probe, needs_daemon;
	/* The machine, and the daemon: host_new_live(), turn_…_daemon() but in tests. Called in
	 * the helper. */
	int (*open_host)(struct host **ret, struct problem **reterr);
	int (*ask)(const struct order *o, unsigned deadline_ms, struct problem **reterr);
	int (*find)(unsigned deadline_ms, struct problem **reterr);
};

/* What is to be done at a turn. */
typedef int watched_work(const struct turn *t, struct problem **reterr);

/*
 * 1: it is done; *ret says what it was about, NULL if there was nothing to do. 0: it is not, and
 * *ret says why and what helps, in one printable line. Negative: no helper could be started.
 */
int watched_run(const struct watched_opts *opts, watched_work *work, char **ret);
