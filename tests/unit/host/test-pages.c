/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "host/pages.h"

#include <string.h>
#include <sys/mman.h>

/* A sanitizer's notes about memory are memory too, and fault. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { OTHER_FAULTS = 8192 };
#else
enum { OTHER_FAULTS = 0 };
#endif

static struct host *h;

static int set_up(void **state UNUSED)
{
	return host_new_fds_only(&h);
}

static int tear_down(void **state UNUSED)
{
	host_free(h);
	return 0;
}

static void *map(size_t len, uint64_t like)
{
	void *p = NULL;

	assert_int_equal(pages_map(h, -1, 0, len, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, like, &p),
		0);
	return p;
}

static void addresses_go_with_what_is_behind(void **state UNUSED)
{
	static const struct {
		size_t len;
		uint64_t like, page;
	} cases[] = {
		{ 2 << 20, 0, 2 << 20 },
		{ 3 << 20, 0x3000, 2 << 20 },
		{ 1 << 30, 0, 1 << 30 },
		{ 3UL << 30, 0x140001000, 1 << 30 },
		{ (1UL << 30) - 4096, 0x1000, 2 << 20 },
		{ 64UL << 30, 0, 1 << 30 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *p = map(cases[i].len, cases[i].like);

		assert_int_equal(((uintptr_t)p ^ cases[i].like) & (cases[i].page - 1), 0);
		p[0] = p[cases[i].len - 1] = 1;
		assert_int_equal(host_munmap(h, p, cases[i].len), 0);
	}
}

/* What was reserved for the alignment is given back, also after a mapping that failed. */
static void nothing_is_left_behind(void **state UNUSED)
{
	void *p = NULL;

	for (unsigned i = 0; i < 1000; i++) { /* of 128 TiB */
		p = map(1UL << 38, 0);
		assert_int_equal(host_munmap(h, p, 1UL << 38), 0);
		assert_true(pages_map(h, 9999, 0, 1UL << 38, PROT_READ, MAP_SHARED, 0, &p) < 0);
	}
}

static void assert_faults(uint64_t before, uint64_t wanted)
{
	assert_in_range(pages_faults() - before, wanted, wanted + OTHER_FAULTS);
}

static void populating_changes_nothing(void **state UNUSED)
{
	const size_t len = 4 << 20;
	char *p = map(len, 0);
	uint64_t before;

	madvise(p, len, MADV_NOHUGEPAGE);
	p[4096] = 7;
	before = pages_faults();
	assert_int_equal(pages_populate(p, len), 0);
	assert_faults(before, len / 4096 - 1);
	pages_touch(p, len, 4096);
	assert_faults(before, len / 4096 - 1);
	assert_int_equal(p[4096], 7);
	assert_int_equal(p[0], 0);
	host_munmap(h, p, len);
}

static void touching_brings_each_page(void **state UNUSED)
{
	const size_t len = 1 << 20;
	char *p = map(len, 0);
	uint64_t before = pages_faults();

	pages_touch(p, len, 4096);
	assert_faults(before, len / 4096);
	host_munmap(h, p, len);
}

static void memory_is_bound_to_nodes(void **state UNUSED)
{
	char *p = map(8192, 0);
	int r = pages_bind(p, 8192, 0, true);

	if (r == -ENOSYS || r == -EPERM) /* no NUMA, or a container that hides it */
		skip();
	assert_int_equal(r, 0);
	assert_int_equal(pages_node(p), 0);
	assert_int_equal(pages_bind(p, 8192, 1000, true), -EINVAL);
	assert_int_equal(pages_bind(p, 8192, 100000, false), -EINVAL);
	host_munmap(h, p, 8192);
}

/* Read-only data of this program, some pages of it, and an address that the loader wrote. */
static const char text[1 << 16] = { [0] = 'a', [sizeof(text) - 1] = 'z' };
static const char *const relocated[] = { text, text + 1 };

static uint64_t faults_of_reading(void)
{
	const volatile char *at = text;
	uint64_t before = pages_faults();

	for (size_t i = 0; i < sizeof(text); i += 4096)
		assert_int_equal(at[i], i ? 0 : 'a');
	return pages_faults() - before;
}

static void code_that_is_forgotten_comes_back(void **state UNUSED)
{
	const char *const volatile *address = relocated;

	faults_of_reading();
	assert_in_range(faults_of_reading(), 0, OTHER_FAULTS);
	pages_forget_code();
	assert_in_range(faults_of_reading(), 1, 64 + OTHER_FAULTS);
	assert_int_equal(text[sizeof(text) - 1], 'z');
	assert_ptr_equal(address[1], text + 1);
}

int main(void)
{
#define T(f) cmocka_unit_test(f)
	const struct CMUnitTest tests[] = {
		T(addresses_go_with_what_is_behind),
		T(nothing_is_left_behind),
		T(populating_changes_nothing),
		T(touching_brings_each_page),
		T(memory_is_bound_to_nodes),
		T(code_that_is_forgotten_comes_back),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
