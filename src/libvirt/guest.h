/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain of libvirt's, and what it is given while it runs. */
#pragma once

#include "connect.h"
#include "host/host.h"

struct guest_told {
	/* One step: 1 done (on a dry run: it would be), negative failed; takes `p`. */
	void (*step)(void *arg, const char *guest, const char *what, int code, struct problem *p);
	void *arg;
};

/*
 * Attaches what its wishes have come to and it does not have yet: how many steps failed. A step
 * that fails does not stop the others. PROBLEM_NOT_FOUND: there is no such domain, or it does not
 * run.
 */
int guest_attach(virConnectPtr c, struct host *h, const char *name, bool dry_run,
	const struct guest_told *to, struct problem **reterr);
