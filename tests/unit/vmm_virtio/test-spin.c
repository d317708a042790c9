// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/attr.h"
#include "vmm/virtio/spin.h"

#define US 1000ULL

/* A request comes so long after the last one: how long the thread looks from then on. */
static uint32_t after(struct spin *s, uint64_t gap_us, unsigned times)
{
	uint64_t now = 1;

	for (unsigned i = 0; i < times; i++) {
		spin_served(s, 1);
		spin_idle(s, now);
		now += gap_us * US;
		spin_woken(s, now);
	}
	return spin_ns(s);
}

static void nobody_looks_at_first(void **state UNUSED)
{
	struct spin s = { 0 };

	assert_int_equal(spin_ns(&s), 0);
}

static void who_comes_back_soon_is_looked_for(void **state UNUSED)
{
	struct spin s = { 0 };

	assert_int_equal(after(&s, 20, 1), SPIN_START_NS);
	assert_int_equal(after(&s, 20, 1), 2 * SPIN_START_NS);
	assert_int_equal(after(&s, 20, 20), SPIN_MAX_NS);
}

static void who_does_not_is_not(void **state UNUSED)
{
	struct spin s = { 0 };

	assert_int_equal(after(&s, 20, 20), SPIN_MAX_NS);
	/* The longest look would not have found it. */
	assert_int_equal(after(&s, SPIN_MAX_NS / 1000 + 1, 10), 0);
	assert_int_equal(after(&s, 1000000, 100), 0);
	/* It may come back. */
	assert_true(after(&s, 5, 1) > 0);
}

static void deep_queues_are_left_alone(void **state UNUSED)
{
	struct spin s = { 0 };

	assert_true(after(&s, 5, 20) > 0);
	for (unsigned i = 0; i < 40; i++)
		spin_served(&s, 64);
	assert_int_equal(spin_ns(&s), 0);
	/* Neither deep nor shallow: as it was. */
	for (unsigned i = 0; i < 100; i++)
		spin_served(&s, (SPIN_DEEP + SPIN_SHALLOW) / 2);
	assert_int_equal(spin_ns(&s), 0);
	for (unsigned i = 0; i < 40; i++)
		spin_served(&s, 1);
	assert_true(spin_ns(&s) > 0);
}

static void one_burst_is_not_depth(void **state UNUSED)
{
	struct spin s = { 0 };

	assert_true(after(&s, 5, 40) > 0);
	spin_served(&s, SPIN_DEEP * 4);
	assert_true(spin_ns(&s) > 0);
	/* Nonsense does not overflow. */
	for (unsigned i = 0; i < 1000; i++)
		spin_served(&s, UINT32_MAX);
	assert_int_equal(spin_ns(&s), 0);
	for (unsigned i = 0; i < 1000; i++)
		spin_served(&s, 1);
	assert_true(spin_ns(&s) > 0);
}

static void one_cpu_does_not_look(void **state UNUSED)
{
	struct spin s = { .alone = true };

	assert_int_equal(after(&s, 5, 40), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_looks_at_first),
		cmocka_unit_test(who_comes_back_soon_is_looked_for),
		cmocka_unit_test(who_does_not_is_not),
		cmocka_unit_test(deep_queues_are_left_alone),
		cmocka_unit_test(one_burst_is_not_depth),
		cmocka_unit_test(one_cpu_does_not_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
