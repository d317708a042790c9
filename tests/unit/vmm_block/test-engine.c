// SPDX-License-Identifier: GPL-2.0-or-later
/* Every engine on a file in memory and on one without the page cache, which wants alignment. */
#include "engine-bench.h"

#include "vmm/count/syscalls.h"

#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>

/* io_uring_enter() and the set-up fail as often as is written here. */
static struct {
	int error;
	unsigned times, calls, submits;
	int set_up;
} fault;

int __real_io_uring_enter(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *set);
int __wrap_io_uring_enter(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *set);
int __real_io_uring_queue_init_params(
	unsigned entries, struct io_uring *ring, struct io_uring_params *p);
int __wrap_io_uring_queue_init_params(
	unsigned entries, struct io_uring *ring, struct io_uring_params *p);

int __wrap_io_uring_enter(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *set)
{
	fault.calls++;
	fault.submits += submit > 0;
	if (fault.times && submit) {
		fault.times--;
		return fault.error;
	}
	return __real_io_uring_enter(fd, submit, wait, flags, set);
}

int __wrap_io_uring_queue_init_params(
	unsigned entries, struct io_uring *ring, struct io_uring_params *p)
{
	return fault.set_up ? fault.set_up : __real_io_uring_queue_init_params(entries, ring, p);
}

/* Each job its own 16 KiB of the disk, in parts that are aligned to nothing but sectors. */
static void random_round(struct bench *b, struct job *j, char *shadow, enum disk_work work)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		size_t sector = (size_t)rand() % 16, n = 1 + (size_t)rand() % (32 - sector);
		uint64_t at = i * (uint64_t)SLOT + sector * 512;
		unsigned pieces = 1 + (unsigned)rand() % PIECES;
		/* Some whole and aligned, most not. */
		bool straight = rand() % 3 == 0;

		aim(&j[i], work, straight ? i * (uint64_t)SLOT : at, straight ? 0 : 512 * sector,
			straight ? 8192 : n * 512, straight ? 1 : pieces);
		for (size_t k = 0; work == DISK_WRITE && k < SLOT; k++)
			j[i].buf[k] = (char)rand();
		if (work == DISK_WRITE)
			memcpy(shadow + j[i].r.offset, j[i].buf + j[i].from, j[i].len);
		else
			memset(j[i].buf, 0xee, SLOT);
		disk_submit(b->c, &j[i].r);
		if (rand() % 8 == 0)
			disk_kick(b->c);
	}
	assert_int_equal(finish(b, 0), 0);
}

static void transfers(enum disk_engine_kind kind, int fd)
{
	autofree char *shadow = calloc(1, BYTES);
	struct job *j = jobs_new();
	struct bench b;

	set_up(&b, kind, fd);
	srand(1);
	for (unsigned round = 0; round < 8; round++) {
		random_round(&b, j, shadow, DISK_WRITE);
		random_round(&b, j, shadow, DISK_READ);
		for (unsigned i = 0; i < DEPTH; i++)
			assert_memory_equal(
				j[i].buf + j[i].from, shadow + i * SLOT + j[i].from, j[i].len);
	}
	assert_int_equal(disk_channel_stats(b.c).requests, 16 * DEPTH);
	assert_int_equal(disk_channel_stats(b.c).errors, 0);
	if (b.disk->direct_bytes > 1)
		assert_true(disk_channel_stats(b.c).bounced > 0);
	else
		assert_int_equal(disk_channel_stats(b.c).bounced, 0);
	tear_down(&b);
	jobs_free(j);
}

static void many_transfers_at_once(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		transfers(kinds[i], memory_file());
}

static void without_the_page_cache_nothing_need_be_aligned(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int fd = direct_file();

		if (fd < 0)
			skip();
		transfers(kinds[i], fd);
	}
}

