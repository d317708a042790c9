/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths 6 to 8, counted over 100,000 requests whose data the guest checks: what a request costs is
 * told apart from what the start costs by the totals, which do not grow with the requests.
 *
 * Three threads may want a processor all the time here: the guest's, the VMM's that polls, and the
 * kernel's that looks at the rings. With fewer processors than that they take turns of
 * milliseconds, so that many requests go in a batch.
 */
#include "vm.h"

#include "base/attr.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	BYTES = 1 << 20,
	MANY = VM_RELAXED ? 10000 : 100000, /* sanitizers take their time */
	SOME = 2000,
	BATCH = 64,
	/* The first requests may come before a thread that polls has said that it looks by itself.
	 */
	START = 16,
	IDLE_MS = 100, /* that the kernel's thread looks in vain before it sleeps */
};

struct run {
	struct vm_result vm;
	uint64_t ms; /* that it took */
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int file_on_disk(void)
{
	int fd = open(".", O_RDWR | O_TMPFILE, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	return fd;
}

static uint64_t of_disk(const struct run *r, const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), "devices/virtio-blk0/%s", name);
	return vm_report(&r->vm, path);
}

static void run_on(const char *how, unsigned requests, const char *options, struct run *r)
{
	struct vm_setup s = { .limit_s = 200 };
	char append[160];
	uint64_t start = now_ms();

	snprintf(append, sizeof(append), "test=blk_load button=no size=256 requests=%u %s",
		requests, how);
	s.append = append;
	s.disks[0] = (struct vm_disk) { file_on_disk(), options };
	vm_run(&s, &r->vm);
	r->ms = now_ms() - start;
	vm_assert_good(&r->vm);
	close(s.disks[0].fd);
	print_message("%s%s: %llu requests, %llu system calls, %llu doorbells, %llu injections\n",
		how, options, (unsigned long long)of_disk(r, "queue0-requests"),
		(unsigned long long)of_disk(r, "queue0-host-syscalls"),
		(unsigned long long)of_disk(r, "queue0-doorbells"),
		(unsigned long long)of_disk(r, "queue0-injections"));
}

/*
 * No exit to us, no doorbell; `calls` system calls of the thread for all of it. Besides, the
 * kernel's thread is woken when it sleeps: at the start, and once for each tenth of a second that
 * nobody had anything for it, as can happen where threads wait for processors.
 */
static void check_cost(const struct run *few, const struct run *many, uint64_t calls)
{
	/* Ports are how a guest of ours prints, and longer numbers are longer. */
	assert_int_equal(vm_report(&many->vm, "cpus/0/mmio_exits"),
		vm_report(&few->vm, "cpus/0/mmio_exits"));
	assert_in_range(of_disk(many, "queue0-doorbells"), 0, START);
	assert_in_range(of_disk(many, "thread-waits"), 0, START);
	assert_int_equal(of_disk(many, "queue0-requests"), vm_count(&many->vm, "requests"));
	assert_in_range(
		of_disk(many, "queue0-host-syscalls"), 0, calls + START + many->ms / IDLE_MS);
}

static void both(const char *how, unsigned n, const char *options, struct run *many)
{
	struct run few;

	run_on(how, SOME, options, &few);
	run_on(how, n, options, many);
	check_cost(&few, many, 0);
	vm_result_done(&few.vm);
}

/* Paths 7 and 8: the guest polls, too. */
static void nothing_at_all(void **state UNUSED)
{
	struct run r;

	both("depth=64 mode=poll", MANY, ",engine=uring-sqpoll,poll=dedicated", &r);
	assert_true(of_disk(&r, "queue0-requests") >= MANY);
	assert_int_equal(of_disk(&r, "queue0-injections"), 0);
	assert_true(of_disk(&r, "polled") >= MANY);
	vm_result_done(&r.vm);
}

/* Path 7: the guest is interrupted, and nobody makes a system call for that. */
static void interrupts_without_a_call(void **state UNUSED)
{
	struct run r;

	both("depth=64 event_idx=1", MANY, ",engine=uring-sqpoll,poll=dedicated", &r);
	assert_in_range(of_disk(&r, "queue0-injections"), MANY / BATCH / 4, MANY);
	assert_int_equal(vm_report(&r.vm, "devices/virtio-blk0/interrupts_signalled"),
		of_disk(&r, "queue0-injections"));
	vm_result_done(&r.vm);
	/* One at a time: each has an interrupt of its own. */
	both("depth=1 event_idx=1", SOME, ",engine=uring-sqpoll,poll=dedicated", &r);
	assert_int_equal(of_disk(&r, "queue0-injections"), of_disk(&r, "queue0-requests"));
	vm_result_done(&r.vm);
	both("depth=1", SOME, ",engine=uring-sqpoll,poll=dedicated,packed=off", &r);
	assert_int_equal(of_disk(&r, "queue0-injections"), of_disk(&r, "queue0-requests"));
	vm_result_done(&r.vm);
}

/* Path 6: one to have it done, none for the interrupt. */
static void one_call_for_each(void **state UNUSED)
{
	static const char *const engines[] = {
		",engine=uring,poll=dedicated,signals=ring",
		",engine=sync,threads=dedicated,signals=ring",
	};

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		struct run few, many;

		run_on("depth=1 event_idx=1", SOME, engines[i], &few);
		run_on("depth=1 event_idx=1", 2 * SOME, engines[i], &many);
		check_cost(&few, &many, 2 * SOME);
		assert_int_equal(
			of_disk(&many, "queue0-injections"), of_disk(&many, "queue0-requests"));
		vm_result_done(&few.vm);
		vm_result_done(&many.vm);
	}
}

static void refused(const char *options)
{
	struct vm_setup s = { .append = "test=blk" };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { file_on_disk(), options };
	vm_run(&s, &r);
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.errors, "signals="));
	vm_result_done(&r);
	close(s.disks[0].fd);
}

/* Who does not want it, or has no processor for it, writes: one more. */
static void signals_are_understood(void **state UNUSED)
{
	struct run r;

	run_on("depth=1 event_idx=1", SOME, ",engine=sync,poll=dedicated,signals=write", &r);
	assert_in_range(of_disk(&r, "queue0-host-syscalls"), 2 * SOME, 2 * SOME + START);
	vm_result_done(&r.vm);
	refused(",signals=flags");
	refused(",model=ide,signals=ring");
}

/* A life later the eventfds are the same, and what was left in them is nobody's. */
static void interrupts_after_a_reboot(void **state UNUSED)
{
	struct vm_setup s = { .append = "test=reboot boots=4 event_idx=1" };
	struct vm_result r;

	s.disks[0] = (struct vm_disk) { file_on_disk(),
		",engine=uring-sqpoll,poll=dedicated,signals=ring" };
	vm_run(&s, &r);
	vm_assert_good(&r);
	assert_int_equal(vm_report(&r, "reboots"), 3);
	vm_result_done(&r);
	close(s.disks[0].fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(interrupts_without_a_call),
		cmocka_unit_test(one_call_for_each),
		cmocka_unit_test(signals_are_understood),
		cmocka_unit_test(interrupts_after_a_reboot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
