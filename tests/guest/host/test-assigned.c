/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assigned functions on the real KVM, without hardware: they are played inside of the VMM
 * (tests/guest/vmm), and guests use and attack them. After each step the VMM's checkers are asked.
 */
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { CONTAINER = 200, FUNCTIONS = 3 }; /* vmm/machine.h */

/* Any descriptors: what they stand for is played. */
static bool pass_descriptors(void)
{
	for (int fd = CONTAINER; fd <= CONTAINER + 2 * FUNCTIONS; fd++) {
		int one = eventfd(0, 0);

		if (one < 0 || dup2(one, fd) < 0)
			return false;
		close(one);
	}
	return true;
}

static void run(const char *append, unsigned cpus, struct vm_result *ret)
{
	static const char *const names[] = { "0000:05:00.0", "0000:06:00.0", "0000:07:00.0" };
	char vfio[FUNCTIONS][96];
	struct vm_setup s = { .append = append,
		.cpus = cpus,
		.limit_s = 300,
		.before_exec = pass_descriptors,
		.extra = { "--sandbox=off" } };

	for (int i = 0; i < FUNCTIONS; i++) {
		snprintf(vfio[i], sizeof(vfio[i]),
			"--vfio=container=%d,group=%d,device=%d,name=%s%s", CONTAINER,
			CONTAINER + 1 + 2 * i, CONTAINER + 2 + 2 * i, names[i], i ? "" : ",rom=on");
		s.extra[1 + i] = vfio[i];
	}
	vm_run(&s, ret);
	if (strstr(ret->errors, "judge:"))
		fail_msg("%s", strstr(ret->errors, "judge:"));
	vm_assert_good(ret);
}

static void used_as_they_should_be(void **state UNUSED)
{
	struct vm_result r;

	run("test=assigned", 1, &r);
	/*
	 * One for the memory, and what the guest made of BARs: 12 times all 3 windows of a function
	 * came, once the 2 of a BAR that moved. Nothing is asked twice.
	 */
	assert_int_equal(vm_report(&r, "memory/dma/map_calls"), 1 + 12 * 3 + 2);
	/* Of more than a thousand writes one was an exit: that to the ROM. */
	assert_int_equal(vm_report(&r, "devices/0000:05:00.0/trapped_writes"), 1);
	assert_int_equal(vm_report(&r, "devices/0000:05:00.0/trapped_reads"), 0);
	vm_result_done(&r);
}

static void attacked(const char *append, unsigned cpus, uint64_t steps)
{
	struct vm_result r;

	run(append, cpus, &r);
	if (steps)
		assert_true(vm_count(&r, "steps") >= steps);
	vm_result_done(&r);
}

static void configuration_is_attacked(void **state UNUSED)
{
	attacked("test=attackconfig", 1, 3000);
}

static void bars_are_attacked(void **state UNUSED)
{
	attacked("test=attackbars", 1, 4000);
}

static void msix_tables_are_attacked(void **state UNUSED)
{
	attacked("test=attackmsix", 1, 1500);
}

static void two_cpus_attack(void **state UNUSED)
{
	attacked("test=attacksmp", 2, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(used_as_they_should_be),
		cmocka_unit_test(configuration_is_attacked),
		cmocka_unit_test(bars_are_attacked),
		cmocka_unit_test(msix_tables_are_attacked),
		cmocka_unit_test(two_cpus_attack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
