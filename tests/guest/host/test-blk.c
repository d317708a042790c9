/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk: the data is right on both sides, and each request costs what it should. */
#include "control.h"
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { BYTES = 1 << 20 };

/* The guest computes the same. */
static uint64_t pattern(uint64_t seed, uint64_t i)
{
	uint64_t x = (seed << 56) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

static const uint64_t *patterned(void)
{
	static uint64_t words[BYTES / 8] __attribute__((aligned(4096)));

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = pattern(1, i);
	return words;
}

static int patterned_disk(void)
{
	return vm_file(patterned(), BYTES);
}

/* In the folder where the tests run, so that it is a file system's; -1: it has no O_DIRECT. */
static int patterned_file(int flags)
{
	int fd = open(".", O_RDWR | O_TMPFILE | flags, 0600);

	if (fd < 0 && flags)
		return -1;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, patterned(), BYTES, 0), BYTES);
	return fd;
}

static void data_with(const char *append, const char *options)
{
	static uint64_t words[BYTES / 8];
	struct vm_setup s = { .append = append };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { patterned_disk(), options };
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_count(&r, "sectors"), BYTES / 512);
	assert_int_equal(pread(s.disks[0].fd, words, BYTES, 0), BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(words[i], pattern(i < ARRAY_SIZE(words) / 2 ? 1 : 2, i));
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void data(const char *append)
{
	data_with(append, NULL);
}

static void data_is_right(void **state UNUSED)
{
	data("test=blk");
}

static void data_is_right_with_event_idx(void **state UNUSED)
{
	data("test=blk event_idx=1");
}

static void data_is_right_polled(void **state UNUSED)
{
	data("test=blk mode=poll");
}

static void data_is_right_on_packed_rings(void **state UNUSED)
{
	data("test=blk packed=1");
	data("test=blk packed=1 event_idx=1");
	data("test=blk packed=1 mode=poll");
	/* The ring wraps at any place of a chain: 3 entries each, 7 and 100 are no multiples. */
	data("test=blk packed=1 event_idx=1 size=7");
	data("test=blk packed=1 size=100");
	data_with("test=blk packed=1 in_order=1 size=1000", ",in-order=on,queue-size=1024");
	data_with("test=blk in_order=1 event_idx=1 size=512", ",in-order=on,queue-size=512");
	data_with("test=blk", ",packed=off");
}

/* One used entry for what is done together; the guest looks at the ring, and at the data. */
static void in_order_one_entry_stands_for_many(void **state UNUSED)
{
	static const char *const appends[] = { "test=blk_order in_order=1",
		"test=blk_order in_order=1 event_idx=1 size=64 batch=21",
		"test=blk_order in_order=1 packed=1",
		"test=blk_order in_order=1 packed=1 event_idx=1 size=100 batch=33",
		"test=blk_order in_order=1 packed=1 size=7 batch=2 mode=poll" };

	for (size_t i = 0; i < ARRAY_SIZE(appends); i++) {
		struct vm_setup s = { .append = appends[i] };
		struct vm_result r;

		s.disks[0] = (struct vm_disk) { patterned_disk(), ",in-order=on" };
		vm_run(&s, &r);
		vm_assert_good(&r);
		assert_int_equal(vm_count(&r, "requests"), BYTES / 4096 * 5 / 2);
		assert_true(vm_count(&r, "used_writes") < vm_count(&r, "requests"));
		vm_result_done(&r);
		close(s.disks[0].fd);
	}
}

static void a_queue_is_reset_alone(void **state UNUSED)
{
	static const char *const appends[] = { "test=blk_queue_reset",
		"test=blk_queue_reset event_idx=1", "test=blk_queue_reset packed=1",
		"test=blk_queue_reset packed=1 event_idx=1 size=5" };

	for (size_t i = 0; i < ARRAY_SIZE(appends); i++) {
		struct vm_setup s = { .append = appends[i] };
		struct vm_result r;

		s.disks[0].fd = patterned_disk();
		vm_run(&s, &r);
		vm_assert_good(&r);
		vm_result_done(&r);
		close(s.disks[0].fd);
	}
}

static void refuses_nonsense(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=blk_refuses serial=number-7" };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { patterned_disk(), ",serial=number-7" };
	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void read_only(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=blk_read_only" };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { patterned_disk(), ",ro" };
	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void cost_with(const char *append, const char *options, struct vm_result *r)
{
	struct vm_setup s = { .append = append };

	s.disks[0] = (struct vm_disk) { patterned_disk(), options };
	vm_run(&s, r);
	vm_assert_good(r);
	assert_int_equal(
		vm_report(r, "devices/virtio-blk0/queue0-requests"), vm_count(r, "requests"));
	assert_int_equal(
		vm_report(r, "devices/virtio-blk0/queue0-doorbells"), vm_count(r, "kicks"));
	assert_int_equal(
		vm_report(r, "devices/virtio-blk0/queue0-injections"), vm_count(r, "interrupts"));
	close(s.disks[0].fd);
}

static void cost(const char *append, struct vm_result *r)
{
	cost_with(append, NULL, r);
}

/* Depth 1, an interrupt each: one doorbell and one injection per request, to the number. */
static void one_at_a_time_with(const char *append)
{
	struct vm_result r;

	cost(append, &r);
	assert_int_equal(vm_count(&r, "interrupts_measured"), 500);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/queue0-doorbells"), 501);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/queue0-doorbells-suppressed"), 0);
	vm_result_done(&r);
}

static void one_at_a_time(void **state UNUSED)
{
	one_at_a_time_with("test=blk_cost requests=500 batch=1 event_idx=1");
	one_at_a_time_with("test=blk_cost requests=500 batch=1 event_idx=1 packed=1");
	one_at_a_time_with("test=blk_cost requests=500 batch=1 packed=1");
}

/* 16 at a time with event indices: one doorbell and one injection for all of them. */
static void batched_with(const char *append)
{
	struct vm_result r;

	cost(append, &r);
	assert_int_equal(vm_count(&r, "kicks_measured"), 32);
	assert_int_equal(vm_count(&r, "interrupts_measured"), 32);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/queue0-doorbells-suppressed"), 33 * 15);
	vm_result_done(&r);
}

static void batched(void **state UNUSED)
{
	batched_with("test=blk_cost requests=512 batch=16 event_idx=1");
	batched_with("test=blk_cost requests=512 batch=16 event_idx=1 packed=1");
	batched_with("test=blk_cost requests=512 batch=16 event_idx=1 packed=1 size=50");
}

/* The largest ring, full: 340 requests of three entries each, one doorbell. */
static void batched_by_the_largest_ring(void **state UNUSED)
{
	static const char *const appends[] = {
		"test=blk_cost requests=3400 batch=340 size=1024 event_idx=1",
		"test=blk_cost requests=3400 batch=340 size=1024 event_idx=1 packed=1",
		"test=blk_cost requests=3400 batch=340 size=1024 event_idx=1 packed=1 in_order=1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(appends); i++) {
		struct vm_result r;

		cost_with(appends[i], ",queue-size=1024,in-order=on", &r);
		assert_int_equal(vm_count(&r, "kicks_measured"), 10);
		assert_int_equal(vm_count(&r, "interrupts_measured"), 10);
		vm_result_done(&r);
	}
}

/* A guest that polls wants no interrupt and gets none. */
static void polled(void **state UNUSED)
{
	struct vm_result r;

	cost("test=blk_cost requests=500 batch=1 mode=poll", &r);
	assert_int_equal(vm_count(&r, "interrupts"), 0);
	vm_result_done(&r);
	cost("test=blk_cost requests=500 batch=1 mode=poll packed=1", &r);
	assert_int_equal(vm_count(&r, "interrupts"), 0);
	vm_result_done(&r);
}

static uint64_t counted(const char *counter, unsigned requests, const char *options)
{
	char append[80];
	struct vm_result r;
	uint64_t n;

	snprintf(append, sizeof(append), "test=blk_cost requests=%u batch=1", requests);
	cost_with(append, options, &r);
	n = vm_report(&r, counter);
	vm_result_done(&r);
	return n;
}

static uint64_t exits(unsigned requests, const char *options)
{
	return counted("cpus/0/mmio_exits", requests, options);
}

/* Doorbells and interrupts go through KVM alone: a thousand requests more, not one exit more. */
static void no_exits_per_request(void **state UNUSED)
{
	assert_int_equal(exits(1100, NULL), exits(100, NULL));
}

/* They are exits all the same, served inside the kernel: KVM's own counter has them. */
static void one_exit_in_the_kernel_per_request(void **state UNUSED)
{
	uint64_t few = counted("cpus/0/kvm_exits", 100, NULL);

	assert_true(counted("cpus/0/kvm_exits", 2100, NULL) >= few + 2000);
}

/* Without an ioeventfd each doorbell is an exit to us, and nothing else is. */
static void one_exit_per_request(void **state UNUSED)
{
	assert_int_equal(exits(600, ",ioeventfd=off"), exits(100, ",ioeventfd=off") + 500);
}

/* ---- engines ---- */

static const char *const engines[] = { ",engine=uring", ",engine=uring-sqpoll", ",engine=threads",
	",engine=sync", ",engine=auto" };

/* The same bytes on both sides, whoever carries them, with the host's page cache and without. */
static void data_on(int fd, const char *options)
{
	static uint64_t words[BYTES / 8] __attribute__((aligned(4096)));
	struct vm_setup s = { .append = "test=blk event_idx=1" };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { fd, options };
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/failed-requests"), 0);
	assert_int_equal(pread(fd, words, BYTES, 0), BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_int_equal(words[i], pattern(i < ARRAY_SIZE(words) / 2 ? 1 : 2, i));
	vm_result_done(&r);
	close(fd);
}

static void data_is_right_on_every_engine(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		int direct = patterned_file(O_DIRECT);

		data_on(patterned_disk(), engines[i]);
		data_on(patterned_file(0), engines[i]);
		if (direct >= 0)
			data_on(direct, engines[i]);
	}
}

static void engines_are_understood(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=blk" };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { patterned_disk(), ",engine=steam" };
	vm_run(&s, &r);
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.errors, "engine=steam"));
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void zeroes_and_discards(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		struct vm_setup s = { .append = "test=blk_zeroes" };
		struct vm_result r;

		s.disks[0] = (struct vm_disk) { patterned_file(0), engines[i] };
		vm_run(&s, &r);
		vm_assert_good(&r);
		vm_result_done(&r);
		close(s.disks[0].fd);
	}
}

