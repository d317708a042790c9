// SPDX-License-Identifier: GPL-2.0-or-later
#include "trial.h"
#include "base/attr.h"

enum {
	FINE = 16,   /* costs are in so many parts */
	BETTER = 15, /* of 16: the other way must be so much better, or it is chance */
	GRACE = 4,   /* requests that a trial may lose before it ends */
	WEIGHT = 4,
};

static void end_phase(struct trial *t, uint64_t now)
{
	uint64_t cost = (now - t->start) * FINE / MAX(t->requests, (uint64_t)1);
	uint64_t *mine = &t->cost[t->way];

	t->times = 0;
	if (!t->trying) {
		*mine = *mine ? *mine - *mine / WEIGHT + cost / WEIGHT : cost;
		if (t->left)
			t->left--;
		else
			t->trying = true;
		t->way = t->trying ? !t->best : t->best;
		return;
	}
	*mine = cost;
	t->trying = false;
	if (cost * 16 < t->cost[t->best] * BETTER) {
		t->best = t->way;
		t->pause = TRIAL_PAUSE;
	} else {
		t->pause = t->pause ? MIN(t->pause * 2, (unsigned)TRIAL_PAUSE_MAX) : TRIAL_PAUSE;
	}
	t->way = t->best;
	t->left = t->pause;
}

/* It has taken twice as long as the other way would have. */
static bool is_lost(const struct trial *t, uint64_t now)
{
	return t->trying && (now - t->start) * FINE > 2 * t->cost[t->best] * (t->requests + GRACE);
}

void trial_served(struct trial *t, unsigned requests, uint64_t now)
{
	uint64_t gap = now - t->last;

	if (!requests)
		return;
	t->last = now;
	if (gap > TRIAL_IDLE)
		t->times = 0;
	if (t->times++ < TRIAL_WARM) {
		t->start = now;
		t->requests = 0;
		return;
	}
	t->requests += requests;
	if (is_lost(t, now) ||
		(t->times > TRIAL_WARM + TRIAL_TIMES && t->requests >= TRIAL_REQUESTS))
		end_phase(t, now);
}
