// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who sleeps in a ring with many reads under way: for how many of them, and for how long. The file
 * is a pipe, so that as many are done as is written to it, and the clock is the test's.
 */
#include "engine-bench.h"

#include <liburing.h>
#include <pthread.h>
#include <time.h>

enum { BLOCK = 4096, BATCH = DEPTH / 4 };

static struct {
	uint64_t now_ns;
	bool cannot_time;
	unsigned timed, untimed; /* calls that wait */
	unsigned awaited;	 /* for so many, the last of them */
	uint64_t most_ns;
} fake;

int __wrap_clock_gettime(clockid_t id, struct timespec *t);
int __real_io_uring_enter(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *set);
int __wrap_io_uring_enter(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *set);
int __real_io_uring_enter2(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *arg, size_t size);
int __wrap_io_uring_enter2(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *arg, size_t size);
int __real_io_uring_queue_init_params(
	unsigned entries, struct io_uring *ring, struct io_uring_params *p);
int __wrap_io_uring_queue_init_params(
	unsigned entries, struct io_uring *ring, struct io_uring_params *p);

int __wrap_clock_gettime(clockid_t id UNUSED, struct timespec *t)
{
	t->tv_sec = (time_t)(fake.now_ns / 1000000000);
	t->tv_nsec = (long)(fake.now_ns % 1000000000);
	return 0;
}

int __wrap_io_uring_enter(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *set)
{
	if (wait) {
		fake.untimed++;
		fake.awaited = wait;
	}
	return __real_io_uring_enter(fd, submit, wait, flags, set);
}