static void queues_with(unsigned cpus, const char *options, const char *append)
{
	struct vm_setup s = { .append = append, .cpus = cpus };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { patterned_disk(), options };
	vm_run(&s, &r);
	vm_assert_good(&r);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

static void a_queue_for_each_cpu_or_as_wished(void **state UNUSED)
{
	queues_with(2, NULL, "test=blk_queues queues=2");
	queues_with(1, ",queues=4", "test=blk_queues queues=4 event_idx=1");
	queues_with(1, ",queues=8,engine=uring-sqpoll", "test=blk_queues queues=8 packed=1");
	queues_with(4, ",queues=3,engine=threads", "test=blk_queues queues=3");
}

static int shrinking;

static void cut(pid_t vmm UNUSED)
{
	assert_int_equal(ftruncate(shrinking, BYTES / 2), 0);
}

/* Errors for the guest, a count, one line for the user; and the VMM lives. */
static void a_disk_that_shrinks(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		struct vm_setup s = { .append = "test=blk_shrinks", .when = "cut it", .then = cut };
		struct vm_result r;
		const char *told;

		s.disks[0] = (struct vm_disk) { shrinking = patterned_file(0), engines[i] };
		vm_run(&s, &r);
		vm_assert_good(&r);
		assert_int_equal(vm_report(&r, "devices/virtio-blk0/io-errors"), 51);
		told = strstr(r.errors, "virtio-blk0: the host cannot read at byte ");
		assert_non_null(told);
		assert_null(strstr(told + 1, "virtio-blk0: the host cannot"));
		vm_result_done(&r);
		close(shrinking);
	}
}

