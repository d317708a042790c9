// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/attr.h"
#include "base/bdf.h"

static void parses_both_forms(void **state UNUSED)
{
	struct bdf a, b;

	assert_int_equal(bdf_parse("0000:3b:02.7", &a), 0);
	assert_int_equal(bdf_parse("3b:02.7", &b), 0);
	assert_true(bdf_eq(a, b));
	assert_int_equal(a.bus, 0x3b);
	assert_int_equal(a.dev, 2);
	assert_int_equal(a.fn, 7);
	assert_int_equal(bdf_parse("10000:e1:00.0", &a), 0); /* VMD domains have five digits */
	assert_string_equal(BDF_TEXT(a), "10000:e1:00.0");
}

static void refuses_what_is_none(void **state UNUSED)
{
	static const char *const bad[] = { "", "3b:02", "3b:20.0", "3b:02.8", "3b:02.0 ",
		":3b:02.0", "000:3b:02.0", "0000:3b:02.", "3b.02.0", "0000:3b:2.0", "0000:3b:02.00",
		"eth0", "123456789:00:00.0", "0000:0000:00.0" };
	struct bdf a;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(bdf_parse(bad[i], &a), -EINVAL);
}

static void orders_like_lspci(void **state UNUSED)
{
	const struct bdf sorted[] = { { 0, 0, 0, 0 }, { 0, 0, 0, 1 }, { 0, 0, 1, 0 },
		{ 0, 1, 0, 0 }, { 1, 0, 0, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++)
			assert_int_equal(bdf_cmp(sorted[i], sorted[j]), (i > j) - (i < j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_both_forms),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(orders_like_lspci),
	};

	return cmocka_run_group_tests_name("bdf", tests, NULL, NULL);
}
