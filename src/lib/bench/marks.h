/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VMM has counted when its guest says so, asked by the control socket that it is given. */
#pragma once

#include "bench.h"

enum {
	MARKS = 3
}; /* the least of the work lies between the first two, all of it between the last */

struct marks {
	int listening, talk; /* the VMM's socket, and ours; -1: not yet */
	size_t n;	     /* how often it was asked */
	double counted[MARKS][BENCH_FIGURES];
};
#define MARKS_NONE                                                                                 \
	(struct marks)                                                                             \
	{                                                                                          \
		.listening = -1, .talk = -1                                                        \
	}

/* The socket is the VMM's and ours alone: nobody else could find it. */
int marks_open(struct marks *m, struct problem **reterr);
/* Whether the guest's console says the next mark; the guest waits then. */
bool marks_is_there(const struct marks *m, const char *console);
int marks_ask(struct marks *m, const char *device, struct problem **reterr);
void marks_done(struct marks *m);