static int growing;

static void grow(pid_t vmm UNUSED)
{
	int fd = caller();

	expect_refusal(
		fd, "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"size\":\"2M\"}\n", "bad-image");
	assert_int_equal(ftruncate(growing, 2 * BYTES), 0);
	expect_refusal(
		fd, "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"size\":\"3M\"}\n", "bad-image");
	expect_refusal(
		fd, "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"size\":\"7\"}\n", "usage");
	expect_ok(fd, "{\"cmd\":\"set\",\"device\":\"virtio-blk0\",\"size\":\"auto\"}\n");
	close(fd);
}

/* On each engine: what a ring may do to its file was settled before the file grew. */
static void a_disk_that_grows(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		char control[16];
		struct vm_setup s = { .append = "test=blk_grows",
			.extra = { "--control", control },
			.when = "make it larger",
			.then = grow };
		struct vm_result r;
		int fd = listener();

		snprintf(control, sizeof(control), "%d", fd);
		s.disks[0] = (struct vm_disk) { growing = patterned_file(0), engines[i] };
		vm_run(&s, &r);
		vm_assert_good(&r);
		assert_int_equal(vm_report(&r, "devices/virtio-blk0/io-errors"), 0);
		assert_int_equal(vm_report(&r, "devices/virtio-blk0/failed-requests"), 2);
		vm_result_done(&r);
		close(growing);
		close(fd);
		unlink(path);
	}
}

