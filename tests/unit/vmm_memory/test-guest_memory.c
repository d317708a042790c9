/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/memory/guest_memory.h"

#include <errno.h>
#include <string.h>

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct guest_memory *make(uint64_t size, const struct guest_range *reserved, size_t n)
{
	struct guest_memory_params p = { .size = size, .reserved = reserved, .n_reserved = n };
	struct guest_memory *m = NULL;
	struct host *h;

	assert_int_equal(host_new_fds_only(&h), 0);
	assert_int_equal(guest_memory_new(h, &p, &m, NULL), 0);
	return m;
}

static void drop(struct guest_memory *m)
{
	struct host *h = m->host;

	guest_memory_free(m);
	host_free(h);
}

static uint64_t total(const struct guest_memory *m)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < m->n_banks; i++)
		sum += m->banks[i].size;
	return sum;
}

static void small_is_one_bank(void **state UNUSED)
{
	struct guest_memory *m = make(64 * MIB, NULL, 0);

	assert_int_equal(m->n_banks, 1);
	assert_int_equal(m->banks[0].start.v, 0);
	assert_int_equal(m->banks[0].size, 64 * MIB);
	assert_int_equal(guest_memory_end(m).v, 4 * GIB);
	drop(m);
}

static void large_goes_on_above_the_hole(void **state UNUSED)
{
	struct guest_memory *m = make(5 * GIB, NULL, 0);

	assert_int_equal(m->n_banks, 2);
	assert_int_equal(m->banks[0].size, 3 * GIB);
	assert_int_equal(m->banks[1].start.v, 4 * GIB);
	assert_int_equal(m->banks[1].size, 2 * GIB);
	assert_int_equal(guest_memory_end(m).v, 6 * GIB);
	drop(m);
}

static void keeps_out_of_reserved_ranges(void **state UNUSED)
{
	/* Unsorted, overlapping, not page aligned, one inside the hole, one far away. */
	static const struct guest_range reserved[] = {
		{ 0xfee00000, 0xfeefffff },
		{ 32 * MIB + 100, 33 * MIB + 99 },
		{ 32 * MIB, 32 * MIB + 4095 },
		{ 0xfd00000000, 0xffffffffff },
		{ 4 * GIB, 4 * GIB + MIB - 1 },
	};
	struct guest_memory *m = make(4 * GIB, reserved, 5);

	assert_int_equal(total(m), 4 * GIB);
	for (size_t i = 0; i < m->n_banks; i++) {
		uint64_t start = m->banks[i].start.v, last = start + m->banks[i].size - 1;

		assert_false(start < GUEST_HOLE_END && last >= GUEST_HOLE_START);
		for (size_t j = 0; j < 5; j++)
			assert_false(start <= reserved[j].last && reserved[j].start <= last);
	}
	assert_int_equal(m->banks[0].size, 32 * MIB);
	assert_int_equal(m->banks[1].start.v, 33 * MIB + 4096);
	assert_int_equal(m->banks[2].start.v, 4 * GIB + MIB);
	drop(m);
}

static void no_room_is_a_story(void **state UNUSED)
{
	static const struct guest_range all = { 16 * MIB, UINT64_MAX };
	struct guest_memory_params p = { .size = 64 * MIB, .reserved = &all, .n_reserved = 1 };
	struct guest_memory *m = NULL;
	autoproblem *problem = NULL;
	autohost *h = NULL;

	assert_int_equal(host_new_fds_only(&h), 0);
	assert_int_equal(guest_memory_new(h, &p, &m, &problem), -ENOSPC);
	assert_null(m);
	assert_int_equal(problem->kind, PROBLEM_RESERVED_IOVA);
}

static void odd_sizes_are_refused(void **state UNUSED)
{
	static const uint64_t sizes[] = { 0, 1, 4095, 4097, UINT64_MAX, 1ULL << 60 };
	autohost *h = NULL;

	assert_int_equal(host_new_fds_only(&h), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct guest_memory_params p = { .size = sizes[i] };
		struct guest_memory *m = NULL;

		assert_int_equal(guest_memory_new(h, &p, &m, NULL), -EINVAL);
	}
}

static void access_is_checked_by_its_end(void **state UNUSED)
{
	struct guest_memory *m = make(5 * GIB, NULL, 0);
	uint8_t buf[16];

	assert_ptr_equal(guest_memory_at(m, GPA(0), 1), m->banks[0].host);
	assert_non_null(guest_memory_at(m, GPA(3 * GIB - 1), 1));
	assert_null(guest_memory_at(m, GPA(3 * GIB - 1), 2));
	assert_null(guest_memory_at(m, GPA(3 * GIB), 1));
	assert_null(guest_memory_at(m, GPA(4 * GIB - 1), 1));
	assert_non_null(guest_memory_at(m, GPA(4 * GIB), 2 * GIB));
	assert_null(guest_memory_at(m, GPA(4 * GIB), 2 * GIB + 1));
	assert_null(guest_memory_at(m, GPA(0), UINT64_MAX));
	assert_null(guest_memory_at(m, GPA(UINT64_MAX), 2));
	assert_null(guest_memory_at(m, GPA(0), 0));
	assert_int_equal(guest_memory_read(m, GPA(3 * GIB - 8), buf, 16), -EFAULT);
	drop(m);
}

