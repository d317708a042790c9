/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/bus/bus.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

struct device {
	struct bus_region region;
	uint64_t last_offset, last_value, answer;
	unsigned last_len, calls;
};

static uint64_t device_read(void *opaque, uint64_t offset, unsigned len)
{
	struct device *d = opaque;

	d->last_offset = offset;
	d->last_len = len;
	d->calls++;
	return d->answer;
}

static void device_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	struct device *d = opaque;

	d->last_offset = offset;
	d->last_len = len;
	d->last_value = value;
	d->calls++;
}

static const struct bus_ops ops = { .read = device_read, .write = device_write };

static struct device device_at(uint64_t start, uint64_t size)
{
	return (struct device) {
		.region = { .name = "device", .start = start, .size = size, .ops = &ops },
	};
}

static int add(struct bus *b, struct device *d)
{
	d->region.opaque = d;
	return bus_add(b, &d->region);
}

static void finds_the_region(void **state UNUSED)
{
	CLEANUP(bus_freep) struct bus *b = NULL;
	struct device low = device_at(0x100, 0x10), high = device_at(0x110, 8);
	uint64_t v;

	assert_int_equal(bus_new("test", &b), 0);
	assert_int_equal(add(b, &high), 0);
	assert_int_equal(add(b, &low), 0);
	low.answer = 0x1122334455667788;
	assert_true(bus_read(b, 0x10c, 4, &v));
	assert_int_equal(low.last_offset, 0xc);
	assert_int_equal(v, 0x55667788); /* cut to the width of the access */
	assert_true(bus_write(b, 0x117, 1, 0xffaa));
	assert_int_equal(high.last_offset, 7);
	assert_int_equal(high.last_value, 0xaa);
	assert_int_equal(low.region.reads, 1);
	assert_int_equal(high.region.writes, 1);
}

static void nobody_reads_all_ones(void **state UNUSED)
{
	CLEANUP(bus_freep) struct bus *b = NULL;
	struct device d = device_at(0x100, 0x10);
	uint64_t v = 0;

	assert_int_equal(bus_new("test", &b), 0);
	assert_int_equal(add(b, &d), 0);
	assert_false(bus_read(b, 0xff, 1, &v));
	assert_int_equal(v, 0xff);
	assert_false(bus_read(b, 0x110, 8, &v));
	assert_true(v == UINT64_MAX);
	/* Across an edge it belongs to nobody. */
	assert_false(bus_read(b, 0x10e, 4, &v));
	assert_int_equal(v, 0xffffffff);
	assert_false(bus_write(b, 0xfe, 4, 1));
	assert_false(bus_read(b, UINT64_MAX, 8, &v));
	assert_int_equal(d.calls, 0);
	assert_int_equal(bus_unclaimed(b), 5);
}

static void overlaps_are_refused(void **state UNUSED)
{
	static const struct {
		uint64_t start, size;
		int result;
	} cases[] = {
		{ 0x100, 0x10, -EEXIST },
		{ 0xff, 2, -EEXIST },
		{ 0x10f, 1, -EEXIST },
		{ 0x10f, 0x100, -EEXIST },
		{ 0, 0x1000, -EEXIST },
		{ 0x108, 0, -EINVAL },
		{ UINT64_MAX, 2, -EINVAL },
		{ 0xf0, 0x10, 0 },
		{ 0x110, 1, 0 },
		{ UINT64_MAX, 1, 0 },
	};
	CLEANUP(bus_freep) struct bus *b = NULL;
	struct device d = device_at(0x100, 0x10), tries[ARRAY_SIZE(cases)];

	assert_int_equal(bus_new("test", &b), 0);
	assert_int_equal(add(b, &d), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		tries[i] = device_at(cases[i].start, cases[i].size);
		assert_int_equal(add(b, &tries[i]), cases[i].result);
	}
}

static void what_is_removed_is_gone(void **state UNUSED)
{
	CLEANUP(bus_freep) struct bus *b = NULL;
	struct device d = device_at(0x100, 0x10);
	uint64_t v;

	assert_int_equal(bus_new("test", &b), 0);
	assert_int_equal(bus_remove(b, &d.region), -ENOENT);
	assert_int_equal(add(b, &d), 0);
	assert_int_equal(bus_remove(b, &d.region), 0);
	assert_false(bus_read(b, 0x100, 1, &v));
	assert_int_equal(add(b, &d), 0);
}

/* A device that moves itself while it handles a write. */
struct mover {
	struct bus_region region;
	struct bus *bus;
};

static void mover_write(void *opaque, uint64_t offset UNUSED, unsigned len UNUSED, uint64_t value)
{
	struct mover *m = opaque;

	bus_remove(m->bus, &m->region);
	m->region.start = value;
	bus_add(m->bus, &m->region);
}

static void may_move_itself(void **state UNUSED)
{
	static const struct bus_ops mover_ops = { .write = mover_write };
	CLEANUP(bus_freep) struct bus *b = NULL;
	struct mover m = { .region = { .start = 0x10, .size = 4, .ops = &mover_ops } };

	assert_int_equal(bus_new("test", &b), 0);
	m.bus = b;
	m.region.opaque = &m;
	assert_int_equal(bus_add(b, &m.region), 0);
	assert_true(bus_write(b, 0x10, 4, 0x20));
	assert_false(bus_write(b, 0x10, 4, 0x20));
	assert_true(bus_write(b, 0x20, 4, 0x30));
}

/* Others read while a region comes and goes: nobody is in the handler after bus_remove. */
struct race {
	struct bus *bus;
	struct bus_region region;
	atomic_bool stop, alive, broken;
	atomic_uint hits;
};

static uint64_t race_read(void *opaque, uint64_t offset UNUSED, unsigned len UNUSED)
{
	struct race *r = opaque;

	for (int i = 0; i < 20; i++)
		if (!atomic_load(&r->alive))
			atomic_store(&r->broken, true);
	atomic_fetch_add(&r->hits, 1);
	return 1;
}

static void *race_thread(void *arg)
{
	struct race *r = arg;
	uint64_t v;

	while (!atomic_load(&r->stop))
		bus_read(r->bus, 0x1000, 4, &v);
	return NULL;
}

static void removal_waits_for_handlers(void **state UNUSED)
{
	static const struct bus_ops race_ops = { .read = race_read };
	struct race r = { .region = { .start = 0x1000, .size = 4, .ops = &race_ops } };
	pthread_t threads[2];

	assert_int_equal(bus_new("test", &r.bus), 0);
	r.region.opaque = &r;
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, race_thread, &r), 0);
	for (int i = 0; i < 300; i++) {
		unsigned before = atomic_load(&r.hits);

		atomic_store(&r.alive, true);
		assert_int_equal(bus_add(r.bus, &r.region), 0);
		while (atomic_load(&r.hits) == before)
			sched_yield();
		assert_int_equal(bus_remove(r.bus, &r.region), 0);
		atomic_store(&r.alive, false);
	}
	atomic_store(&r.stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_false(r.broken);
	bus_free(r.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_region),
		cmocka_unit_test(nobody_reads_all_ones),
		cmocka_unit_test(overlaps_are_refused),
		cmocka_unit_test(what_is_removed_is_gone),
		cmocka_unit_test(may_move_itself),
		cmocka_unit_test(removal_waits_for_handlers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
