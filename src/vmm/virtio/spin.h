/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether, and how long, a thread in adaptive mode looks at its queues before it sleeps. Pure: time
 * comes from outside.
 *
 * To be woken costs the guest an exit and us a switch of threads, some 10 µs together; to look in
 * vain costs a CPU. So looking is for who comes back soon, and each sleep tells: if the longest
 * look would have made it needless the next look is longer, else it is shorter, down to none.
 * Queues that are deep lose by it: there a wake-up is shared by many requests, and who looks at
 * once finds few at a time and interrupts for each. With one CPU there is nobody to look while the
 * guest runs.
 *
 * These numbers say how to look: for about one wake-up's price at first, and no longer than a few
 * of them. Whether it pays at all differs too much between hosts and disks to be a number: that is
 * measured while the guest runs, see trial.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	SPIN_START_NS = 8000,
	SPIN_MAX_NS = 64000,
	SPIN_DEEP = 8,	  /* requests at a time, on average: sleep at once … */
	SPIN_SHALLOW = 4, /* … until it is this few */
};

struct spin {
	uint32_t budget_ns;
	uint32_t depth; /* requests at a time, in 256ths, of the last dozen times */
	bool deep;
	bool alone; /* there is one CPU */
	uint64_t idle_since;
};

/* The thread found this many requests at once, or has them in work. */
void spin_served(struct spin *s, unsigned requests);
/* Nothing is there any more. */
void spin_idle(struct spin *s, uint64_t now_ns);
/* It slept, and there is something now. */
void spin_woken(struct spin *s, uint64_t now_ns);
/* How long to look in vain, 0: not at all. */
uint32_t spin_ns(const struct spin *s);
