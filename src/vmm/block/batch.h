/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For how many requests somebody sleeps whose guest has many. Woken for each, he gives each back
 * alone: an interrupt each, and each time a guest that asks for one more, and rings. So he sleeps
 * until a quarter of them is done, if at the pace of late that takes no longer than BATCH_WORTH
 * times what he does when he is woken: beside a slow device that is nothing, and nobody waits. A
 * request that is done then waits for a part of what it has taken anyway, and so does one that is
 * rung for. Few are worth no waiting, nor are those of a device that says nothing.
 *
 * A guest that is slower than the device has them in its own hands: few are under way, and most of
 * what it had under way once is still to come. So as many count as there were, and half of that
 * when they do not come while somebody sleeps for them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	BATCH_DEEP = 8, /* fewer are few */
	BATCH_SHARE = 4,
	BATCH_WORTH = 64,
	BATCH_NS = 1000000, /* whatever it costs to be woken */
};

struct batch {
	uint64_t woken_ns;  /* when some were done of many; 0: not of late */
	uint32_t pace_ns;   /* for each; 0: not known */
	uint32_t effort_ns; /* from waking to sleeping; 0: not known */
	unsigned depth;	    /* how many the guest has */
	unsigned came;	    /* begun or done since he lay down */
	unsigned size;	    /* what is slept for */
	bool late;	    /* that time is over, … */
	bool stalled;	    /* … and nothing came */
	bool works;	    /* since woken_ns */
};

/* So many are under way: is it worth a look at the clock? If not, now_ns may be anything. */
bool batch_is_deep(const struct batch *b, unsigned under_way);
/*
 * How many to sleep for: 1 is for whatever comes, as long as it takes. Since he was woken so many
 * were begun.
 */
unsigned batch_begin(struct batch *b, unsigned under_way, unsigned begun, uint64_t now_ns);
/* He need not sleep. */
void batch_skip(struct batch *b);
/* For how long, if they are more than one. */
uint32_t batch_ns(const struct batch *b);
/* So many things were there when he woke; of what was under way so many are done. */
void batch_woken(
	struct batch *b, unsigned under_way, unsigned ready, unsigned done, uint64_t now_ns);
