/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One turn in a domain's life at which libvirt asks, as its parts see it. */
#pragma once

#include "domain/domain.h"
#include "host/host.h"
#include "ipc/order.h"

struct turn {
	struct host *h;
	const struct domain *d;
	const char *run_dir;	  /* "/run/vfctl" */
	const char *identity_dir; /* which cards were configured; NULL: nobody knows */
	uint64_t end_ms;	  /* CLOCK_MONOTONIC: what libvirt is told is told by then */
	bool probe;		  /* only tell what would come out */
	bool needs_daemon;
	/*
	 * Has the daemon carry out an order by then. TURN_NOBODY: there is none that could be
	 * asked, or it did not answer.
	 */
	int (*ask)(const struct order *o, unsigned deadline_ms, struct problem **reterr);
	/* Whether there is one, for a probe: 0, or TURN_NOBODY. */
	int (*find)(unsigned deadline_ms, struct problem **reterr);
};

enum { TURN_NOBODY = -EHOSTDOWN };

uint64_t turn_now_ms(void);
/* What is left, at least `least_ms`. */
unsigned turn_left_ms(const struct turn *t, unsigned least_ms);

/* The real ones. */
int turn_find_daemon(unsigned deadline_ms, struct problem **reterr);
int turn_ask_daemon(const struct order *o, unsigned deadline_ms, struct problem **reterr);
