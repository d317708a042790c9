/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IDE: the data is right on both sides, each request costs what it should, nonsense is survived. */
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { BYTES = 1 << 20 };

static uint64_t pattern(uint64_t seed, uint64_t i)
{
	uint64_t x = (seed << 56) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

static int patterned_disk(uint64_t seed)
{
	static uint64_t words[BYTES / 8];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = pattern(seed, i);
	return vm_file(words, sizeof(words));
}

static void run(struct vm_setup *s, const char *options, struct vm_result *r)
{
	s->disks[0] = (struct vm_disk) { patterned_disk(1), options };
	vm_run(s, r);
	vm_assert_good(r);
}

static void data(const char *append, const char *options)
{
	static uint64_t words[BYTES / 8];
	struct vm_setup s = { .append = append };
	struct vm_result r;

	run(&s, options, &r);
	assert_int_equal(vm_count(&r, "sectors"), BYTES / 512);
	assert_int_equal(pread(s.disks[0].fd, words, BYTES, 0), BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(words[i], pattern(i < ARRAY_SIZE(words) / 2 ? 1 : 2, i));
	assert_true(vm_report(&r, "devices/ide0/queue0-bytes-in") >= BYTES + BYTES / 2);
	assert_int_equal(vm_report(&r, "devices/ide0/queue0-bytes-out"), BYTES / 2);
	assert_int_equal(vm_report(&r, "devices/ide0/failed-requests"), 0);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void data_is_right(void **state UNUSED)
{
	data("test=ide", ",model=ide");
}

static void data_is_right_polled(void **state UNUSED)
{
	data("test=ide mode=poll", ",model=ide");
}

static void data_is_right_by_the_cpu(void **state UNUSED)
{
	data("test=ide", ",model=ide,ioeventfd=off");
}

static void just(const char *append, const char *options, unsigned cpus)
{
	struct vm_setup s = { .append = append, .cpus = cpus };
	struct vm_result r;

	run(&s, options, &r);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void four_drives(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=ide_drives drives=4" };
	struct vm_result r;

	for (unsigned i = 0; i < 4; i++)
		s.disks[i] = (struct vm_disk) { patterned_disk(1 + i), ",model=ide" };
	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	for (unsigned i = 0; i < 4; i++)
		close(s.disks[i].fd);
}

static void one_drive(void **state UNUSED)
{
	just("test=ide_drives drives=1", ",model=ide", 1);
}

static void refuses_nonsense(void **state UNUSED)
{
	just("test=ide_refuses serial=number-7", ",model=ide,serial=number-7", 1);
}

static void read_only(void **state UNUSED)
{
	just("test=ide_read_only", ",model=ide,ro", 1);
}

static void compatible(void **state UNUSED)
{
	just("test=ide_compatible", ",model=ide", 1);
}

static void survives_noise(void **state UNUSED)
{
	just("test=ide_hostile", ",model=ide", 2);
	just("test=ide_hostile", ",model=ide,ioeventfd=off", 2);
}

static int cut_disk;

static void cut(pid_t vmm UNUSED)
{
	assert_int_equal(ftruncate(cut_disk, BYTES - 4096), 0);
}

/* The guest hears of it, the user once, and the VMM goes on. */
static void a_disk_that_shrinks(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=ide_fails", .when = "cut", .then = cut };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { cut_disk = patterned_disk(1), ",model=ide" };
	s.input = "x";
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_non_null(strstr(r.errors, "drive 0 of channel 0 fails"));
	assert_int_equal(vm_report(&r, "devices/ide0/failed-requests"), 2);
	assert_int_equal(vm_report(&r, "devices/ide0/io-errors"), 2);
	assert_int_equal(vm_report(&r, "devices/ide0/no-space"), 0);
	vm_result_done(&r);
	close(cut_disk);
}

/* What left to user space for the controller's registers. */
static uint64_t exits(unsigned requests)
{
	char append[80];
	struct vm_setup s = { .append = append };
	struct vm_result r;
	uint64_t n;

	snprintf(append, sizeof(append), "test=ide_cost requests=%u", requests);
	run(&s, ",model=ide", &r);
	n = vm_report(&r, "devices/ide0/bar_reads") + vm_report(&r, "devices/ide0/bar_writes");
	assert_int_equal(vm_count(&r, "interrupts"), requests);
	assert_int_equal(vm_report(&r, "devices/ide0/queue0-injections"), requests);
	assert_int_equal(vm_report(&r, "devices/ide0/queue0-requests"), requests);
	vm_result_done(&r);
	close(s.disks[0].fd);
	return n;
}

/* Six registers, the start, status and status, the stop, the quiet: eleven exits for 4 KiB. */
static void eleven_exits_per_request(void **state UNUSED)
{
	assert_int_equal(exits(1100), exits(100) + 11000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_right),
		cmocka_unit_test(data_is_right_polled),
		cmocka_unit_test(data_is_right_by_the_cpu),
		cmocka_unit_test(four_drives),
		cmocka_unit_test(one_drive),
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(read_only),
		cmocka_unit_test(compatible),
		cmocka_unit_test(survives_noise),
		cmocka_unit_test(a_disk_that_shrinks),
		cmocka_unit_test(eleven_exits_per_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
