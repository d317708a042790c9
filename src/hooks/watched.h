/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The look at a domain and at the machine, in a helper process with a deadline: neither a text that
 * does not end nor a kernel that does not answer holds us up, and what is stuck in the kernel keeps
 * none of our descriptors, for whose end libvirt would wait.
 */
#pragma once

#include "host/host.h"

struct watched_opts {
	int input; /* where the domain's text comes from */
	unsigned deadline_ms;
	const char *identity_dir; /* NULL: nobody knows */
	/* The machine; host_new_live() but in tests. Called in the helper. */
	int (*open_host)(struct host **ret, struct problem **reterr);
};

/*
 * 1: the domain can start; *ret says what was looked at, NULL if nothing had to be. 0: it cannot,
 * and *ret says why and what helps, in one printable line. Negative: no helper could be started.
 */
int watched_check(const struct watched_opts *opts, char **ret);
