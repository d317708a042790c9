/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfctl-libvirt, the program that talks to libvirt: in a process of its own, which is ended when
 * its time is over, because libvirt's calls wait for a libvirtd that hangs.
 */
#pragma once

#include "host/host.h"
#include "ipc/news.h"

struct companion {
	const char *const *args; /* after the program's name; NULL-terminated */
	const char *input;	 /* what it reads; NULL: nothing */
	unsigned deadline_ms;
	/* Each news but the last; they are the caller's to look at. */
	void (*told)(void *arg, struct news *n);
	void *arg;
};

/*
 * What its last news say: 0, or why not. PROBLEM_NOT_FOUND: it is not installed; PROBLEM_TIMEOUT.
 * Where it is: what $VFCTL_LIBVIRT says, beside this program, in ../libexec/vfctl.
 */
int companion_run(struct host *h, const struct companion *c, struct problem **reterr);