int __wrap_io_uring_enter2(
	unsigned fd, unsigned submit, unsigned wait, unsigned flags, sigset_t *arg, size_t size)
{
	const struct io_uring_getevents_arg *a = (const void *)arg;
	const struct __kernel_timespec *t = (const void *)(uintptr_t)a->ts;

	fake.timed++;
	fake.awaited = wait;
	fake.most_ns = (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
	return __real_io_uring_enter2(fd, submit, wait, flags, arg, size);
}

int __wrap_io_uring_queue_init_params(
	unsigned entries, struct io_uring *ring, struct io_uring_params *p)
{
	int r = __real_io_uring_queue_init_params(entries, ring, p);

	if (fake.cannot_time)
		ring->features &= ~IORING_FEAT_EXT_ARG;
	return r;
}

struct fixture {
	struct disk *disk;
	struct disk_engine *engine;
	struct disk_channel *c;
	struct job *j, *idle[DEPTH];
	unsigned n_idle;
	int file, pipe[2];
};

static void open_pipe(struct fixture *f)
{
	struct disk_engine_params p = { .kind = DISK_ENGINE_URING, .channels = 1, .depth = DEPTH };

	*f = (struct fixture) { .file = memory_file(), .j = jobs_new() };
	assert_int_equal(pipe2(f->pipe, O_CLOEXEC), 0);
	assert_true(fcntl(f->pipe[1], F_SETPIPE_SZ, DEPTH * BLOCK) >= DEPTH * BLOCK);
	p.fd = f->pipe[0];
	assert_int_equal(disk_raw_new(host, f->file, false, &f->disk, NULL), 0);
	assert_int_equal(disk_engine_new(&p, &f->engine, NULL), 0);
	f->c = disk_engine_channel(f->engine, 0);
	assert_int_equal(disk_channel_start(f->c, f->disk, "test"), 0);
	while (f->n_idle < DEPTH) {
		f->idle[f->n_idle] = &f->j[f->n_idle];
		f->n_idle++;
	}
	disk_attend(f->c, true);
}

static void read_more(struct fixture *f, unsigned n)
{
	while (n--) {
		struct job *j = f->idle[--f->n_idle];

		aim(j, DISK_READ, 0, 0, BLOCK, 1);
		disk_submit(f->c, &j->r);
	}
	disk_kick(f->c);
}

/* The device has done so many more. */
static void serve(const struct fixture *f, unsigned n)
{
	static const char block[BLOCK];

	while (n--)
		assert_int_equal(write(f->pipe[1], block, sizeof(block)), sizeof(block));
}

static unsigned take(struct fixture *f)
{
	struct disk_request *r;
	unsigned n = 0;

	for (; (r = disk_reap(f->c)); n++) {
		assert_int_equal(r->result, 0);
		f->idle[f->n_idle++] = container_of(r, struct job, r);
	}
	return n;
}

/* What blk_doze() does; how many are done. */
static unsigned sleep_once(struct fixture *f, int *ret_rung)
{
	int n = disk_doze_begin(f->c);

	*ret_rung = disk_doze_end(f->c, n < 0 ? 0 : disk_doze(f->c, (unsigned)n));
	return take(f);
}

static void close_pipe(struct fixture *f)
{
	int rung;

	serve(f, disk_in_flight(f->c));
	while (disk_in_flight(f->c))
		sleep_once(f, &rung);
	disk_attend(f->c, false);
	disk_channel_stop(f->c);
	disk_engine_free(f->engine);
	disk_free(f->disk);
	jobs_free(f->j);
	close(f->pipe[0]);
	close(f->pipe[1]);
	close(f->file);
	fake.cannot_time = false;
}

/* Four come each time, 20 µs after the ones before, of which half are spent awake. */
static void hurry(struct fixture *f)
{
	int rung;

	read_more(f, DEPTH);
	for (unsigned i = 0; i < 50; i++) {
		fake.now_ns += 10000;
		serve(f, 4);
		for (unsigned done = 0; done < 4;)
			done += sleep_once(f, &rung);
		fake.now_ns += 10000;
		read_more(f, 4);
	}
	fake.timed = fake.untimed = 0;
}

static void ring(const struct fixture *f)
{
	const uint64_t one = 1;

	assert_int_equal(
		write(disk_engine_doorbells(f->engine)[0], &one, sizeof(one)), sizeof(one));
}

struct later {
	const struct fixture *f;
	unsigned done;
	bool rung;
};

static void *come_later(void *arg)
{
	const struct later *l = arg;

	usleep(20000);
	serve(l->f, l->done);
	if (l->rung)
		ring(l->f);
	return NULL;
}

/* Somebody sleeps until they come. */
static unsigned sleep_until(struct fixture *f, unsigned done, bool rung)
{
	struct later l = { f, done, rung };
	unsigned n = 0;
	pthread_t t;
	int was_rung;

	assert_int_equal(pthread_create(&t, NULL, come_later, &l), 0);
	do
		n += sleep_once(f, &was_rung);
	while (!n && !was_rung);
	pthread_join(t, NULL);
	assert_int_equal(was_rung, rung);
	return n;
}

/* Of 64 that take 5 µs each a quarter; as many as there are, when that time is over. */
static void a_quarter_is_slept_for(void **state UNUSED)
{
	struct fixture f;
	int rung;

	open_pipe(&f);
	hurry(&f);
	serve(&f, BATCH - 1);
	assert_int_equal(sleep_once(&f, &rung), BATCH - 1);
	assert_int_equal(rung, 0);
	assert_int_equal(fake.timed, 1);
	assert_int_equal(fake.untimed, 0);
	assert_int_equal(fake.awaited, BATCH);
	assert_in_range(fake.most_ns, 1, 2 * BATCH * 6000);
	close_pipe(&f);
}

/* They need not be slept for. */
static void those_that_are_done_cost_nothing(void **state UNUSED)
{
	struct fixture f;
	int rung;

	open_pipe(&f);
	hurry(&f);
	serve(&f, BATCH);
	assert_int_equal(sleep_once(&f, &rung), BATCH);
	assert_int_equal(fake.timed + fake.untimed, 0);
	close_pipe(&f);
}

/* Who rings is not kept waiting for longer than they are. */
static void it_is_not_slept_on_after_the_bell(void **state UNUSED)
{
	struct fixture f;
	int rung;

	open_pipe(&f);
	hurry(&f);
	ring(&f);
	assert_int_equal(sleep_once(&f, &rung), 0);
	assert_int_equal(rung, 1);
	assert_int_equal(fake.timed, 1);
	close_pipe(&f);
}

/* After one time in vain, for whatever comes, however long it takes. */
static void a_device_that_hangs_wakes_nobody(void **state UNUSED)
{
	struct fixture f;

	open_pipe(&f);
	hurry(&f);
	/* Not the time that some were begun in. */
	assert_int_equal(sleep_until(&f, 0, true), 0);
	assert_in_range(fake.timed, 1, 2);
	assert_int_equal(fake.untimed, 1);
	assert_int_equal(fake.awaited, 1);
	close_pipe(&f);
}

/* 1 ms each is no pace to wait for: who is woken for each has nearly nothing to do. */
static void a_slow_device_is_awaited_one_by_one(void **state UNUSED)
{
	struct fixture f;

	open_pipe(&f);
	read_more(&f, DEPTH);
	for (unsigned i = 0; i < 10; i++) {
		fake.now_ns += 1000000;
		assert_int_equal(sleep_until(&f, 1, false), 1);
		fake.now_ns += 10000;
		read_more(&f, 1);
	}
	assert_int_equal(fake.timed, 0);
	assert_int_equal(fake.untimed, 10);
	close_pipe(&f);
}

static void without_a_time_there_is_no_batch(void **state UNUSED)
{
	struct fixture f;

	fake.cannot_time = true;
	open_pipe(&f);
	hurry(&f);
	assert_int_equal(sleep_until(&f, 1, false), 1);
	assert_int_equal(fake.timed, 0);
	assert_int_equal(fake.untimed, 1);
	close_pipe(&f);
}

static int begin(void **state UNUSED)
{
	fake.timed = fake.untimed = fake.awaited = 0;
	fake.now_ns = 1000000000;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_quarter_is_slept_for, begin),
		cmocka_unit_test_setup(those_that_are_done_cost_nothing, begin),
		cmocka_unit_test_setup(it_is_not_slept_on_after_the_bell, begin),
		cmocka_unit_test_setup(a_device_that_hangs_wakes_nobody, begin),
		cmocka_unit_test_setup(a_slow_device_is_awaited_one_by_one, begin),
		cmocka_unit_test_setup(without_a_time_there_is_no_batch, begin),
	};

	return cmocka_run_group_tests_name("deep", tests, setup, teardown);
}
