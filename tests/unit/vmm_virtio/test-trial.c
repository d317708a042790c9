// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/attr.h"
#include "vmm/virtio/trial.h"

#include <stdlib.h>

/* A guest with `depth` requests at a time, each of which takes cost[way], give or take a half. */
struct guest {
	struct trial t;
	uint64_t now, spent;
	unsigned depth;
};

static void play(struct guest *g, unsigned requests, const uint64_t cost[2])
{
	g->spent = 0;
	for (unsigned i = 0; i < requests; i += g->depth) {
		uint64_t mean = cost[g->t.way] * g->depth;
		uint64_t time = mean / 2 + (uint64_t)rand() % (mean + 1);

		g->now += time;
		g->spent += time;
		trial_served(&g->t, g->depth, g->depth, g->now);
	}
}

static void expect_near_best(struct guest *g, unsigned requests, const uint64_t cost[2])
{
	uint64_t best = MIN(cost[0], cost[1]) * requests;

	play(g, requests, cost);
	if (g->spent > best + best / 15)
		fail_msg("%llu and %llu, %u at a time: %.2f of the best",
			(unsigned long long)cost[0], (unsigned long long)cost[1], g->depth,
			(double)best / (double)g->spent);
}

static const unsigned depths[] = { 1, 4, 32, 64 };

static void the_better_way_is_found(void **state UNUSED)
{
	static const uint64_t costs[][2] = { { 100000, 100000 }, { 100000, 120000 },
		{ 120000, 100000 }, { 20000, 250000 }, { 250000, 20000 }, { 3000, 9000 },
		{ 9000, 3000 } };

	for (size_t i = 0; i < ARRAY_SIZE(costs); i++)
		for (size_t k = 0; k < ARRAY_SIZE(depths); k++) {
			struct guest g = { .depth = depths[k], .now = 1ULL << 40 };

			play(&g, 2000 * depths[k], costs[i]);
			expect_near_best(&g, 20000 * depths[k], costs[i]);
			if (costs[i][0] != costs[i][1])
				assert_int_equal(g.t.best, costs[i][1] < costs[i][0]);
		}
}

/* From the first request on, before anything is known: the other way's price is paid for few. */
static void a_new_guest_loses_little(void **state UNUSED)
{
	static const uint64_t costs[][2] = { { 20000, 25000 }, { 20000, 60000 }, { 20000, 200000 },
		{ 60000, 20000 }, { 20000, 15000 } };

	for (size_t i = 0; i < ARRAY_SIZE(costs); i++)
		for (size_t k = 0; k < ARRAY_SIZE(depths); k++) {
			struct guest g = { .depth = depths[k], .now = 1ULL << 40 };

			expect_near_best(&g, 10000 * depths[k], costs[i]);
		}
}

/* Something else runs on the host, or has ended: it is found out, and before long. */
static void it_may_change(void **state UNUSED)
{
	static const uint64_t first[2] = { 20000, 40000 }, then[2] = { 90000, 40000 };

	for (size_t k = 0; k < ARRAY_SIZE(depths); k++) {
		struct guest g = { .depth = depths[k], .now = 1ULL << 40 };

		for (unsigned i = 0; i < 3; i++) {
			play(&g, 20000 * depths[k], first);
			assert_int_equal(g.t.best, 0);
			play(&g, 20000 * depths[k], then);
			assert_int_equal(g.t.best, 1);
		}
	}
}

/*
 * One at a time the one way, many at a time the other, in turn: what was found out of the one load
 * does not hold for the other, nor is that learned only when the next trial would be due.
 */
static void another_depth_is_another_load(void **state UNUSED)
{
	static const uint64_t one[2] = { 600000, 430000 }, many[2] = { 20000, 40000 };
	struct guest g = { .now = 1ULL << 40 };

	for (unsigned i = 0; i < 20; i++) {
		g.depth = 32;
		play(&g, 20000, many);
		assert_int_equal(g.t.best, 0);
		/* Between two programs there is a pause, usually. */
		g.now += i % 2 ? 2 * TRIAL_IDLE : 0;
		g.depth = 1;
		play(&g, i % 2 ? 150 : 400, one);
		assert_int_equal(g.t.best, 1);
		assert_int_equal(g.t.way, 1);
	}
}

/* A guest that pauses says nothing of how it is served. */
static void pauses_do_not_count(void **state UNUSED)
{
	static const uint64_t cost[2] = { 20000, 40000 };
	struct guest g = { .depth = 1, .now = 1ULL << 40 };

	for (unsigned i = 0; i < 500; i++) {
		play(&g, 40, cost);
		g.now += 1ULL << 32;
	}
	assert_int_equal(g.t.best, 0);
	assert_true(g.t.cost[0] < 16ULL * 2 * cost[0]);
}

static void nonsense_breaks_nothing(void **state UNUSED)
{
	struct trial t = { 0 };
	uint64_t now = 0;

	for (unsigned i = 0; i < 100000; i++) {
		now += i % 7 ? (uint64_t)rand() : -(uint64_t)rand();
		trial_served(
			&t, i % 3 ? (unsigned)rand() : UINT32_MAX * (i % 2), (unsigned)rand(), now);
		assert_in_range(t.way, 0, 1);
		assert_in_range(t.pause, 0, TRIAL_PAUSE_MAX);
	}
}

/* ---- to the request: a trial whose requests take exactly so long ---- */

