/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The root bus, MSI-X, several CPUs at once, and guests that mean harm. */
#include "vm.h"

#include "base/attr.h"

#include <string.h>

static void good(const char *append, unsigned cpus)
{
	struct vm_setup s = { .append = append, .cpus = cpus, .rng = true, .limit_s = 120 };
	struct vm_result r;

	s.disks[0].fd = vm_file(NULL, 1 << 20);
	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void configuration_and_bars(void **state UNUSED)
{
	good("test=pci", 1);
}

static void msix(void **state UNUSED)
{
	good("test=msix", 1);
}

/*
 * Who signals, who injects and who receives count each for themselves. The last two signals wait
 * for the unmasking: 100 alone, 3 + 2 masked, 2 around the new route, and 2 that wait to the end.
 */
static void every_signal_is_accounted_for(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=vector", .rng = true };
	struct vm_result r;
	uint64_t seen;

	vm_run(&s, &r);
	vm_assert_good(&r);
	seen = vm_count(&r, "interrupts");
	assert_int_equal(seen, 104);
	assert_int_equal(vm_report(&r, "devices/virtio-rng0/vector1_signalled"), 109);
	assert_int_equal(vm_report(&r, "devices/virtio-rng0/vector1_injected"), seen);
	assert_int_equal(vm_report(&r, "devices/virtio-rng0/vector1_merged"), 3);
	assert_int_equal(vm_report(&r, "devices/virtio-rng0/vector1_dropped"), 0);
	assert_int_equal(vm_report(&r, "devices/virtio-rng0/vector1_spurious"), 0);
	assert_int_equal(vm_report(&r, "devices/virtio-rng0/interrupts_signalled"), 109);
	vm_result_done(&r);
}

static void rng(void **state UNUSED)
{
	good("test=rng", 1);
	good("test=rng in_order=1", 1);
	good("test=rng packed=1 event_idx=1 in_order=1", 1);
}

static void four_cpus(void **state UNUSED)
{
	good("test=smp", 4);
}

static void hostile(void **state UNUSED)
{
	good("test=hostile", 1);
}

static void hostile_packed_rings(void **state UNUSED)
{
	good("test=hostile_packed", 1);
}

/* Rings change under the device's eyes: it notices, or not, and writes nowhere else. */
static void rings_that_change(void **state UNUSED)
{
	static const char *const appends[] = { "test=hostile_race", "test=hostile_race event_idx=1",
		"test=hostile_race packed=1", "test=hostile_race packed=1 event_idx=1 in_order=1" };

	for (size_t i = 0; i < ARRAY_SIZE(appends); i++) {
		struct vm_setup s = {
			.append = appends[i], .cpus = 2, .rng = true, .limit_s = 120
		};
		struct vm_result r;

		vm_run(&s, &r);
		vm_assert_good(&r);
		assert_true(vm_count(&r, "broke") > 0);
		/* And it worked on some of it before that, besides on the honest ones after. */
		assert_true(vm_report(&r, "devices/virtio-rng0/queue0-requests") > 61);
		vm_result_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configuration_and_bars),
		cmocka_unit_test(msix),
		cmocka_unit_test(every_signal_is_accounted_for),
		cmocka_unit_test(rng),
		cmocka_unit_test(four_cpus),
		cmocka_unit_test(hostile),
		cmocka_unit_test(hostile_packed_rings),
		cmocka_unit_test(rings_that_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
