// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/attr.h"
#include "vmm/virtio/spin.h"

#define US 1000ULL

/* ---- how long ---- */

static struct spin looking(void)
{
	return (struct spin) { .trial = { .way = WAY_LOOK } };
}

/* A request comes so long after the last one: how long the thread looks from then on. */
static uint32_t after(struct spin *s, uint64_t gap_us, unsigned times)
{
	uint64_t now = 1;

	for (unsigned i = 0; i < times; i++) {
		spin_idle(s, now);
		now += gap_us * US;
		spin_again(s, now);
	}
	return spin_ns(s);
}

static void nobody_looks_at_first(void **state UNUSED)
{
	struct spin s = looking();

	assert_int_equal(spin_ns(&s), 0);
}

static void who_comes_back_soon_is_looked_for(void **state UNUSED)
{
	struct spin s = looking();

	assert_int_equal(after(&s, 20, 1), SPIN_GAPS * 20 * US);
	assert_in_range(after(&s, 40, 40), SPIN_GAPS * 38 * US, SPIN_GAPS * 40 * US);
	assert_in_range(after(&s, 0, 100), SPIN_MIN_NS, SPIN_MIN_NS);
	assert_in_range(after(&s, SPIN_MAX_NS / US, 100), SPIN_MAX_NS, SPIN_MAX_NS);
}

/* The disk takes longer than the guest, or it is the other way round: both are looked for. */
static void two_gaps_by_turns_are_both_covered(void **state UNUSED)
{
	struct spin s = looking();

	for (unsigned i = 0; i < 100; i++) {
		after(&s, 5, 1);
		assert_in_range(after(&s, 200, 1), i < 16 ? 0 : 200 * US, SPIN_MAX_NS);
	}
}

/* Somebody else had the processor. */
static void one_long_gap_is_none(void **state UNUSED)
{
	struct spin s = looking();

	assert_int_equal(after(&s, 20, 40), SPIN_GAPS * 20 * US);
	assert_in_range(after(&s, 900, 1), SPIN_GAPS * 20 * US, SPIN_GAPS * 28 * US);
}

static void who_does_not_is_not(void **state UNUSED)
{
	struct spin s = looking();

	assert_true(after(&s, 20, 20) > 0);
	/* The longest look would not have found it. */
	assert_int_equal(after(&s, SPIN_MAX_NS / US + 1, 20), 0);
	assert_int_equal(after(&s, 1000000, 100), 0);
	/* It may come back. */
	assert_true(after(&s, 5, 1) > 0);
}

static void who_is_told_does_not_look(void **state UNUSED)
{
	struct spin s = { 0 };

	assert_int_equal(after(&s, 5, 40), 0);
	/* It knows how long it would. */
	s.trial.way = WAY_LOOK;
	assert_true(spin_ns(&s) > 0);
}

static void one_cpu_does_not_look(void **state UNUSED)
{
	struct spin s = looking();

	s.alone = true;
	assert_int_equal(after(&s, 5, 40), 0);
}

/* ---- whether: a guest with one request at a time, a disk, and the thread between them ---- */

enum { SEEDS = 16 };

struct host {
	uint64_t think, disk;	  /* what the guest and the disk take for their parts, ns */
	uint64_t doorbell, wakes; /* what it costs more to tell: the guest; the thread */
	uint64_t crowded;	  /* what it costs the guest when somebody looks meanwhile */
};

struct life {
	struct spin s;
	uint64_t now, looked, seed;
};

static uint64_t about(struct life *l, uint64_t mean)
{
	l->seed = l->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return mean - mean / 4 + (l->seed >> 33) % (mean / 2 + 1);
}

/* Idle from now on, until something comes after so long. */
static void wait_for(struct life *l, uint64_t comes, const struct host *h, uint64_t bell)
{
	uint64_t look = spin_ns(&l->s);
	bool seen = comes <= look;

	spin_idle(&l->s, l->now);
	l->looked += MIN(look, comes);
	l->now += comes + (look ? h->crowded : 0) + (seen ? 0 : bell + h->wakes);
	spin_again(&l->s, l->now);
}

