/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "base/clock.h"
#include "host/pages.h"
#include "vmm/memory/prefault.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#define MIB (1ULL << 20)

struct env {
	struct host *h;
	struct guest_memory *m;
};

/* What the populate that is played does. */
static atomic_uint calls, threads_inside, most_inside;
static atomic_ullong bytes;
static atomic_bool hold;
static int fail_with;

static int set_up(void **state)
{
	/* Two banks, the second small. */
	static const struct guest_range reserved = { 256 * MIB, 300 * MIB };
	struct guest_memory_params p = {
		.size = 260 * MIB, .reserved = &reserved, .n_reserved = 1
	};
	struct env *e = calloc(1, sizeof(*e));

	calls = threads_inside = most_inside = 0;
	bytes = 0;
	hold = false;
	fail_with = 0;
	*state = e;
	return host_new_fds_only(&e->h) < 0 || guest_memory_new(e->h, &p, &e->m, NULL) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	guest_memory_free(e->m);
	host_free(e->h);
	free(e);
	return 0;
}

static void nap(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
}

static int play(void *at UNUSED, size_t len)
{
	unsigned inside = atomic_fetch_add(&threads_inside, 1) + 1;

	if (inside > most_inside)
		most_inside = inside;
	atomic_fetch_add(&calls, 1);
	atomic_fetch_add(&bytes, len);
	do
		nap();
	while (hold);
	atomic_fetch_sub(&threads_inside, 1);
	return fail_with;
}

static struct prefault *start(struct env *e, unsigned threads, int (*populate)(void *, size_t))
{
	const struct prefault_params params = { e->m, threads, populate };
	struct prefault *p = NULL;

	assert_int_equal(prefault_new(&params, &p), 0);
	return p;
}

static size_t resident(const struct guest_bank *b)
{
	unsigned char *map = calloc(1, b->size / 4096);
	size_t n = 0;

	assert_int_equal(mincore(b->host, b->size, map), 0);
	for (size_t i = 0; i < b->size / 4096; i++)
		n += map[i] & 1;
	free(map);
	return n;
}

static void every_page_is_brought_and_none_changed(void **state)
{
	struct env *e = *state;
	struct prefault_receipt r;
	struct prefault *p;

	memset(e->m->banks[0].host + 5 * MIB, 7, MIB);
	p = start(e, 2, NULL);
	for (size_t i = 0; i < e->m->n_banks; i++)
		assert_int_equal(prefault_wait(p, i, 60000), 0);
	prefault_look(p, &r);
	assert_int_equal(r.bytes, 260 * MIB);
	assert_true(r.us > 0);
	assert_int_equal(r.threads, 2);
	assert_true(r.faults >= 260 / 2 - 2 && r.faults <= 260 * MIB / 4096);
	assert_int_equal(resident(&e->m->banks[0]), 256 * MIB / 4096);
	assert_int_equal(resident(&e->m->banks[1]), 4 * MIB / 4096);
	assert_int_equal(e->m->banks[0].host[6 * MIB - 1], 7);
	assert_int_equal(e->m->banks[0].host[6 * MIB], 0);
	prefault_free(p);
}

static void threads_share_the_work(void **state)
{
	struct env *e = *state;
	struct prefault_receipt r;
	struct prefault *p;

	hold = true;
	p = start(e, 0, play);
	prefault_look(p, &r);
	assert_true(r.threads >= 1 && r.threads <= 4); /* 260 MiB are no work for more */
	while (threads_inside < r.threads)
		nap();
	hold = false;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(prefault_wait(p, i, 60000), 0);
	assert_int_equal(most_inside, r.threads);
	assert_int_equal(calls, 17);
	assert_int_equal(bytes, 260 * MIB);
	prefault_free(p);
}

/* The first can be used while the second is still coming. */
static void banks_come_in_order(void **state)
{
	struct env *e = *state;
	struct prefault *p;

	hold = true;
	p = start(e, 1, play);
	assert_int_equal(prefault_wait(p, 0, 20), -ETIMEDOUT);
	hold = false;
	assert_int_equal(prefault_wait(p, 0, 60000), 0);
	assert_int_equal(prefault_wait(p, 1, 60000), 0);
	assert_int_equal(prefault_wait(p, 0, 0), 0);
	prefault_free(p);
}

static void what_cannot_be_had_is_told_at_once(void **state)
{
	struct env *e = *state;
	struct prefault *p;

	fail_with = -EFAULT;
	p = start(e, 1, play);
	assert_int_equal(prefault_wait(p, 1, 60000), -EFAULT);
	assert_int_equal(calls, 1);
	prefault_free(p);
}

static int too_old(void *at UNUSED, size_t len UNUSED)
{
	return -EINVAL;
}

static void old_kernels_are_touched(void **state)
{
	struct env *e = *state;
	struct prefault_receipt r;
	struct prefault *p = start(e, 0, too_old);

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(prefault_wait(p, i, 60000), 0);
	prefault_look(p, &r);
	assert_true(r.touched);
	assert_int_equal(resident(&e->m->banks[0]), 256 * MIB / 4096);
	assert_int_equal(resident(&e->m->banks[1]), 4 * MIB / 4096);
	prefault_free(p);
}

/* Nobody waits for memory that nobody wants any more. */
static void giving_up_is_quick(void **state)
{
	struct env *e = *state;
	struct prefault *p;

	hold = true;
	p = start(e, 1, play);
	while (!calls)
		nap();
	hold = false;
	prefault_free(p);
	assert_true(calls <= 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(every_page_is_brought_and_none_changed),
		T(threads_share_the_work),
		T(banks_come_in_order),
		T(what_cannot_be_had_is_told_at_once),
		T(old_kernels_are_touched),
		T(giving_up_is_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