static void zeroes(enum disk_engine_kind kind, int fd, bool direct)
{
	struct disk_request r = { .work = DISK_FLUSH };
	autofree char *data = NULL;
	struct bench b;
	unsigned ones = 0;

	assert_int_equal(posix_memalign((void **)&data, 4096, BYTES), 0);
	set_up(&b, kind, fd);
	memset(data, 1, BYTES);
	assert_int_equal(pwrite(fd, data, BYTES, 0), BYTES);
	assert_int_equal(one(&b, &r), 0);
	/* tmpfs punches holes and knows no ZERO_RANGE: more than one write of zeroes is needed. */
	r = (struct disk_request) { .work = DISK_ZERO, .offset = 512, .len = 1024 };
	assert_int_equal(one(&b, &r), 0);
	r = (struct disk_request) { .work = DISK_ZERO, .offset = 8192, .len = (768 << 10) + 512 };
	assert_int_equal(one(&b, &r), 0);
	r = (struct disk_request) {
		.work = DISK_ZERO, .offset = 800 << 10, .len = 512, .may_unmap = true
	};
	assert_int_equal(one(&b, &r), 0);
	r = (struct disk_request) { .work = DISK_DISCARD, .offset = 900 << 10, .len = 4096 };
	assert_int_equal(one(&b, &r), 0);
	assert_int_equal(pread(fd, data, BYTES, 0), BYTES);
	for (unsigned i = 0; i < BYTES; i++)
		ones += data[i] == 1;
	assert_int_equal(ones, BYTES - 1024 - (768 << 10) - 512 - 512 - 4096);
	assert_int_equal(data[8191], 1);
	assert_int_equal(data[8192 + (768 << 10) + 512], 1);
	assert_true(direct || b.disk->direct_bytes == 1);
	tear_down(&b);
}

static void zeroes_discards_and_flushes(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int fd = direct_file();

		zeroes(kinds[i], memory_file(), false);
		if (fd >= 0)
			zeroes(kinds[i], fd, true);
	}
}

/* Somebody cut the file, or seals it: the guest hears of it, and the next request works. */
static void errors_come_back(void **state UNUSED)
{
	struct job *j = jobs_new();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int fd = memory_file();
		struct bench b;

		set_up(&b, kinds[i], fd);
		assert_int_equal(ftruncate(fd, 4096 + 700), 0);
		aim(&j[0], DISK_READ, 4096, 0, 1024, 2);
		assert_int_equal(one(&b, &j[0].r), -EIO);
		aim(&j[0], DISK_READ, 65536, 0, 512, 1);
		assert_int_equal(one(&b, &j[0].r), -EIO);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
		aim(&j[0], DISK_WRITE, 0, 0, 512, 1);
		assert_int_equal(one(&b, &j[0].r), -EPERM);
		j[0].r = (struct disk_request) { .work = DISK_ZERO, .len = 512, .may_unmap = true };
		assert_int_equal(one(&b, &j[0].r), -EPERM);
		aim(&j[0], DISK_READ, 0, 0, 512, 1);
		assert_int_equal(one(&b, &j[0].r), 0);
		assert_int_equal(disk_channel_stats(b.c).errors, 4);
		tear_down(&b);
	}
	jobs_free(j);
}

static bool readable(struct bench *b, int ms)
{
	struct pollfd p = { .fd = disk_channel_fd(b->c), .events = POLLIN };

	return poll(&p, 1, ms) > 0;
}

static void who_sleeps_is_told(void **state UNUSED)
{
	struct job *j = jobs_new();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct bench b;

		set_up(&b, kinds[i], memory_file());
		for (unsigned n = 0; n < 100; n++) {
			assert_false(readable(&b, 0));
			aim(&j[0], DISK_READ, 0, 0, 4096, 1);
			disk_submit(b.c, &j[0].r);
			disk_kick(b.c);
			if (!disk_sleep(b.c, true))
				assert_true(readable(&b, 5000));
			assert_ptr_equal(disk_reap(b.c), &j[0].r);
			disk_sleep(b.c, n % 2);
		}
		tear_down(&b);
	}
	jobs_free(j);
}

static void system_calls_are_few_and_counted(void **state UNUSED)
{
	struct job *j = jobs_new();
	struct bench b;

	set_up(&b, DISK_ENGINE_URING, memory_file());
	for (unsigned i = 0; i < 32; i++) {
		aim(&j[i], DISK_READ, 0, 0, 4096, 1);
		disk_submit(b.c, &j[i].r);
	}
	fault.calls = fault.submits = 0;
	syscalls_take();
	assert_int_equal(finish(&b, 0), 0);
	/* Others only wait, for a file system that has to. */
	assert_int_equal(fault.submits, 1);
	assert_true(fault.calls <= 33);
	assert_int_equal(syscalls_take(), fault.calls);
	tear_down(&b);
	jobs_free(j);
}

