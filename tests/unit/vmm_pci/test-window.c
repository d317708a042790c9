/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "base/checked.h"
#include "vmm/pci/window.h"

#include <errno.h>

static void lowest_place_first(void **state UNUSED)
{
	struct window w;
	uint64_t a, b, c;

	window_init(&w, 0x1000, 0x10000);
	assert_int_equal(window_take(&w, 0x100, 0x100, &a), 0);
	assert_int_equal(window_take(&w, 0x1000, 0x1000, &b), 0);
	assert_int_equal(window_take(&w, 0x200, 0x200, &c), 0);
	assert_int_equal(a, 0x1000);
	assert_int_equal(b, 0x2000);
	assert_int_equal(c, 0x1200); /* in the gap that the alignment left */
	assert_int_equal(window_give(&w, 0x1000), 0);
	assert_int_equal(window_give(&w, 0x1000), -ENOENT);
	assert_int_equal(window_take(&w, 0x100, 0x100, &a), 0);
	assert_int_equal(a, 0x1000);
	window_done(&w);
}

static void full_is_full(void **state UNUSED)
{
	struct window w;
	uint64_t at;

	window_init(&w, 0x8000, 0x4000);
	assert_int_equal(window_take(&w, 0x8000, 0x8000, &at), -ENOSPC);
	assert_int_equal(window_take(&w, 0x4000, 0x4000, &at), 0);
	assert_int_equal(window_take(&w, 1, 1, &at), -ENOSPC);
	window_done(&w);
	window_init(&w, 0, 0);
	assert_int_equal(window_take(&w, 1, 1, &at), -ENOSPC);
	window_done(&w);
}

static void senseless_wishes(void **state UNUSED)
{
	struct window w;
	uint64_t at = 77;

	window_init(&w, UINT64_MAX - 0xffff, 0xffff);
	assert_int_equal(window_take(&w, 0, 1, &at), -EINVAL);
	assert_int_equal(window_take(&w, 1, 3, &at), -EINVAL);
	assert_int_equal(window_take(&w, UINT64_MAX, 1, &at), -ENOSPC);
	assert_int_equal(window_take(&w, 1, 1ULL << 63, &at), -ENOSPC);
	assert_int_equal(at, 77);
	window_done(&w);
}

static void nothing_is_given_twice(void **state UNUSED)
{
	struct window w;
	struct window_range mine[64];
	size_t n = 0;
	uint32_t seed = 1;

	window_init(&w, 0x40000000, 0x100000);
	for (int round = 0; round < 5000; round++) {
		uint64_t size;

		seed = seed * 1664525 + 1013904223;
		size = 16ULL << (seed >> 28);
		if (n == 64 || (n && (seed >> 20 & 3) == 0)) {
			size_t i = (seed >> 8) % n;

			assert_int_equal(window_give(&w, mine[i].start), 0);
			mine[i] = mine[--n];
			continue;
		}
		if (window_take(&w, size, size, &mine[n].start) < 0)
			continue;
		mine[n].size = size;
		assert_int_equal(mine[n].start % size, 0);
		assert_true(window_contains(&w, mine[n].start, size));
		for (size_t i = 0; i < n; i++)
			assert_false(
				ranges_overlap(mine[i].start, mine[i].size, mine[n].start, size));
		n++;
	}
	window_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_place_first),
		cmocka_unit_test(full_is_full),
		cmocka_unit_test(senseless_wishes),
		cmocka_unit_test(nothing_is_given_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
