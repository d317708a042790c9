// SPDX-License-Identifier: GPL-2.0-or-later
#include "trial.h"
#include "base/attr.h"

enum {
	FINE = 16,   /* costs are in so many parts */
	BETTER = 19, /* of 20: so much faster the second way must be */
	GRACE = 4,   /* requests that a trial may lose before it ends */
	WEIGHT = 4,
	ONE = 256,
	DEPTH_WEIGHT = 8,
	DEPTH_MAX = 1 << 16,
};

/* What was found out was of another load. */
static bool is_another_load(const struct trial *t)
{
	uint64_t now = t->depth, usual = t->usual;

	return now > usual * TRIAL_DEPTH || usual > now * TRIAL_DEPTH;
}

static bool is_second_better(const struct trial *t)
{
	return t->cost[1] * 20 < t->cost[0] * BETTER;
}

/* Since it is in use, the second way is not what its trial promised. */
static bool has_won_by_chance(const struct trial *t)
{
	return t->best && !is_second_better(t);
}

static void settle(struct trial *t, unsigned best)
{
	if (best != t->best) {
		t->best = best;
		t->usual = t->depth; /* of which each way finds another part */
		t->pause = TRIAL_PAUSE;
	} else {
		t->pause = t->pause ? MIN(t->pause * 2, (unsigned)TRIAL_PAUSE_MAX) : TRIAL_PAUSE;
	}
	t->way = best;
	t->left = t->pause;
}

static void end_phase(struct trial *t, uint64_t now)
{
	uint64_t cost = (now - t->start) * FINE / MAX(t->requests, (uint64_t)1);
	uint64_t *mine = &t->cost[t->way];

	t->times = 0;
	if (!t->trying) {
		if (is_another_load(t)) {
			*mine = 0;
			t->left = t->pause = 0;
			t->usual = t->depth;
		}
		*mine = *mine ? *mine - *mine / WEIGHT + cost / WEIGHT : cost;
		if (t->left && !has_won_by_chance(t))
			t->left--;
		else
			t->trying = true;
		t->way = t->trying ? !t->best : t->best;
		return;
	}
	*mine = cost;
	t->trying = false;
	settle(t, is_second_better(t));
}

/* It has taken twice as long as the other way would have. */
static bool is_lost(const struct trial *t, uint64_t now)
{
	return t->trying && (now - t->start) * FINE > 2 * t->cost[t->best] * (t->requests + GRACE);
}

static void add_depth(struct trial *t, unsigned in_work)
{
	uint32_t now = MIN(in_work, (unsigned)DEPTH_MAX) * ONE;

	t->depth = t->depth - t->depth / DEPTH_WEIGHT + now / DEPTH_WEIGHT;
}

void trial_served(struct trial *t, unsigned requests, unsigned in_work, uint64_t now)
{
	uint64_t gap = now - t->last;

	add_depth(t, in_work);
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
