/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What vfctld and vfctld-worker share: the command line, and serving.
 *
 * They are the same daemon. vfctld itself is what stays in memory all the time, so it is linked
 * with nothing but what the loop needs; looking at captured machines and all that workers do is
 * vfctld-worker's, which it starts.
 */
#pragma once

#include "manager.h"

struct options {
	const char *root, *bus, *workers;
	bool worker;
};

/* 1: go on; 0: that was all; -EINVAL: said what is wrong. */
int options_parse(int argc, char **argv, struct options *ret);

/* The path of vfctld-worker: beside us as it is built, else as it is installed. Allocated. */
char *worker_path(void) NODISCARD;

/* Tells why; the exit status. */
int complain(const struct problem *p, int code);

/* Until the end; takes `h`. The exit status. */
int serve(const struct options *o, struct host *h);
