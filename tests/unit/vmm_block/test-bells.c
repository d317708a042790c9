// SPDX-License-Identifier: GPL-2.0-or-later
/* Eventfds that a thread of the kernel's writes to, and who has no such thread. */
#include "cm.h"
#include "base/attr.h"
#include "host/host.h"
#include "vmm/block/bells.h"
#include "vmm/block/engine.h"
#include "vmm/block/ring.h"
#include "vmm/count/syscalls.h"

#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

enum { N = 3, ASLEEP_US = 400000 };

static int fds[N + 1]; /* the last one is nobody's bell */

static int setup(void **state UNUSED)
{
	for (unsigned i = 0; i <= N; i++)
		if ((fds[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
			return -1;
	return 0;
}

static int teardown(void **state UNUSED)
{
	uint64_t n;
	int rung = read(fds[N], &n, sizeof(n)) == sizeof(n);

	for (unsigned i = 0; i <= N; i++)
		close(fds[i]);
	return -rung;
}

static struct bells *make_of(const int *list)
{
	struct bells *b;
	const char *what;
	int r = bells_new(list, N, -1, &b, &what);

	if (r == -ENOSYS || r == -EOPNOTSUPP || r == -EPERM)
		skip();
	assert_int_equal(r, 0);
	return b;
}

static struct bells *make(void)
{
	return make_of(fds);
}

/* By now. */
static bool has_rung(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* How often it was rung, by the time that at least `least` have come. */
static uint64_t rung(int fd, uint64_t least)
{
	uint64_t all = 0, n;

	while (all < least) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		assert_int_equal(poll(&p, 1, 20000), 1);
		assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
		all += n;
	}
	if (read(fd, &n, sizeof(n)) == sizeof(n))
		all += n;
	return all;
}

static void each_bell_rings_as_often_as_it_is_rung(void **state UNUSED)
{
	struct bells *b = make();

	for (unsigned i = 0; i < 1000; i++)
		for (unsigned k = 0; k < N; k++)
			if (i % (k + 1) == 0)
				bells_ring(b, k);
	bells_ring(b, N); /* there is none such */
	bells_settle(b);
	assert_false(has_rung(fds[N]));
	assert_int_equal(rung(fds[0], 1000), 1000);
	assert_int_equal(rung(fds[1], 500), 500);
	assert_int_equal(rung(fds[2], 334), 334);
	bells_free(b);
}

/* What was stored before is seen by whoever the bell wakes. */
static void what_was_stored_is_seen(void **state UNUSED)
{
	struct bells *b = make();
	uint64_t stored = 0;

	for (uint64_t i = 1; i <= 2000; i++) {
		__atomic_store_n(&stored, i, __ATOMIC_RELEASE);
		bells_ring(b, 0);
		assert_int_equal(rung(fds[0], 1), 1);
		assert_int_equal(__atomic_load_n(&stored, __ATOMIC_ACQUIRE), i);
	}
	bells_free(b);
}

/* None while the kernel's thread is awake; others may have the processors for a while. */
static void no_system_call(void **state UNUSED)
{
	struct bells *b = make();
	uint64_t calls = UINT64_MAX;

	for (unsigned attempt = 0; attempt < 20 && calls; attempt++) {
		syscalls_take();
		for (unsigned i = 0; i < 1000; i++) {
			bells_ring(b, 0);
			assert_int_equal(rung(fds[0], 1), 1);
		}
		calls = syscalls_take();
	}
	assert_int_equal(calls, 0);
	bells_free(b);
}

/*
 * One bell now and then wakes nobody: a call for each, and the thread uses no processor. Who rings
 * twice within a while does.
 */
static void now_and_then_is_written(void **state UNUSED)
{
	struct bells *b = make();

	usleep(ASLEEP_US);
	for (unsigned i = 0; i < 3; i++) {
		syscalls_take();
		bells_ring(b, 1);
		assert_int_equal(syscalls_take(), 1);
		/* At once: nobody else had to do it. */
		assert_true(has_rung(fds[1]));
		assert_int_equal(rung(fds[1], 1), 1);
		usleep(ASLEEP_US);
	}
	bells_free(b);
}

/* The second one wakes the thread, by itself, and those after it cost nothing. */
static void twice_within_a_while_wakes(void **state UNUSED)
{
	struct bells *b = make();
	uint64_t calls = UINT64_MAX;

	for (unsigned attempt = 0; attempt < 10 && calls; attempt++) {
		usleep(ASLEEP_US);
		bells_ring(b, 1);
		syscalls_take();
		bells_ring(b, 1);
		assert_in_range(syscalls_take(), 0, 1);
		assert_int_equal(rung(fds[1], 2), 2);
		for (unsigned i = 0; i < 10; i++)
			bells_ring(b, 1);
		calls = syscalls_take();
		assert_int_equal(rung(fds[1], 10), 10);
	}
	assert_int_equal(calls, 0);
	bells_free(b);
}

/* Who waits for a thread that was woken does not wake it again and again. */
static void one_call_wakes(void **state UNUSED)
{
	struct bells *b = make();

	for (unsigned i = 0; i < 5; i++) {
		usleep(ASLEEP_US);
		bells_ring(b, 1);
		syscalls_take();
		bells_ring(b, 1);
		bells_settle(b);
		assert_in_range(syscalls_take(), 0, 1);
		assert_int_equal(rung(fds[1], 2), 2);
	}
	bells_free(b);
}

static int submit_one(struct io_uring *ring, uint8_t op, int fd, uint8_t flags)
{
	static uint64_t one = 1;
	struct io_uring_sqe *s = io_uring_get_sqe(ring);
	struct io_uring_cqe *c;
	int r;

	if (!s)
		return -EBUSY;
	io_uring_prep_rw(op, s, fd, &one, sizeof(one), 0);
	s->flags = flags;
	assert_int_equal(io_uring_submit(ring), 1);
	assert_int_equal(io_uring_wait_cqe(ring, &c), 0);
	r = c->res;
	io_uring_cqe_seen(ring, c);
	return r;
}

/* These operations, on these files. */
static void a_ring_does_what_its_rules_say(void **state UNUSED)
{
	static const uint8_t ops[] = { IORING_OP_READ, IORING_OP_WRITE };
	const struct ring_rules rules = { ops, ARRAY_SIZE(ops), fds, N, 0 };
	struct io_uring ring;
	const char *what;

	bells_free(make());
	assert_int_equal(ring_open(&ring, 4, false, -1, &rules, &what), 0);
	assert_int_equal(submit_one(&ring, IORING_OP_WRITE, 1, IOSQE_FIXED_FILE), 8);
	assert_int_equal(submit_one(&ring, IORING_OP_READ, 1, IOSQE_FIXED_FILE), 8);
	assert_int_equal(submit_one(&ring, IORING_OP_NOP, 1, IOSQE_FIXED_FILE), -EACCES);
	assert_int_equal(submit_one(&ring, IORING_OP_WRITE, fds[N], 0), -EACCES);
	assert_int_equal(
		submit_one(&ring, IORING_OP_WRITE, 1, IOSQE_FIXED_FILE | IOSQE_ASYNC), -EACCES);
	assert_int_equal(submit_one(&ring, IORING_OP_WRITE, N, IOSQE_FIXED_FILE), -EBADF);
	io_uring_queue_exit(&ring);
}

/* More than the ring holds, faster than the thread comes: none is lost. */
static void a_full_ring_loses_none(void **state UNUSED)
{
	struct bells *b = make();

	for (unsigned i = 0; i < 100000; i++)
		bells_ring(b, 2);
	bells_settle(b);
	assert_int_equal(rung(fds[2], 100000), 100000);
	bells_free(b);
}

/* A counter that is full: until somebody reads, nobody can ring. */
static void a_full_counter_rings_once_it_is_read(void **state UNUSED)
{
	struct bells *b = make();
	uint64_t full = UINT64_MAX - 1, n;

	assert_int_equal(write(fds[0], &full, sizeof(full)), sizeof(full));
	bells_ring(b, 1);
	bells_ring(b, 1); /* awake from now on */
	bells_ring(b, 0);
	usleep(ASLEEP_US / 4);
	assert_int_equal(read(fds[0], &n, sizeof(n)), sizeof(n));
	bells_mend(b);
	bells_settle(b);
	assert_int_equal(rung(fds[0], 1), 1);
	bells_free(b);
}

/*
 * What the kernel cannot do is done here, by whoever comes next. To it the last bell is a file that
 * nobody can write to.
 */
static void what_fails_is_mended(void **state UNUSED)
{
	int list[N] = { fds[0], fds[1], open("/dev/null", O_RDONLY | O_CLOEXEC) };
	struct bells *b = make_of(list);

	close(list[N - 1]);
	list[N - 1] = fds[N - 1];
	for (unsigned by_another = 0; by_another < 2; by_another++) {
		usleep(ASLEEP_US);
		bells_ring(b, 1);
		bells_ring(b, 1);
		assert_int_equal(rung(fds[1], 2), 2);
		bells_ring(b, N - 1); /* for it is awake */
		for (unsigned i = 0; i < 10000 && !has_rung(fds[N - 1]); i++) {
			usleep(1000);
			if (by_another)
				bells_ring(b, 1);
			else
				bells_mend(b);
		}
		assert_true(has_rung(fds[N - 1]));
		bells_settle(b);
		assert_int_equal(rung(fds[N - 1], 1), 1);
		assert_false(has_rung(fds[0]));
		rung(fds[1], 0);
	}
	bells_free(b);
}

/* Whoever gets hold of it can write to these eventfds, and that is all. */
static void it_may_do_nothing_else(void **state UNUSED)
{
	struct bells *b = make();
	unsigned fd = (unsigned)bells_fd(b);
	int file = memfd_create("other", MFD_CLOEXEC);

	assert_int_equal(io_uring_register(fd, IORING_REGISTER_FILES_UPDATE, &file, 1), -EACCES);
	assert_int_equal(io_uring_register(fd, IORING_UNREGISTER_FILES, NULL, 0), -EACCES);
	close(file);
	bells_free(b);
}

static int engine_with(struct disk_engine_params p, struct disk_engine **ret)
{
	autoproblem *problem = NULL;
	int r;

	p.channels = 2;
	p.depth = 8;
	p.bells = N;
	r = disk_engine_new(&p, ret, &problem);
	if (r < 0)
		assert_non_null(strstr(problem->what, "interrupts"));
	return r;
}

static bool by_ring(struct disk_engine_params p)
{
	struct disk_engine *e;
	unsigned n;
	bool ring;

	assert_int_equal(engine_with(p, &e), 0);
	ring = disk_engine_bells(e, &n);
	assert_int_equal(n, ring ? N : 0);
	assert_true(!ring || !disk_engine_why_written(e));
	disk_engine_free(e);
	return ring;
}

/* Who gets a ring, and is told why he does not. */
static void for_those_that_have_a_processor(void **state UNUSED)
{
	autoclose int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk_engine_params p = { .kind = DISK_ENGINE_SYNC, .fd = fd };
	struct disk_engine *e;
	cpu_set_t before, one;

	bells_free(make());
	assert_false(by_ring(p));
	p.signals = DISK_SIGNALS_RING;
	assert_true(by_ring(p));
	p.signals = DISK_SIGNALS_WRITE;
	p.kind = DISK_ENGINE_SQPOLL;
	assert_false(by_ring(p));
	p.signals = DISK_SIGNALS_AUTO;
	assert_true(by_ring(p));
	p.kind = DISK_ENGINE_SYNC;
	p.polled = true;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(by_ring(p), CPU_COUNT(&before) >= 3);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && !CPU_COUNT(&one); i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(engine_with(p, &e), 0);
	assert_non_null(strstr(disk_engine_why_written(e), "processor"));
	disk_engine_free(e);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

/* A channel that is not looked at all the time writes: it would not see what the ring cannot do. */
static void who_sleeps_writes(void **state UNUSED)
{
	autoclose int fd = memfd_create("disk", MFD_CLOEXEC);
	const struct disk_engine_params p = {
		.kind = DISK_ENGINE_SYNC, .fd = fd, .signals = DISK_SIGNALS_RING
	};
	struct disk_engine *e;
	struct disk_channel *c;
	const int *bells;
	unsigned n;

	bells_free(make());
	assert_int_equal(engine_with(p, &e), 0);
	bells = disk_engine_bells(e, &n);
	c = disk_engine_channel(e, 1);
	for (unsigned i = 0; i < 10; i++) {
		syscalls_take();
		disk_signal(c, 1);
		assert_int_equal(syscalls_take(), 1);
	}
	assert_int_equal(rung(bells[1], 10), 10);
	disk_sleep(c, false);
	for (unsigned i = 0; i < 10; i++)
		disk_signal(c, 1);
	disk_channel_stop(c);
	assert_int_equal(rung(bells[1], 10), 10);
	disk_engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_bell_rings_as_often_as_it_is_rung, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_stored_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(no_system_call, setup, teardown),
		cmocka_unit_test_setup_teardown(now_and_then_is_written, setup, teardown),
		cmocka_unit_test_setup_teardown(twice_within_a_while_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(one_call_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_ring_does_what_its_rules_say, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_ring_loses_none, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_full_counter_rings_once_it_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(what_fails_is_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(it_may_do_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(for_those_that_have_a_processor, setup, teardown),
		cmocka_unit_test_setup_teardown(who_sleeps_writes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