static void what_is_written_is_read(void **state UNUSED)
{
	struct guest_memory *m = make(8 * MIB, NULL, 0);
	char back[6] = "";

	assert_int_equal(guest_memory_write(m, GPA(4094), "hello", 6), 0);
	assert_int_equal(guest_memory_read(m, GPA(4094), back, 6), 0);
	assert_string_equal(back, "hello");
	assert_int_equal(guest_memory_write(m, GPA(8 * MIB - 5), "hello", 6), -EFAULT);
	assert_int_equal(guest_memory_read(m, GPA(8 * MIB - 5), back, 5), 0);
	assert_int_equal(back[0], 0); /* nothing of it was copied */
	drop(m);
}

/* Else neither KVM nor the IOMMU could use large pages. */
static void banks_lie_as_the_guest_sees_them(void **state UNUSED)
{
	static const struct guest_range reserved = { 32 * MIB, 33 * MIB + 4095 };
	struct guest_memory *m = make(8 * GIB, &reserved, 1);
	static const uint64_t pages[] = { 2 * MIB, GIB, GIB };

	assert_int_equal(m->n_banks, 3);
	for (size_t i = 0; i < m->n_banks; i++)
		assert_int_equal(
			((uintptr_t)m->banks[i].host ^ m->banks[i].start.v) & (pages[i] - 1), 0);
	drop(m);
}

static int make_odd(struct guest_memory_params p, struct problem **reterr)
{
	struct guest_memory *m = NULL;
	autohost *h = NULL;
	int r;

	assert_int_equal(host_new_fds_only(&h), 0);
	r = guest_memory_new(h, &p, &m, reterr);
	guest_memory_free(m);
	return r;
}

static void a_pool_that_is_too_small_is_a_story(void **state UNUSED)
{
	struct guest_memory_params p = { .size = 1ULL << 45, .huge_page = 2 * MIB };
	autoproblem *why = NULL;
	autofree char *text = NULL;

	assert_int_equal(make_odd(p, &why), -ENOMEM);
	assert_int_equal(why->kind, PROBLEM_NO_MEMORY);
	text = problem_text(why);
	assert_non_null(strstr(text, "cannot get 16777216 huge pages of 2 MiB"));
}

static void huge_pages_are_whole_ones(void **state UNUSED)
{
	assert_int_equal(
		make_odd((struct guest_memory_params) { .size = 3 * MIB, .huge_page = 2 * MIB },
			NULL),
		-EINVAL);
	assert_int_equal(
		make_odd((struct guest_memory_params) { .size = 3 * GIB / 2, .huge_page = GIB },
			NULL),
		-EINVAL);
	assert_int_equal(
		make_odd((struct guest_memory_params) { .size = 64 * MIB, .huge_page = 64 << 10 },
			NULL),
		-EINVAL);
}

/* An order that cannot be followed ends the start; a wish does not. */
static void nodes_that_are_not_there(void **state UNUSED)
{
	struct guest_memory_params p = { .size = 4 * MIB, .near = GUEST_NEAR_ONLY, .node = 1000 };
	autoproblem *why = NULL;
	autofree char *text = NULL;

	assert_true(make_odd(p, &why) < 0);
	text = problem_text(why);
	assert_non_null(strstr(text, "NUMA node 1000"));
	p.near = GUEST_NEAR_IF_ROOM;
	assert_int_equal(make_odd(p, NULL), 0);
}

/* Whole pages of RAM, and nothing else; a file's for whoever has it mapped. */
static void pages_are_given_back(bool shared)
{
	struct guest_memory_params p = { .size = 4 * MIB, .shared = shared };
	struct guest_memory *m = NULL;
	uint8_t *at;
	struct host *h;

	assert_int_equal(host_new_fds_only(&h), 0);
	assert_int_equal(guest_memory_new(h, &p, &m, NULL), 0);
	at = m->banks[0].host;
	memset(at, 7, 4 * MIB);
	assert_int_equal(guest_memory_give_back(m, at + 8192, 3 * 4096), 0);
	for (size_t i = 0; i < 4 * MIB; i++)
		assert_int_equal(at[i], i < 8192 || i >= 5 * 4096 ? 7 : 0);
	assert_int_equal(guest_memory_give_back(m, at + 1, 4096), -EINVAL);
	assert_int_equal(guest_memory_give_back(m, at, 4097), -EINVAL);
	assert_int_equal(guest_memory_give_back(m, at, 0), -EINVAL);
	assert_int_equal(guest_memory_give_back(m, at - 4096, 8192), -EFAULT);
	assert_int_equal(guest_memory_give_back(m, at + 4 * MIB - 4096, 8192), -EFAULT);
	assert_int_equal(guest_memory_give_back(m, at + 4 * MIB, 4096), -EFAULT);
	m->huge_page = 2 * MIB; /* as if it was the pool's */
	assert_int_equal(guest_memory_give_back(m, at, 4096), -EOPNOTSUPP);
	assert_int_equal(at[0] + at[4 * MIB - 1], 14);
	drop(m);
}

static void private_pages_are_given_back(void **state UNUSED)
{
	pages_are_given_back(false);
}

static void shared_pages_are_given_back(void **state UNUSED)
{
	pages_are_given_back(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_is_one_bank),
		cmocka_unit_test(large_goes_on_above_the_hole),
		cmocka_unit_test(keeps_out_of_reserved_ranges),
		cmocka_unit_test(no_room_is_a_story),
		cmocka_unit_test(odd_sizes_are_refused),
		cmocka_unit_test(access_is_checked_by_its_end),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(banks_lie_as_the_guest_sees_them),
		cmocka_unit_test(a_pool_that_is_too_small_is_a_story),
		cmocka_unit_test(huge_pages_are_whole_ones),
		cmocka_unit_test(nodes_that_are_not_there),
		cmocka_unit_test(private_pages_are_given_back),
		cmocka_unit_test(shared_pages_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
