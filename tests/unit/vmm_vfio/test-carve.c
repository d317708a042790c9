/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "base/attr.h"
#include "vmm/vfio/carve.h"

#include <string.h>

enum { PAGE = 4096 };

static size_t carve(
	uint64_t size, struct carve_range a, struct carve_range b, struct carve_range *windows)
{
	struct vfio_region r = { .size = size, .mappable = true };
	struct carve_range holes[2] = { a, b };

	return carve_windows(&r, holes, 2, PAGE, windows);
}

static void expect(const struct carve_range *w, uint64_t offset, uint64_t size)
{
	assert_int_equal(w->offset, offset);
	assert_int_equal(w->size, size);
}

/* QEMU's NVMe VF: registers, table at 0x2000 and PBA at 0x3000 in 16 KiB. */
static void an_nvme_function_keeps_its_registers(void **state)
{
	struct carve_range w[CARVE_WINDOWS_MAX];

	(void)state;
	assert_int_equal(carve(0x4000, (struct carve_range) { 0x2000, 16 },
				 (struct carve_range) { 0x3000, 8 }, w),
		1);
	expect(&w[0], 0, 0x2000);
}

static void registers_around_the_table_are_mapped(void **state)
{
	struct carve_range w[CARVE_WINDOWS_MAX], none = { 0, 0 };

	(void)state;
	assert_int_equal(carve(0x10000, none, none, w), 1);
	expect(&w[0], 0, 0x10000);
	assert_int_equal(carve(0x10000, (struct carve_range) { 0x3010, 0x10 }, none, w), 2);
	expect(&w[0], 0, 0x3000);
	expect(&w[1], 0x4000, 0xc000);
	/* Table at the very start, PBA at the very end, in either order. */
	assert_int_equal(carve(0x10000, (struct carve_range) { 0xfff8, 8 },
				 (struct carve_range) { 0, 0x1008 }, w),
		1);
	expect(&w[0], 0x2000, 0xd000);
	/* Both in one page. */
	assert_int_equal(carve(0x10000, (struct carve_range) { 0x2000, 0x30 },
				 (struct carve_range) { 0x2800, 8 }, w),
		2);
	expect(&w[0], 0, 0x2000);
	expect(&w[1], 0x3000, 0xd000);
	/* The whole BAR is table. */
	assert_int_equal(carve(0x8000, (struct carve_range) { 0, 0x8000 }, none, w), 0);
}

static void small_or_unmappable_bars_trap(void **state)
{
	struct carve_range w[CARVE_WINDOWS_MAX], none = { 0, 0 };
	struct vfio_region r = { .size = 0x4000, .mappable = false };

	(void)state;
	assert_int_equal(carve(2048, none, none, w), 0);
	assert_int_equal(carve_windows(&r, &none, 1, PAGE, w), 0);
	r.mappable = r.has_areas = true; /* an empty list: nothing may be mapped */
	assert_int_equal(carve_windows(&r, &none, 1, PAGE, w), 0);
}

static void areas_are_honoured(void **state)
{
	struct vfio_area areas[] = { { 0, 0x2000 }, { 0x4000, 0x8000 } };
	struct vfio_region r = {
		.size = 0x10000, .mappable = true, .has_areas = true, .areas = areas, .n_areas = 2
	};
	struct carve_range w[CARVE_WINDOWS_MAX], hole = { 0x5004, 12 };

	(void)state;
	assert_int_equal(carve_windows(&r, &hole, 1, PAGE, w), 3);
	expect(&w[0], 0, 0x2000);
	expect(&w[1], 0x4000, 0x1000);
	expect(&w[2], 0x6000, 0x6000);
}

/*
 * Every place and length of a table and a PBA, against the definition: a page is mapped if and
 * only if no byte of a hole is in it, and windows are in order and do not touch.
 */
static void check_pages(
	uint64_t size, const struct carve_range *holes, const struct carve_range *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(w[i].size > 0 && w[i].offset % PAGE == 0 && w[i].size % PAGE == 0);
		if (i)
			assert_true(w[i].offset > w[i - 1].offset + w[i - 1].size);
	}
	for (uint64_t page = 0; page + PAGE <= size; page += PAGE) {
		bool hole = false, mapped = false;

		for (int h = 0; h < 2; h++)
			hole |= holes[h].size && holes[h].offset < page + PAGE &&
				page < holes[h].offset + holes[h].size;
		for (size_t i = 0; i < n; i++)
			mapped |= page >= w[i].offset && page < w[i].offset + w[i].size;
		assert_true(hole != mapped);
	}
}

static void every_alignment(void **state)
{
	const uint64_t size = 6 * PAGE, lengths[] = { 8, 16, 48, PAGE, PAGE + 8, 2 * PAGE };
	struct carve_range w[CARVE_WINDOWS_MAX];

	(void)state;
	for (uint64_t t = 0; t < size; t += 1000)
		for (uint64_t p = 0; p < size; p += 504)
			for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
				struct carve_range holes[2] = { { t & ~7ULL, lengths[i] },
					{ p & ~7ULL, lengths[ARRAY_SIZE(lengths) - 1 - i] } };

				check_pages(size, holes, w, carve(size, holes[0], holes[1], w));
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_nvme_function_keeps_its_registers),
		cmocka_unit_test(registers_around_the_table_are_mapped),
		cmocka_unit_test(small_or_unmappable_bars_trap),
		cmocka_unit_test(areas_are_honoured),
		cmocka_unit_test(every_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
