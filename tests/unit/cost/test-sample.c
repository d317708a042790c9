// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include "base/str.h"
#include "cost/sum.h"

#include <string.h>

static const char usual[] = REPORT_DISK(REPORT_VIRTIO, "1000", "1000", "3000", "1000", "1000");

static void each_counter_has_its_place(void **state UNUSED)
{
	autosample s = sample_of(usual, 1);

	assert_int_equal(cost_value(&s, COUNTER_GUEST, NULL, -1, "reboots"), 1);
	assert_int_equal(cost_value(&s, COUNTER_CPU, NULL, 0, "user_exits"), 10);
	assert_int_equal(cost_value(&s, COUNTER_CPU, NULL, 1, "user_exits"), 20);
	assert_int_equal(cost_value(&s, COUNTER_QUEUE, "virtio-blk0", 0, "requests"), 1000);
	assert_int_equal(cost_value(&s, COUNTER_VECTOR, "virtio-blk0", 1, "signalled"), 9);
	assert_int_equal(cost_value(&s, COUNTER_VECTOR, "virtio-blk0", -1, "signalled"), 9);
	assert_int_equal(cost_value(&s, COUNTER_DEVICE, "virtio-blk0", -1, "brand-new"), 11);
	assert_int_equal(cost_value(&s, COUNTER_REGION, "serial1", -1, "writes"), 4);
	/* A BAR is its device's, which counts it. */
	assert_int_equal(cost_value(&s, COUNTER_REGION, "virtio-blk0", -1, "writes"), 0);
	for (size_t i = 0; i < s.n; i++) {
		assert_false(str_eq(s.counts[i].name, "slot"));
		assert_false(str_eq(s.counts[i].name, "start"));
		assert_true(str_eq(s.counts[i].name, "brand-new") || s.counts[i].means);
	}
	assert_int_equal(s.n_devices, 1);
	assert_string_equal(cost_trait(&s.devices[0], "doorbells"), "ioeventfd");
	assert_null(cost_trait(&s.devices[0], "poll"));
}

static void labels_are_those_of_vm_set(void **state UNUSED)
{
	static const struct {
		struct cost_count c;
		const char *label, *name;
	} all[] = {
		{ { COUNTER_GUEST, NULL, -1, "reboots", 0, NULL }, "web1", "reboots" },
		{ { COUNTER_CPU, NULL, 3, "user_exits", 0, NULL }, "cpu3", "user_exits" },
		{ { COUNTER_QUEUE, "virtio-net0", 1, "requests", 0, NULL }, "virtio-net0/1",
			"requests" },
		{ { COUNTER_VECTOR, "x", 2, "merged", 0, NULL }, "x", "vector2_merged" },
		{ { COUNTER_VECTOR, "x", -1, "merged", 0, NULL }, "x", "interrupts_merged" },
		{ { COUNTER_REGION, "rtc", -1, "reads", 0, NULL }, "rtc", "reads" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		autofree char *label = cost_label(&all[i].c, "web1");
		autofree char *name = cost_name(&all[i].c);

		assert_string_equal(label, all[i].label);
		assert_string_equal(name, all[i].name);
	}
}

static void growth_between_two_looks(void **state UNUSED)
{
	autosample a = sample_of(usual, 1);
	autosample b = sample_of(
		REPORT_DISK(REPORT_VIRTIO, "1500", "1000", "3001", "900", "1000"), 1000001);
	struct cost_sum sum;

	cost_sum_device(&a, &b, &b.devices[0], &sum);
	assert_int_equal(sum.operations, 500);
	assert_int_equal(sum.doorbells, 0);
	assert_int_equal(sum.host_syscalls, 1);
	assert_int_equal(sum.user_exits, 0);
	/* It has started again meanwhile: all of it is new. */
	assert_int_equal(sum.wakeups, 900);
	cost_sum_device(NULL, &b, &b.devices[0], &sum);
	assert_int_equal(sum.operations, 1500);
	assert_int_equal(sum.user_exits, 5 + 6 + 7 + 8);
	assert_int_equal(sum.kernel_exits, 1000);
	assert_int_equal(sum.bytes, 4096);
}

/* A doorbell that traps is an exit to user space, and no other one as well. */
static void a_trapped_doorbell_is_counted_once(void **state UNUSED)
{
	autosample s = sample_of(REPORT_DISK("\"model\":\"virtio-blk\",\"doorbells\":\"trapped\"",
					 "6", "6", "12", "0", "6"),
		1);
	struct cost_sum sum;

	cost_sum_device(NULL, &s, &s.devices[0], &sum);
	assert_int_equal(sum.kernel_exits, 0);
	assert_int_equal(sum.user_exits, 26);
}

static void nonsense_is_left_out(void **state UNUSED)
{
	static const char *const all[] = {
		"7",
		"[]",
		"{}",
		"{\"devices\":7,\"cpus\":{},\"pio\":\"x\",\"mmio\":null}",
		"{\"devices\":[7,null,[],{},{\"name\":7},{\"slot\":\"x\"}],\"cpus\":[7,[],null]}",
		"{\"devices\":[{\"name\":\"a\",\"slot\":-1,\"traits\":[1]}],\"pio\":[{},7,{\"name\":[]}]}",
		"{\"devices\":[{\"name\":\"a\",\"traits\":{\"model\":7,\"x\":null}}]}",
		"{\"devices\":[{\"name\":\"a\",\"queue0-requests\":-5,\"queue0-\":1,\"\":1}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		autosample s = sample_of(all[i], 1);

		for (size_t k = 0; k < s.n_devices; k++) {
			struct cost_sum sum;

			cost_sum_device(NULL, &s, &s.devices[k], &sum);
			assert_null(cost_trait(&s.devices[k], "model"));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_counter_has_its_place),
		cmocka_unit_test(labels_are_those_of_vm_set),
		cmocka_unit_test(growth_between_two_looks),
		cmocka_unit_test(a_trapped_doorbell_is_counted_once),
		cmocka_unit_test(nonsense_is_left_out),
	};

	return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
