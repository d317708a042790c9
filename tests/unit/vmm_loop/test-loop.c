/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/loop/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ring {
	struct loop *loop;
	struct loop_source *source, *other;
	int fd;
	atomic_uint calls;
};

static void ring(int fd)
{
	uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void count_and_quit(void *arg, uint32_t events UNUSED)
{
	struct ring *r = arg;

	if (++r->calls == 3)
		loop_quit(r->loop, 42);
	else
		ring(r->fd);
}

static void runs_until_told(void **state UNUSED)
{
	struct ring r = { .fd = eventfd(0, EFD_NONBLOCK) };

	assert_int_equal(loop_new(&r.loop), 0);
	assert_int_equal(loop_add_eventfd(r.loop, r.fd, count_and_quit, &r, &r.source), 0);
	ring(r.fd);
	assert_int_equal(loop_run(r.loop), 42);
	assert_int_equal(r.calls, 3);
	assert_true(loop_wakeups(r.loop) >= 3);
	/* It can run again, and the value is the new one. */
	loop_quit(r.loop, 7);
	loop_quit(r.loop, 8);
	assert_int_equal(loop_run(r.loop), 7);
	loop_free(r.loop);
	close(r.fd);
}

static void remove_both(void *arg, uint32_t events UNUSED)
{
	struct ring *r = arg;

	r->calls++;
	loop_remove(r->source);
	loop_remove(r->other);
	loop_quit(r->loop, 0);
}

/* Both are ready in one batch: whoever comes first takes the other away, with itself. */
static void may_remove_itself_and_others(void **state UNUSED)
{
	struct ring r = { .fd = eventfd(1, EFD_NONBLOCK) };
	int fd2 = eventfd(1, EFD_NONBLOCK);

	assert_int_equal(loop_new(&r.loop), 0);
	assert_int_equal(loop_add(r.loop, r.fd, EPOLLIN, remove_both, &r, &r.source), 0);
	assert_int_equal(loop_add(r.loop, fd2, EPOLLIN, remove_both, &r, &r.other), 0);
	assert_int_equal(loop_run(r.loop), 0);
	assert_int_equal(r.calls, 1);
	loop_free(r.loop);
	close(r.fd);
	close(fd2);
}

static void just_count(void *arg, uint32_t events UNUSED)
{
	struct ring *r = arg;

	r->calls++;
}

static void sleeping_sources_stay_silent(void **state UNUSED)
{
	struct ring r = { .fd = eventfd(1, EFD_NONBLOCK) }, q = { .fd = eventfd(0, EFD_NONBLOCK) };

	assert_int_equal(loop_new(&r.loop), 0);
	q.loop = r.loop;
	assert_int_equal(loop_add(r.loop, r.fd, EPOLLIN, just_count, &r, &r.source), 0);
	assert_int_equal(loop_source_set_events(r.source, 0), 0);
	assert_int_equal(loop_add_eventfd(q.loop, q.fd, count_and_quit, &q, &q.source), 0);
	ring(q.fd);
	assert_int_equal(loop_run(r.loop), 42);
	assert_int_equal(r.calls, 0);
	q.calls = 0;
	assert_int_equal(loop_source_set_events(r.source, EPOLLIN), 0);
	ring(q.fd);
	assert_int_equal(loop_run(r.loop), 42);
	assert_true(r.calls > 0);
	loop_free(r.loop);
	close(r.fd);
	close(q.fd);
}

/* After loop_remove() from another thread the callback's data may be freed. */
static void removal_from_outside_waits(void **state UNUSED)
{
	struct loop *l;

	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(loop_start_thread(l, "test"), 0);
	for (int i = 0; i < 200; i++) {
		struct ring *r = calloc(1, sizeof(*r));

		assert_non_null(r);
		r->fd = eventfd(1, EFD_NONBLOCK);
		assert_int_equal(loop_add(l, r->fd, EPOLLIN, just_count, r, &r->source), 0);
		while (!atomic_load(&r->calls))
			;
		loop_remove(r->source);
		close(r->fd);
		free(r); /* the address sanitizer tells if it was too early */
	}
	loop_stop_thread(l);
	loop_free(l);
}

static void bad_descriptors_are_refused(void **state UNUSED)
{
	struct loop_source *s = NULL;
	struct loop *l;

	assert_int_equal(loop_new(&l), 0);
	assert_int_equal(loop_add(l, -1, EPOLLIN, just_count, NULL, &s), -EBADF);
	assert_null(s);
	loop_remove(NULL);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_until_told),
		cmocka_unit_test(may_remove_itself_and_others),
		cmocka_unit_test(sleeping_sources_stay_silent),
		cmocka_unit_test(removal_from_outside_waits),
		cmocka_unit_test(bad_descriptors_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