/* While the kernel's thread is awake, which the first of them sees to, nothing else is called. */
static void kernel_side_polling_costs_no_system_call(void **state UNUSED)
{
	struct job *j = jobs_new();
	uint64_t calls = UINT64_MAX;
	struct bench b;

	set_up(&b, DISK_ENGINE_SQPOLL, memory_file());
	/* Somebody else may have the processors for a while, and the thread go to sleep. */
	for (unsigned attempt = 0; attempt < 20 && calls; attempt++) {
		syscalls_take();
		for (unsigned n = 0; n < 1000; n++) {
			aim(&j[0], DISK_READ, 0, 0, 4096, 1);
			disk_submit(b.c, &j[0].r);
			disk_kick(b.c);
			while (!disk_reap(b.c))
				;
		}
		calls = syscalls_take();
	}
	assert_int_equal(calls, 0);
	tear_down(&b);
	jobs_free(j);
}

/* Who polls kicks at every turn, and the kernel's thread may be long in coming. */
static void a_thread_that_wakes_is_not_woken_again(void **state UNUSED)
{
	struct job *j = jobs_new();
	struct bench b;

	set_up(&b, DISK_ENGINE_SQPOLL, memory_file());
	usleep(200000);
	aim(&j[0], DISK_READ, 0, 0, 4096, 1);
	disk_submit(b.c, &j[0].r);
	fault.calls = 0;
	for (unsigned i = 0; i < 1000; i++)
		disk_kick(b.c);
	assert_in_range(fault.calls, 0, 1);
	assert_ptr_equal(disk_wait(b.c), &j[0].r);
	tear_down(&b);
	jobs_free(j);
}

static void fail_times(int error, unsigned times, unsigned expected)
{
	struct job *j = jobs_new();
	struct bench b;

	set_up(&b, DISK_ENGINE_URING, memory_file());
	for (unsigned i = 0; i < 8; i++) {
		aim(&j[i], DISK_READ, 0, 0, 4096, 1);
		disk_submit(b.c, &j[i].r);
	}
	fault.error = error;
	fault.times = times;
	assert_int_equal(finish(&b, error), expected);
	fault.times = 0;
	/* It goes on afterwards. */
	aim(&j[0], DISK_READ, 0, 0, 4096, 1);
	assert_int_equal(one(&b, &j[0].r), 0);
	tear_down(&b);
	jobs_free(j);
}

/* What passes is waited for; what does not ends the requests, not the process. */
static void a_kernel_that_refuses_hangs_nobody(void **state UNUSED)
{
	fail_times(-EINTR, 3, 0);
	fail_times(-EAGAIN, 10, 0);
	fail_times(-EBUSY, 10, 0);
	fail_times(-ENOMEM, 1, 8);
	fail_times(-EAGAIN, 1000, 8);
}

