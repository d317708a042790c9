/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind the public handles of include/vfctl. */
#pragma once

#include "vfctl/vfctl.h"

#include "host/host.h"

struct vfctl_host {
	struct host *host;
	unsigned timeout_ms;
	char *driver_dir, *history_dir, *learned_dir, *identity_dir; /* NULL: nothing is noted */
	char *run_dir; /* NULL: no locks and no journal */
	void (*waiting)(void *arg, const char *text, unsigned waited_ms);
	void *arg;
};

/* A handle on a host that is already there, which it then owns; for tests. */
int api_host_new(struct host *h, struct vfctl_host **ret);
/* Hands `p` on through *reterr (both may be NULL) and returns `code`. */
int api_error(struct vfctl_error **reterr, struct problem *p, int code);
