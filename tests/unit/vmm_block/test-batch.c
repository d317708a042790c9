// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/attr.h"
#include "vmm/block/batch.h"

/* As it is after a while, with so many under way, at this pace, with this to do for each. */
static struct batch at(unsigned under_way, uint32_t pace_ns, uint32_t effort_ns)
{
	struct batch b = { 0 };
	uint64_t now = 1;

	for (unsigned i = 0; i < 100; i++) {
		batch_woken(&b, under_way, b.size, 1, now += pace_ns);
		batch_begin(&b, under_way, 1, now + effort_ns);
	}
	b.depth = 0;
	return b;
}

/* Without a look at the clock. */
static unsigned size_for(struct batch *b, unsigned under_way)
{
	b->works = false;
	return batch_begin(b, under_way, 0, 0);
}

static void few_are_waited_for_one_by_one(void **state UNUSED)
{
	struct batch b = at(32, 10000, 10000);

	assert_int_equal(size_for(&b, 0), 1);
	assert_int_equal(size_for(&b, 1), 1);
	assert_int_equal(size_for(&b, BATCH_DEEP - 1), 1);
	assert_false(batch_is_deep(&b, BATCH_DEEP - 1));
	assert_true(batch_is_deep(&b, BATCH_DEEP));
	assert_int_equal(size_for(&b, BATCH_DEEP), BATCH_DEEP / BATCH_SHARE);
}

static void of_many_a_quarter_comes_together(void **state UNUSED)
{
	struct batch b = at(64, 10000, 50000);

	assert_int_equal(size_for(&b, 64), 16);
	assert_in_range(batch_ns(&b), 2 * 16 * 9500, 2 * 16 * 10500);
	assert_int_equal(size_for(&b, 128), 32);
}

/* To wait for 64 times as long as they take to give back, or a millisecond, is enough. */
static void they_wait_as_long_as_it_is_worth(void **state UNUSED)
{
	struct batch b = at(64, 10000, 700);

	assert_int_equal(size_for(&b, 64), 4);
	b = at(64, 100000, 1500);
	assert_int_equal(size_for(&b, 64), 1);
	b = at(64, 90000, 80000);
	assert_int_equal(size_for(&b, 64), 11);
	b = at(64, 210000, 5000000);
	assert_int_equal(size_for(&b, 64), 4);
	assert_in_range(batch_ns(&b), 1, 2 * BATCH_NS);
	b = at(64, 5000000, 5000000);
	assert_int_equal(size_for(&b, 64), 1);
}

/* As fast as can be said: the numbers stay numbers. */
static void no_time_at_all_is_a_time(void **state UNUSED)
{
	struct batch b = at(64, 0, 0);

	assert_in_range(size_for(&b, 64), 1, 16);
	assert_in_range(batch_ns(&b), 1, 2 * BATCH_NS);
	b = at(64, 0, 1000);
	assert_int_equal(size_for(&b, 64), 16);
}

static void nothing_is_known_at_first(void **state UNUSED)
{
	struct batch b = { 0 };

	assert_int_equal(batch_begin(&b, 64, 64, 2000), 1);
	batch_woken(&b, 64, 1, 1, 3000);
	assert_int_equal(batch_begin(&b, 64, 1, 23000), 1); /* since when, nobody knows */
	batch_woken(&b, 64, 4, 4, 43000);
	assert_int_equal(b.pace_ns, 10001);
	assert_int_equal(b.effort_ns, 20001);
	assert_int_equal(batch_begin(&b, 64, 4, 63000), 16);
}

/* What was seldom was so as there was little to do, not as the device is slow. */
static void a_pause_is_no_pace(void **state UNUSED)
{
	struct batch b = at(64, 10000, 50000);
	uint32_t pace = b.pace_ns, effort = b.effort_ns;

	batch_begin(&b, 1, 0, b.woken_ns + 50000);
	batch_woken(&b, 1, 1, 1, b.woken_ns + 60000);
	assert_int_equal(batch_begin(&b, 64, 64, 1000000000), 16);
	batch_woken(&b, 64, 16, 1, 2000000000);
	assert_int_equal(b.pace_ns, pace);
	assert_int_equal(b.effort_ns, effort);
	assert_int_equal(size_for(&b, 64), 16);
}

/* A device that hangs has nobody wake up now and then. */
static void who_waited_in_vain_waits_for_one(void **state UNUSED)
{
	struct batch b = at(64, 10000, 50000);

	assert_int_equal(size_for(&b, 64), 16);
	batch_woken(&b, 64, 0, 0, b.woken_ns + 500000);
	assert_int_equal(size_for(&b, 64), 1);
	batch_woken(&b, 64, 1, 1, b.woken_ns + 510000);
	assert_true(size_for(&b, 64) > 1);
}

/*
 * The guest takes its time: of its 64 hardly any are under way. As long as they come in the time
 * that is slept for them they are slept for.
 */
static void those_that_are_the_guests_are_to_come(void **state UNUSED)
{
	struct batch b = at(64, 10000, 50000);

	assert_int_equal(size_for(&b, 64), 16);
	for (unsigned i = 0; i < 100; i++) {
		batch_woken(&b, 12, 12, 12, b.woken_ns + 120000);
		b.works = false;
		assert_int_equal(batch_begin(&b, 12, 12, 0), 16);
	}
	assert_int_equal(b.depth, 64);
}

/* Of one that has but one request at a time from now on few wait, and none of them long. */
static void those_that_do_not_come_are_forgotten(void **state UNUSED)
{
	struct batch b = at(64, 10000, 50000);
	unsigned waits = 0;

	assert_int_equal(size_for(&b, 64), 16);
	batch_woken(&b, 64, 64, 64, b.woken_ns + 640000);
	for (unsigned i = 0; i < 100; i++) {
		b.works = false;
		waits += batch_begin(&b, 0, 0, 0) > 1;
		batch_woken(&b, 0, 1, 0, 0); /* the doorbell */
		waits += batch_begin(&b, 1, 1, 0) > 1;
		assert_in_range(batch_ns(&b), 1, 2 * BATCH_NS);
		batch_woken(&b, 1, 1, 1, b.woken_ns + 320000);
	}
	assert_in_range(waits, 1, 5);
	assert_int_equal(b.depth, 0);
	assert_false(batch_is_deep(&b, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_waited_for_one_by_one),
		cmocka_unit_test(of_many_a_quarter_comes_together),
		cmocka_unit_test(they_wait_as_long_as_it_is_worth),
		cmocka_unit_test(no_time_at_all_is_a_time),
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(a_pause_is_no_pace),
		cmocka_unit_test(who_waited_in_vain_waits_for_one),
		cmocka_unit_test(those_that_are_the_guests_are_to_come),
		cmocka_unit_test(those_that_do_not_come_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