enum { COST = 1600, GAPS = TRIAL_WARM + TRIAL_TIMES };

struct exact {
	struct trial t;
	uint64_t now;
};

static void serve(struct exact *e, unsigned requests, uint64_t each)
{
	e->now += requests * each;
	trial_served(&e->t, requests, 1, e->now);
}

/* One whole phase, by calls with so many requests. */
static void phase(struct exact *e, uint64_t each)
{
	for (unsigned i = 0; i <= GAPS; i++)
		serve(e, TRIAL_REQUESTS, each);
	assert_int_equal(e->t.times, 0);
}

/* The way that is in use is known to take that long; the other one is to be tried. */
static struct exact on_trial(void)
{
	struct exact e = { .now = 1ULL << 40 };

	phase(&e, COST);
	assert_int_equal(e.t.cost[0], COST * 16);
	assert_true(e.t.trying);
	assert_int_equal(e.t.way, 1);
	return e;
}

static void a_phase_has_so_many_times_and_requests(void **state UNUSED)
{
	struct exact e = { .now = 1ULL << 40 };

	for (unsigned i = 0; i < TRIAL_WARM + TRIAL_REQUESTS - 1; i++)
		serve(&e, 1, COST);
	assert_int_equal(e.t.cost[0], 0);
	serve(&e, 1, COST);
	assert_int_equal(e.t.cost[0], COST * 16);
	e = (struct exact) { .now = 1ULL << 40 };
	for (unsigned i = 0; i < GAPS; i++)
		serve(&e, 10 * TRIAL_REQUESTS, COST);
	assert_int_equal(e.t.cost[0], 0);
	serve(&e, 10 * TRIAL_REQUESTS, COST);
	assert_int_equal(e.t.cost[0], COST * 16);
}

static void what_is_hardly_better_is_chance(void **state UNUSED)
{
	struct exact e = on_trial();

	phase(&e, COST - COST / 32);
	assert_int_equal(e.t.best, 0);
	assert_int_equal(e.t.way, 0);
	assert_false(e.t.trying);
	e = on_trial();
	phase(&e, COST - COST / 8);
	assert_int_equal(e.t.best, 1);
	assert_int_equal(e.t.way, 1);
}

static void the_second_way_must_pay(void **state UNUSED)
{
	struct exact e = on_trial();

	phase(&e, COST - COST / 8);
	assert_int_equal(e.t.best, 1);
	phase(&e, COST - COST / 8);
	assert_false(e.t.trying);
	/* It was chance: the first way is asked at once, and need not be better to be taken. */
	phase(&e, 2 * COST);
	assert_true(e.t.trying);
	assert_int_equal(e.t.way, 0);
	phase(&e, COST);
	assert_int_equal(e.t.best, 0);
	assert_int_equal(e.t.pause, TRIAL_PAUSE);
}

/* A quarter of what is new. */
static void the_cost_follows_slowly(void **state UNUSED)
{
	struct exact e = on_trial();

	phase(&e, COST);
	phase(&e, 2 * COST);
	assert_int_equal(e.t.cost[0], COST * 16 + COST * 16 / 4);
}

static void who_loses_is_tried_more_seldom(void **state UNUSED)
{
	struct exact e = on_trial();
	unsigned pause = TRIAL_PAUSE;

	for (unsigned n = 0; n < 10; n++) {
		phase(&e, COST); /* no better */
		assert_int_equal(e.t.pause, pause);
		for (unsigned i = 0; i <= pause; i++) {
			assert_false(e.t.trying);
			phase(&e, COST);
		}
		assert_true(e.t.trying);
		pause = MIN(2 * pause, (unsigned)TRIAL_PAUSE_MAX);
	}
	assert_int_equal(pause, TRIAL_PAUSE_MAX);
	phase(&e, COST / 2);
	assert_int_equal(e.t.best, 1);
	assert_int_equal(e.t.pause, TRIAL_PAUSE);
}

/* Four requests' time is given away, and twice what the other way would have taken. */
static void a_bad_trial_ends_early(void **state UNUSED)
{
	struct exact e = on_trial();

	for (unsigned i = 0; i < TRIAL_WARM; i++)
		serve(&e, 1, COST);
	serve(&e, 1, 9 * COST);
	assert_true(e.t.trying);
	for (unsigned i = 1; i < TRIAL_REQUESTS; i++)
		serve(&e, 1, COST / 2);
	assert_int_equal(e.t.best, 1);
	e = on_trial();
	for (unsigned i = 0; i < TRIAL_WARM; i++)
		serve(&e, 1, COST);
	serve(&e, 1, 11 * COST);
	assert_false(e.t.trying);
	assert_int_equal(e.t.best, 0);
	assert_int_equal(e.t.left, TRIAL_PAUSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_better_way_is_found),
		cmocka_unit_test(a_new_guest_loses_little),
		cmocka_unit_test(it_may_change),
		cmocka_unit_test(another_depth_is_another_load),
		cmocka_unit_test(pauses_do_not_count),
		cmocka_unit_test(nonsense_breaks_nothing),
		cmocka_unit_test(a_phase_has_so_many_times_and_requests),
		cmocka_unit_test(what_is_hardly_better_is_chance),
		cmocka_unit_test(the_second_way_must_pay),
		cmocka_unit_test(the_cost_follows_slowly),
		cmocka_unit_test(who_loses_is_tried_more_seldom),
		cmocka_unit_test(a_bad_trial_ends_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
