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
		trial_served(&g->t, g->depth, g->now);
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
		trial_served(&t, i % 3 ? (unsigned)rand() : UINT32_MAX * (i % 2), now);
		assert_in_range(t.way, 0, 1);
		assert_in_range(t.pause, 0, TRIAL_PAUSE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_better_way_is_found),
		cmocka_unit_test(it_may_change),
		cmocka_unit_test(pauses_do_not_count),
		cmocka_unit_test(nonsense_breaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
