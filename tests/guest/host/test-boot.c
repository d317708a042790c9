/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest finds the machine that the loader, the memory map and ACPI promise. */
#include "vm.h"

#include "base/attr.h"

#include <stdio.h>
#include <string.h>

static void boots_with(unsigned cpus, uint64_t memory)
{
	struct vm_setup s = { .append = "test=boot", .cpus = cpus, .memory = memory };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
}

static void one_cpu(void **state UNUSED)
{
	boots_with(1, 64 << 20);
}

static void eight_cpus(void **state UNUSED)
{
	boots_with(8, 128 << 20);
}

/* RAM on both sides of the hole below 4 GiB; untouched pages cost nothing. */
static void six_gib(void **state UNUSED)
{
	boots_with(1, 6ULL << 30);
}

static uint64_t fnv(const uint8_t *p, size_t n)
{
	uint64_t sum = 0xcbf29ce484222325;

	while (n--)
		sum = (sum ^ *p++) * 0x100000001b3;
	return sum;
}

static void initrd(void **state UNUSED)
{
	static uint8_t data[3 * 1024 * 1024 + 77];
	char append[160];
	struct vm_setup s = { .append = append };
	struct vm_result r;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 31 + (i >> 8));
	snprintf(append, sizeof(append), "test=boot initrd_bytes=%zu initrd_sum=%llu", sizeof(data),
		(unsigned long long)fnv(data, sizeof(data)));
	s.initrd = vm_file(data, sizeof(data));
	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	close(s.initrd);
}

static void timer_interrupts(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=timer" };
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
}

static void console_input(void **state UNUSED)
{
	struct vm_setup s = {
		.append = "test=echo",
		.when = "ok listening",
		.input = "hello, guest\n",
	};
	struct vm_result r;

	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_true(vm_says(&r, "heard hello, guest"));
	vm_result_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(eight_cpus),
		cmocka_unit_test(six_gib),
		cmocka_unit_test(initrd),
		cmocka_unit_test(timer_interrupts),
		cmocka_unit_test(console_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
