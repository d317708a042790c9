/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether, and how long, a thread in adaptive mode looks at its queues before it sleeps. Pure: time
 * comes from outside.
 *
 * To be woken costs the guest an exit and us a switch of threads; to look in vain costs a CPU. What
 * a wake-up costs, and how long the disk and the guest take for their parts of a request, differs
 * between hosts by a factor of a hundred, so neither is a number here. How long: a few times as
 * long as it usually takes until there is something again, so that who looks does not miss it, and
 * who pauses is not looked for much longer than he is worth; a guest that usually takes longer than
 * SPIN_MAX_NS is not looked for at all. Whether: what makes the requests faster, which is measured
 * while the guest runs, see trial.h. With one CPU there is nobody to look while the guest runs.
 */
#pragma once

#include "trial.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	SPIN_MIN_NS = 8000,
	SPIN_MAX_NS = 1000000,
	SPIN_GAPS = 4, /* so many times as long as usual */
};

/*
 * The first one is how a trial begins, with nothing to compare it with: not the one that can cost
 * many times as much where the guest and we share too few processors.
 */
enum { WAY_BE_TOLD, WAY_LOOK };

struct spin {
	struct trial trial; /* of the ways above */
	uint32_t gap_ns;    /* until there is something again, usually; 0: it takes too long */
	bool alone;	    /* there is one CPU */
	uint64_t idle_since;
};

/* Nothing is there any more. */
void spin_idle(struct spin *s, uint64_t now_ns);
/* Something is there again: found by looking, or told of in sleep. */
void spin_again(struct spin *s, uint64_t now_ns);
/* How long to look in vain, 0: not at all. */
uint32_t spin_ns(const struct spin *s);