static void without_rings_there_are_threads(void **state UNUSED)
{
	autoclose int fd = memory_file(), file = open(".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	struct disk_engine_params p = { .fd = file, .channels = 1, .depth = DEPTH };
	CLEANUP(disk_engine_freep) struct disk_engine *e = NULL;
	autoproblem *problem = NULL;
	struct statfs st;

	/* Where the tests run in memory there is no choice to look at. */
	if (file < 0 || fstatfs(file, &st) < 0 || st.f_type == TMPFS_MAGIC)
		skip();
	fault.set_up = -EPERM;
	assert_int_equal(disk_engine_new(&p, &e, &problem), 0);
	assert_null(problem);
	assert_string_equal(disk_engine_name(e), "threads");
	assert_string_equal(
		disk_engine_why(e), "io_uring cannot be had, a ring: Operation not permitted");
	p.kind = DISK_ENGINE_SQPOLL;
	disk_engine_free(TAKE_PTR(e));
	assert_int_equal(disk_engine_new(&p, &e, &problem), -EPERM);
	assert_string_equal(problem->what,
		"the disk's engine \"uring-sqpoll\", a ring: Operation not permitted");
	fault.set_up = 0;
	p.kind = DISK_ENGINE_AUTO;
	assert_int_equal(disk_engine_new(&p, &e, NULL), 0);
	assert_string_equal(disk_engine_name(e), "uring");
	disk_engine_free(TAKE_PTR(e));
	p.fd = fd;
	assert_int_equal(disk_engine_new(&p, &e, NULL), 0);
	assert_string_equal(disk_engine_name(e), "sync");
	assert_string_equal(disk_engine_why(e), "it lies in memory: there is nothing to wait for");
}

/* /dev lies in memory, a disk whose node is there does not. (No disk can be counted on here.) */
static void a_device_is_not_where_its_node_is(void **state UNUSED)
{
	autoclose int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct disk_engine_params p = { .fd = fd, .channels = 1, .depth = DEPTH };
	CLEANUP(disk_engine_freep) struct disk_engine *e = NULL;
	struct statfs st;

	assert_int_equal(fstatfs(fd, &st), 0);
	assert_int_equal(st.f_type, TMPFS_MAGIC);
	assert_int_equal(disk_engine_new(&p, &e, NULL), 0);
	assert_string_equal(disk_engine_name(e), "uring");
	assert_null(disk_engine_why(e));
}

/* Whoever gets hold of the descriptor can register nothing with it. */
static void a_ring_is_restricted(void **state UNUSED)
{
	struct bench b;
	int fds[1];

	set_up(&b, DISK_ENGINE_URING, memory_file());
	fds[0] = b.fd;
	assert_int_equal(io_uring_register((unsigned)disk_channel_fd(b.c),
				 IORING_REGISTER_FILES_UPDATE, fds, 1),
		-EACCES);
	assert_int_equal(
		io_uring_register((unsigned)disk_channel_fd(b.c), IORING_UNREGISTER_FILES, NULL, 0),
		-EACCES);
	tear_down(&b);
}

struct passing {
	struct bench *b;
	struct job *j;
};

static void *submit_and_leave(void *arg)
{
	struct passing *p = arg;

	for (unsigned i = 0; i < DEPTH; i++) {
		p->j[i].r = (struct disk_request) {
			.work = DISK_DISCARD, .offset = i * (uint64_t)SLOT, .len = 4096
		};
		disk_submit(p->b->c, &p->j[i].r);
	}
	disk_kick(p->b->c);
	return NULL;
}

/* A queue is given to another thread, and the first ends: what it has submitted is done all the
 * same. */
static void a_thread_may_end_before_its_requests(void **state UNUSED)
{
	struct job *j = jobs_new();

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct bench b;

		set_up(&b, kinds[i], memory_file());
		for (unsigned n = 0; n < 20; n++) {
			struct passing p = { &b, j };
			pthread_t t;

			assert_int_equal(pthread_create(&t, NULL, submit_and_leave, &p), 0);
			pthread_join(t, NULL);
			assert_int_equal(finish(&b, 0), 0);
		}
		assert_int_equal(disk_channel_stats(b.c).requests, 20 * DEPTH);
		tear_down(&b);
	}
	jobs_free(j);
}

static void names_are_understood(void **state UNUSED)
{
	enum disk_engine_kind k;

	assert_int_equal(disk_engine_parse("uring-sqpoll", &k), 0);
	assert_int_equal(k, DISK_ENGINE_SQPOLL);
	assert_int_equal(disk_engine_parse("auto", &k), 0);
	assert_int_equal(k, DISK_ENGINE_AUTO);
	assert_int_equal(disk_engine_parse("aio", &k), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_transfers_at_once),
		cmocka_unit_test(without_the_page_cache_nothing_need_be_aligned),
		cmocka_unit_test(zeroes_discards_and_flushes),
		cmocka_unit_test(errors_come_back),
		cmocka_unit_test(who_sleeps_is_told),
		cmocka_unit_test(system_calls_are_few_and_counted),
		cmocka_unit_test(kernel_side_polling_costs_no_system_call),
		cmocka_unit_test(a_thread_that_wakes_is_not_woken_again),
		cmocka_unit_test(a_kernel_that_refuses_hangs_nobody),
		cmocka_unit_test(without_rings_there_are_threads),
		cmocka_unit_test(a_device_is_not_where_its_node_is),
		cmocka_unit_test(a_ring_is_restricted),
		cmocka_unit_test(a_thread_may_end_before_its_requests),
		cmocka_unit_test(names_are_understood),
	};

	return cmocka_run_group_tests_name("engine", tests, setup, teardown);
}