/* So many requests: how long one took. Cycles are nanoseconds here. */
static uint64_t live(struct life *l, const struct host *h, unsigned requests)
{
	uint64_t from = l->now;

	for (unsigned i = 0; i < requests; i++) {
		wait_for(l, about(l, h->think), h, h->doorbell);
		trial_served(&l->s.trial, 0, 1, l->now);
		wait_for(l, about(l, h->disk), h, 0);
		trial_served(&l->s.trial, 1, 1, l->now);
	}
	return (l->now - from) / requests;
}

static uint64_t told(const struct host *h)
{
	return h->think + h->disk + h->doorbell + 2 * h->wakes;
}

static uint64_t looked_for(const struct host *h)
{
	return h->think + h->disk + 2 * h->crowded;
}

/* After the first few hundred, which a guest in the lab reads in a fifth of a second. */
static void expect_way(const struct host *h, uint64_t seed, unsigned way, uint64_t best)
{
	struct life l = { .now = 1ULL << 40, .seed = seed };
	uint64_t each;

	live(&l, h, 300);
	assert_int_equal(l.s.trial.best, way);
	each = live(&l, h, 10000);
	if (each * 95 > best * 100)
		fail_msg("%llu ns a request, %llu would do", (unsigned long long)each,
			(unsigned long long)best);
}

/* The disk and the guest take their time, but to be told costs as much: emulated machines do. */
static void slow_hosts_are_looked_at_too(void **state UNUSED)
{
	static const struct host hosts[] = {
		{ 250 * US, 130 * US, 60 * US, 60 * US, 0 },  /* tests/lab */
		{ 400 * US, 300 * US, 150 * US, 80 * US, 0 }, /* the same, and busy */
		{ 35 * US, 75 * US, 10 * US, 8 * US, 0 },     /* a disk of today's on any host */
		{ 5 * US, 1 * US, 3 * US, 5 * US, 0 },	      /* in memory */
	};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		for (unsigned seed = 1; seed <= SEEDS; seed++)
			expect_way(&hosts[i], seed, WAY_LOOK, looked_for(&hosts[i]));
}

/* Too few processors: who looks takes the guest's. */
static void who_is_in_the_way_does_not_look(void **state UNUSED)
{
	static const struct host hosts[] = {
		{ 5 * US, 1 * US, 3 * US, 5 * US, 200 * US },
		{ 35 * US, 75 * US, 10 * US, 8 * US, 100 * US },
		{ 250 * US, 130 * US, 60 * US, 60 * US, 1000 * US },
	};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++)
		for (unsigned seed = 1; seed <= SEEDS; seed++)
			expect_way(&hosts[i], seed, WAY_BE_TOLD, told(&hosts[i]));
}

/* A guest that computes long between its requests gains nothing: no processor burns for it. */
static void who_gains_nothing_is_not_looked_for(void **state UNUSED)
{
	static const struct host hosts[] = {
		{ 600 * US, 80 * US, 8 * US, 6 * US, 0 },
		{ 3000 * US, 80 * US, 60 * US, 60 * US, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		uint64_t looked = 0;

		for (unsigned seed = 1; seed <= SEEDS; seed++) {
			struct life l = { .now = 1ULL << 40, .seed = seed };

			live(&l, &hosts[i], 10000);
			looked += l.looked;
		}
		/* Some trials are won by chance, for a while. */
		assert_true(looked < SEEDS * 10000 * told(&hosts[i]) / 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_looks_at_first),
		cmocka_unit_test(who_comes_back_soon_is_looked_for),
		cmocka_unit_test(two_gaps_by_turns_are_both_covered),
		cmocka_unit_test(one_long_gap_is_none),
		cmocka_unit_test(who_does_not_is_not),
		cmocka_unit_test(who_is_told_does_not_look),
		cmocka_unit_test(one_cpu_does_not_look),
		cmocka_unit_test(slow_hosts_are_looked_at_too),
		cmocka_unit_test(who_is_in_the_way_does_not_look),
		cmocka_unit_test(who_gains_nothing_is_not_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