static uint64_t counted_on(int fd, const char *counter, const char *append, const char *options)
{
	struct vm_setup s = { .append = append };
	struct vm_result r;
	uint64_t n;

	s.disks[0] = (struct vm_disk) { fd, options };
	vm_run(&s, &r);
	vm_assert_good(&r);
	n = vm_report(&r, counter);
	vm_result_done(&r);
	close(fd);
	return n;
}

/*
 * Path 3 at depth 1, 4 KiB each, in one thread hop: one to sleep until the doorbell rings, one to
 * begin the read and sleep until it is done, one to interrupt; from the host's cache it is done at
 * once. A thousand requests more are at most three thousand system calls more, but for a few by
 * which two starts differ, and not one exit to us.
 */
static void costs_three_calls(int flags)
{
	static const char few[] = "test=blk_cost requests=100 bytes=4096",
			  many[] = "test=blk_cost requests=1100 bytes=4096";
	static const char calls[] = "devices/virtio-blk0/queue0-host-syscalls",
			  exits_of[] = "cpus/0/mmio_exits";
	uint64_t cost = counted_on(patterned_file(flags), calls, many, ",engine=uring") -
			counted_on(patterned_file(flags), calls, few, ",engine=uring");

	print_message("%llu system calls for 1000 reads\n", (unsigned long long)cost);
	assert_in_range(cost, 1000, 3005);
	assert_int_equal(counted_on(patterned_file(flags), exits_of, many, ",engine=uring"),
		counted_on(patterned_file(flags), exits_of, few, ",engine=uring"));
}

static void three_system_calls_per_read(void **state UNUSED)
{
	int direct = patterned_file(O_DIRECT);

	costs_three_calls(0);
	if (direct < 0) {
		print_message("no O_DIRECT in this folder: not counted without a cache\n");
		return;
	}
	close(direct);
	costs_three_calls(O_DIRECT);
}

/*
 * Path 7: the guest polls, a thread of ours looks at the ring, and one of the kernel's at what it
 * hands on. No exit to us for any request, and no system call but to wake the kernel's thread,
 * which sleeps when it has found nothing for a tenth of a second: with fewer processors than
 * threads that spin it may, and then once for all that was asked for by then.
 * vmm_block/test-engine.c shows none at all where the thread is awake.
 */
static void no_exit_and_no_call_for_a_request(void **state UNUSED)
{
	enum { REQUESTS = 3200, BATCH = 32 };
	static const char options[] = ",engine=uring-sqpoll,poll=dedicated";
	struct vm_setup s = { .append = "test=blk_cost requests=3200 batch=32 bytes=4096 mode=poll",
		.limit_s = 120 };
	uint64_t few = counted_on(patterned_file(0), "cpus/0/mmio_exits",
			 "test=blk_cost requests=320 batch=32 bytes=4096 mode=poll", options),
		 calls;
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { patterned_file(0), options };
	vm_run(&s, &r);
	vm_assert_good(&r);
	calls = vm_report(&r, "devices/virtio-blk0/queue0-host-syscalls");
	print_message("%llu system calls for %u reads\n", (unsigned long long)calls, REQUESTS);
	assert_true(vm_report(&r, "devices/virtio-blk0/queue0-requests") >= REQUESTS);
	assert_int_equal(vm_report(&r, "devices/virtio-blk0/queue0-injections"), 0);
	assert_int_equal(vm_report(&r, "cpus/0/mmio_exits"), few);
	assert_in_range(calls, 0, REQUESTS / BATCH + 10);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_is_right),
		cmocka_unit_test(data_is_right_with_event_idx),
		cmocka_unit_test(data_is_right_polled),
		cmocka_unit_test(data_is_right_on_packed_rings),
		cmocka_unit_test(in_order_one_entry_stands_for_many),
		cmocka_unit_test(a_queue_is_reset_alone),
		cmocka_unit_test(data_is_right_on_every_engine),
		cmocka_unit_test(engines_are_understood),
		cmocka_unit_test(zeroes_and_discards),
		cmocka_unit_test(a_queue_for_each_cpu_or_as_wished),
		cmocka_unit_test(a_disk_that_shrinks),
		cmocka_unit_test(a_disk_that_grows),
		cmocka_unit_test(three_system_calls_per_read),
		cmocka_unit_test(no_exit_and_no_call_for_a_request),
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(read_only),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(batched),
		cmocka_unit_test(batched_by_the_largest_ring),
		cmocka_unit_test(polled),
		cmocka_unit_test(no_exits_per_request),
		cmocka_unit_test(one_exit_in_the_kernel_per_request),
		cmocka_unit_test(one_exit_per_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
