/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/cpu/cpuid.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 600 };

static struct kvm_cpuid2 *make(const struct kvm_cpuid_entry2 *entries, uint32_t n)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + ROOM * sizeof(c->entries[0]));

	assert_non_null(c);
	c->nent = n;
	memcpy(c->entries, entries, n * sizeof(*entries));
	return c;
}

static const struct kvm_cpuid_entry2 *leaf(
	const struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	fail_msg("leaf 0x%x.%u is missing", function, index);
	return &c->entries[0]; /* not reached */
}

static const struct kvm_cpuid_entry2 some[] = {
	{ .function = 0, .eax = 0x1f },
	{ .function = 1, .ebx = 0x63010800, .ecx = 1 << 5, .edx = 0 },
	{ .function = 4, .index = 0, .eax = 0xfc004121 },
	{ .function = 4, .index = 3, .eax = 0xfc0fc163 },
	{ .function = 0xa, .eax = 0x07300404, .ebx = 1, .edx = 3 },
	{ .function = 0xb, .index = 0 },
	{ .function = 0x80000001, .ecx = 1 << 2 | 1 << 23 | 1 << 5 },
	{ .function = 0x80000008, .eax = 0x3028, .ecx = 0x7007 },
	{ .function = 0x8000000a, .eax = 1, .edx = 0xff },
	{ .function = 0x8000001e, .eax = 9, .ebx = 0x101, .ecx = 3 },
};

static void each_cpu_has_its_id(void **state UNUSED)
{
	struct kvm_cpuid2 *c = make(some, ARRAY_SIZE(some));

	cpuid_adapt(c, 5, 6, true);
	assert_int_equal(leaf(c, 1, 0)->ebx, 5U << 24 | 8 << 16 | 0x0800);
	assert_true(leaf(c, 1, 0)->edx & 1 << 28);
	assert_int_equal(leaf(c, 0xb, 0)->edx, 5);
	assert_int_equal(leaf(c, 0x8000001e, 0)->eax, 5);
	free(c);
}

static void topology_is_one_package_of_cores(void **state UNUSED)
{
	struct kvm_cpuid2 *c = make(some, ARRAY_SIZE(some));

	cpuid_adapt(c, 1, 6, true);
	/* Thread level: no bits; core level: 3 bits hold 6 ids. Leaf 0x1F was not there before. */
	for (uint32_t f = 0xb; f <= 0x1f; f += 0x14) {
		assert_int_equal(leaf(c, f, 0)->eax, 0);
		assert_int_equal(leaf(c, f, 0)->ebx, 1);
		assert_int_equal(leaf(c, f, 0)->ecx, 0x100);
		assert_int_equal(leaf(c, f, 1)->eax, 3);
		assert_int_equal(leaf(c, f, 1)->ebx, 6);
		assert_int_equal(leaf(c, f, 1)->ecx, 0x201);
	}
	assert_int_equal(leaf(c, 4, 0)->eax >> 26, 7);
	assert_int_equal(leaf(c, 4, 0)->eax >> 14 & 0xfff, 0);
	assert_int_equal(leaf(c, 4, 3)->eax >> 14 & 0xfff, 7);
	assert_int_equal(leaf(c, 0x80000008, 0)->ecx, 0x3005);
	assert_true(leaf(c, 0x80000001, 0)->ecx & 2);
	free(c);
}

static void one_cpu_is_alone(void **state UNUSED)
{
	struct kvm_cpuid2 *c = make(some, ARRAY_SIZE(some));

	cpuid_adapt(c, 0, 1, false);
	assert_false(leaf(c, 1, 0)->edx & 1 << 28);
	assert_false(leaf(c, 1, 0)->ecx & 1 << 24);
	assert_int_equal(leaf(c, 0xb, 1)->eax, 0);
	assert_int_equal(leaf(c, 0x80000008, 0)->ecx, 0);
	assert_false(leaf(c, 0x80000001, 0)->ecx & 2);
	free(c);
}

static void what_makes_no_sense_is_hidden(void **state UNUSED)
{
	struct kvm_cpuid2 *c = make(some, ARRAY_SIZE(some));

	cpuid_adapt(c, 0, 2, true);
	assert_int_equal(leaf(c, 1, 0)->ecx, 1U << 31 | 1 << 24 | 1 << 21);
	assert_int_equal(leaf(c, 0x80000001, 0)->ecx, 1 << 5 | 2);
	assert_int_equal(leaf(c, 0xa, 0)->eax, 0);
	assert_int_equal(leaf(c, 0x8000000a, 0)->edx, 0);
	assert_int_equal(leaf(c, 0x80000008, 0)->eax, 0x3028);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cpu_has_its_id),
		cmocka_unit_test(topology_is_one_package_of_cores),
		cmocka_unit_test(one_cpu_is_alone),
		cmocka_unit_test(what_makes_no_sense_is_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
