/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that carries one order out (vfctld --worker): the order comes on its standard input,
 * its news go line by line to its standard output. What blocks in the kernel blocks it and nobody
 * else, and what it had begun when it was killed is in the journal.
 */
#pragma once

#include "ipc/news.h"
#include "ipc/order.h"

#include <stdio.h>

struct worker {
	struct host *h;
	FILE *to;
	/* Where things are kept; all NULL: nothing may be changed, nothing is remembered. */
	const char *driver_dir, *identity_dir, *learned_dir;
	const struct journal_place *places;
	bool (*cancelled)(void *arg); /* NULL: never */
	bool deaf;		      /* nobody reads the news any more */
};

/* One order, to its last news. The same code as the last news has. */
int worker_do(struct worker *w, const struct order *o);
/* All of the process: reads the order, catches signals. The exit status. */
int worker_main(struct host *h, FILE *from, FILE *to);

/* For look.c. */
void worker_tell(struct worker *w, const struct news *n);
int worker_look(struct worker *w, const struct order *o, struct problem **reterr);
