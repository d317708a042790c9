/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process that carries one order out (vfctld --worker): the order comes on its standard input,
 * its news go line by line to its standard output. What blocks in the kernel blocks it and nobody
 * else, and what it had begun when it was killed is in the journal.
 */
#pragma once

#include "ipc/news.h"
#include "ipc/order.h"
#include "out/out.h"
#include "plan/apply.h"

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

/* ---- For the files of this room ---- */

void worker_tell(struct worker *w, const struct news *n);
/* How changes are made, and what is told of them. Borrows both. */
struct apply_opts worker_apply_opts(struct worker *w, const struct order *o);
void worker_note(struct worker *w, const char *text, const char *hint);
/* Refuses (PROBLEM_DRIFT) when another card stands where one was configured. */
int worker_verify_card(struct worker *w, struct bdf pf, struct problem **reterr);

/* What is printed between these two is told as NEWS_ANSWER, unless `code` is a failure. */
struct worker_answer {
	struct out out;
	char *text;
	size_t size;
};
int worker_answer_open(struct worker_answer *a, struct problem **reterr);
int worker_answer_close(
	struct worker *w, struct worker_answer *a, int code, struct problem **reterr);

/* List, Show and Leases: look.c. */
int worker_look(struct worker *w, const struct order *o, struct problem **reterr);
/* claim.c; 1, or 0 when nothing was to be done. */
int worker_assign(struct worker *w, const struct order *o, struct problem **reterr);
int worker_release(struct worker *w, const struct order *o, struct problem **reterr);
/* guest.c: opens for somebody, and sends it with the answer. */
int worker_open(struct worker *w, const struct order *o, struct problem **reterr);
/* check.c: check, and reconcile as worker_assign(). */
int worker_check(struct worker *w, const struct order *o, struct problem **reterr);
int worker_reconcile(
	struct worker *w, const struct order *o, unsigned *ret_id, struct problem **reterr);
