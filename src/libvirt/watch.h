/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For as long as libvirtd is there: a domain that has started is given what it wishes for, and what
 * was claimed for one that has gone is given back, where its hook could not. A service of its own,
 * because libvirt's library stays in memory.
 */
#pragma once

#include "connect.h"
#include "guest.h"
#include "ipc/order.h"

struct watch_opts {
	struct host *h;
	/* Has vfctld carry it out. */
	int (*ask)(const struct order *o, struct problem **reterr);
	struct guest_told told;
	/* What could not be done for a domain; NULL as its name: for all. Takes `p`. */
	void (*failed)(void *arg, const char *guest, struct problem *p);
	const bool *stop; /* ends it at the next turn when it becomes true; NULL: nobody does */
};

/* Before connecting. */
int watch_prepare(struct problem **reterr);
/* Returns when libvirt has gone, and says so; 0 when it was stopped. */
int watch_run(virConnectPtr c, const struct watch_opts *opts, struct problem **reterr);
/*
 * Gives back what is claimed for a domain that does not run, and was claimed before that moment
 * (CLOCK_BOOTTIME): later ones are of its next start. How many, or negative.
 */
int watch_return(virConnectPtr c, const struct watch_opts *opts, const char *name,
	uint64_t before_boot_ms, struct problem **reterr);
