/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of two ways of serving a queue is the faster one just now: by trying. Pure: time comes from
 * outside, in units that only have to be steady, as cycles are.
 *
 * What looking at a queue gains depends on more than can be known here: how dear a doorbell and an
 * interrupt are on this host, whether another thread wants the processor, and whether the back end
 * is so fast that a guest that has rung finds the request done, without an interrupt, which one
 * that need not ring never does. So the time per request decides: of the way that is in use, again
 * and again, and now and then of the other one, more seldom each time that it loses. A trial that
 * goes badly ends early; the first way, 0, cannot, for there is nothing to compare it with. When
 * the guest has another number of requests in work, both ways take another time, and the other one
 * is tried at once. tests/bench/polling.bench measures what comes of it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	TRIAL_WARM = 2,	  /* times that requests were served which do not count, after a change */
	TRIAL_TIMES = 16, /* … and how many more make a phase, */
	TRIAL_REQUESTS = 64, /* with at least so many requests */
	TRIAL_PAUSE = 4,     /* phases until the other way is tried again, at first … */
	TRIAL_PAUSE_MAX = 256,
	TRIAL_DEPTH = 3,      /* times as many requests in work, or as few, are another load */
	TRIAL_IDLE = 1 << 26, /* a pause of the guest's, some 20 ms: says nothing of either way */
};

struct trial {
	unsigned way; /* to go now: 0 or 1 */
	unsigned best;
	bool trying; /* `way` is the other one */
	unsigned left, pause;
	uint64_t cost[2]; /* time per request, in 16ths; 0: unknown */
	uint64_t start, last, requests;
	unsigned times;
	uint32_t depth,
		usual; /* requests in work, in 256ths: of late, and when it was last tried */
};

/* So many requests were done, and so many are or were in work, by this time. */
void trial_served(struct trial *t, unsigned requests, unsigned in_work, uint64_t now);
