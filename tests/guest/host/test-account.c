/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report's counters: each is explained in base/counter.def, and their sums come out. */
#include "vm.h"

#include "base/attr.h"
#include "base/counter.h"
#include "base/str.h"

#include <stdio.h>

enum { BYTES = 1 << 20 };

static void run_blk(const char *append, const char *options, struct vm_result *r)
{
	static char bytes[BYTES];
	struct vm_setup s = { .append = append, .rng = true };

	s.disks[0] = (struct vm_disk) { vm_file(bytes, sizeof(bytes)), options };
	vm_run(&s, r);
	vm_assert_good(r);
	close(s.disks[0].fd);
}

static void expect_known(enum counter_of of, const char *name)
{
	if (!counter_find(of, name))
		fail_msg("base/counter.def does not say what %s's \"%s\" is", counter_of_name(of),
			name);
}

static void expect_names(struct json_object *list, enum counter_of kind)
{
	assert_non_null(list);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		json_object_object_foreach(json_object_array_get_idx(list, i), key, value)
		{
			enum counter_of of = kind;
			const char *name = key;
			int index;

			if (!json_object_is_type(value, json_type_int) || str_eq(key, "slot"))
				continue;
			if (kind == COUNTER_DEVICE)
				of = counter_parse(key, &name, &index);
			expect_known(of, name);
		}
	}
}

/* Nothing is counted that nobody can look up. */
static void every_counter_is_explained(void **state UNUSED)
{
	struct vm_result r;

	run_blk("test=blk_cost requests=10 batch=1", NULL, &r);
	expect_names(json_object_object_get(r.report, "devices"), COUNTER_DEVICE);
	expect_names(json_object_object_get(r.report, "cpus"), COUNTER_CPU);
	vm_result_done(&r);
}

static uint64_t of_queue(struct vm_result *r, const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "devices/virtio-blk0/queue0-%s", name);
	return vm_report(r, path);
}

/* Each chain was rung for or not, and told of, with another or not at all. */
static void sums_come_out(void **state UNUSED)
{
	static const char *const tests[] = {
		"test=blk_cost requests=500 batch=1",
		"test=blk_cost requests=512 batch=16 event_idx=1",
		"test=blk_cost requests=500 batch=1 mode=poll",
	};

	for (size_t i = 0; i < ARRAY_SIZE(tests); i++) {
		struct vm_result r;

		run_blk(tests[i], NULL, &r);
		assert_int_equal(of_queue(&r, "requests"),
			of_queue(&r, "injections") + of_queue(&r, "injections-merged") +
				of_queue(&r, "injections-kept"));
		assert_int_equal(of_queue(&r, "requests"),
			of_queue(&r, "doorbells") + of_queue(&r, "doorbells-suppressed"));
		vm_result_done(&r);
	}
}

static uint64_t syscalls(unsigned requests, const char *options)
{
	char append[80];
	struct vm_result r;
	uint64_t n;

	snprintf(append, sizeof(append), "test=blk_cost requests=%u batch=1", requests);
	run_blk(append, options, &r);
	n = of_queue(&r, "host-syscalls");
	vm_result_done(&r);
	return n;
}

/* To wait for the doorbell, to read, to interrupt: no more, to the number. */
static void three_system_calls_per_request(void **state UNUSED)
{
	assert_int_equal(syscalls(1100, NULL), syscalls(100, NULL) + 3000);
}

/* In the vCPU's thread nobody waits. */
static void two_where_the_cpu_works(void **state UNUSED)
{
	assert_int_equal(syscalls(1100, ",ioeventfd=off"), syscalls(100, ",ioeventfd=off") + 2000);
}

/* Every exit to user space for the device's registers is put down to it. */
static void exits_are_the_devices(void **state UNUSED)
{
	struct vm_result few, many;

	run_blk("test=blk_cost requests=100 batch=1", ",ioeventfd=off", &few);
	run_blk("test=blk_cost requests=600 batch=1", ",ioeventfd=off", &many);
	assert_int_equal(vm_report(&many, "devices/virtio-blk0/bar_writes"),
		vm_report(&few, "devices/virtio-blk0/bar_writes") + 500);
	assert_int_equal(vm_report(&many, "devices/virtio-blk0/bar_reads"),
		vm_report(&few, "devices/virtio-blk0/bar_reads"));
	assert_true(vm_report(&few, "devices/virtio-blk0/config_reads") > 10);
	assert_true(vm_report(&few, "devices/virtio-blk0/config_writes") > 2);
	vm_result_done(&few);
	vm_result_done(&many);
}

static void devices_say_what_they_are(void **state UNUSED)
{
	struct json_object *list, *traits;
	struct vm_result r;
	unsigned named = 0;

	run_blk("test=blk_cost requests=10 batch=1", NULL, &r);
	list = json_object_object_get(r.report, "devices");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *model;

		traits = json_object_object_get(json_object_array_get_idx(list, i), "traits");
		assert_non_null(traits);
		model = json_object_object_get(traits, "model");
		named += model && (str_eq(json_object_get_string(model), "virtio-blk") ||
					  str_eq(json_object_get_string(model), "virtio-rng"));
	}
	assert_int_equal(named, 2);
	vm_result_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_counter_is_explained),
		cmocka_unit_test(sums_come_out),
		cmocka_unit_test(three_system_calls_per_request),
		cmocka_unit_test(two_where_the_cpu_works),
		cmocka_unit_test(exits_are_the_devices),
		cmocka_unit_test(devices_say_what_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
