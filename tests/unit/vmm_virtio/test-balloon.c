// SPDX-License-Identifier: GPL-2.0-or-later
/* A balloon and its drivers, of which some mean harm. */
#include "cm.h"
#include "harness.h"
#include "vmm/virtio/balloon.h"

#include <linux/virtio_balloon.h>

enum {
	SIZE = 8,
	INFLATE = 0,
	DEFLATE = 1,
	STATS = 2,
	PFNS = DRV_BUFFERS,
	DATA = 0x200000, /* from there on are pages to give */
	PAGE = 4096,
	PAGES = DRV_RAM_BYTES / PAGE,
};

#define BIT(feature) VIRTIO_FEATURE(VIRTIO_BALLOON_F_##feature)

struct fixture {
	struct drv_ram ram;
	struct virtio_device *dev;
	struct drv_transport transport;
	struct drv drv;
};

/* Queue `q` is ready, what was negotiated too. */
static struct fixture *open_queue(uint64_t features, unsigned q)
{
	struct fixture *f = calloc(1, sizeof(*f));

	drv_ram_open(&f->ram);
	assert_int_equal(virtio_balloon_device_new(f->ram.memory, "balloon0", &f->dev), 0);
	harness_attach(f->dev, &f->transport);
	assert_true(harness_negotiate(f->dev, features));
	harness_queue(f->dev, f->ram.memory, q, &f->drv, SIZE);
	harness_ready(f->dev);
	memset(drv_ptr(f->ram.memory, DATA), 7, DRV_RAM_BYTES - DATA);
	return f;
}

static void close_device(struct fixture *f)
{
	harness_free(f->dev);
	drv_ram_close(&f->ram);
	free(f);
}

static uint32_t *pfns(struct fixture *f)
{
	return drv_ptr(f->ram.memory, PFNS);
}

struct wanted {
	const char *name;
	uint64_t value;
	bool found;
};

static void look(void *arg, const char *name, uint64_t v)
{
	struct wanted *w = arg;

	if (strcmp(name, w->name) != 0)
		return;
	w->value = v;
	w->found = true;
}

static uint64_t counted(struct fixture *f, const char *name)
{
	struct wanted w = { .name = name };

	f->dev->ops->stats(f->dev, look, &w);
	return w.found ? w.value : UINT64_MAX;
}

static void look_word(void *arg, const char *key, const char *word)
{
	look(arg, key, strtoull(word, NULL, 10));
}

static uint64_t trait(struct fixture *f, const char *key)
{
	struct wanted w = { .name = key };

	f->dev->ops->traits(f->dev, look_word, &w);
	return w.found ? w.value : UINT64_MAX;
}

/* Rings, and is served until nobody has anything to do; how many turns that took. */
static unsigned ring(struct fixture *f, unsigned q)
{
	unsigned turns = 1;

	drv_publish(&f->drv);
	for (; virtio_device_ring(f->dev, &f->dev->queues[q], turns == 1, false); turns++)
		;
	return turns;
}

static unsigned send(struct fixture *f, unsigned q, uint64_t at, uint32_t len, bool write)
{
	const struct drv_piece p = { at, len, write };
	struct vring_used_elem e;
	unsigned answers = 0;

	drv_chain(&f->drv, &p, 1);
	ring(f, q);
	while (drv_used(&f->drv, &e))
		answers++;
	return answers;
}

static bool is(struct fixture *f, uint64_t page, uint8_t value)
{
	const uint8_t *at = drv_ptr(f->ram.memory, page);

	for (unsigned i = 0; i < PAGE; i++)
		if (at[i] != value)
			return false;
	return true;
}

/* Upwards, downwards, alone, twice: those and no others. */
static void pages_go(void **state UNUSED)
{
	static const unsigned v[] = { 2, 3, 4, 9, 8, 7, 20, 511, 20, 30 };
	struct fixture *f = open_queue(0, INFLATE);
	uint64_t gone = 0, others = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(v); i++)
		pfns(f)[i] = DATA / PAGE + v[i];
	assert_int_equal(send(f, INFLATE, PFNS, sizeof(v), false), 1);
	for (unsigned n = 0; n < PAGES - DATA / PAGE; n++) {
		bool in = false;

		for (unsigned i = 0; i < ARRAY_SIZE(v); i++)
			in |= v[i] == n;
		gone += in && is(f, DATA + n * PAGE, 0);
		others += !in && is(f, DATA + n * PAGE, 7);
	}
	assert_int_equal(gone, 9);
	assert_int_equal(others, PAGES - DATA / PAGE - 9);
	assert_int_equal(counted(f, "bytes-inflated"), sizeof(v) / 4 * PAGE);
	assert_int_equal(counted(f, "pages-refused"), 0);
	close_device(f);
}

static void what_is_no_ram_is_no_page(void **state UNUSED)
{
	static const uint32_t lies[] = { PAGES, 0xffffffff, 0xfee00, 0x80000000, 0xc0000 };
	struct fixture *f = open_queue(0, INFLATE);

	memcpy(pfns(f), lies, sizeof(lies));
	pfns(f)[ARRAY_SIZE(lies)] = PAGES - 1;
	assert_int_equal(send(f, INFLATE, PFNS, sizeof(lies) + 4 + 3, false), 1);
	assert_int_equal(counted(f, "pages-refused"), ARRAY_SIZE(lies));
	assert_int_equal(counted(f, "bytes-inflated"), PAGE);
	assert_true(is(f, DRV_RAM_BYTES - PAGE, 0) && is(f, DRV_RAM_BYTES - 2 * PAGE, 7));
	assert_int_equal(send(f, INFLATE, PFNS, 3, false), 1);
	close_device(f);
}

/* The memory of the ring itself, and of the numbers, while they are read. */
static void who_gives_the_ring_away_has_none(void **state UNUSED)
{
	struct fixture *f = open_queue(0, INFLATE);

	for (uint32_t i = 0; i < PAGES; i++)
		pfns(f)[i] = i;
	send(f, INFLATE, PFNS, 4 * PAGES, false);
	assert_true(is(f, DRV_DESC, 0));
	close_device(f);
}

/* As many numbers as fit into memory: others have their turn in between. */
static void much_is_done_in_turns(void **state UNUSED)
{
	struct fixture *f = open_queue(0, DEFLATE);
	struct drv_piece p[SIZE];
	struct vring_used_elem e;

	for (unsigned i = 0; i < SIZE; i++)
		p[i] = (struct drv_piece) { DATA, DRV_RAM_BYTES - DATA, false };
	memset(drv_ptr(f->ram.memory, DATA), 0, DRV_RAM_BYTES - DATA);
	drv_chain(&f->drv, p, SIZE);
	assert_true(ring(f, DEFLATE) > 100);
	assert_true(drv_used(&f->drv, &e));
	assert_int_equal(
		counted(f, "bytes-deflated"), (uint64_t)SIZE * (DRV_RAM_BYTES - DATA) / 4 * PAGE);
	close_device(f);
}

/* In the middle of such a request. */
static void a_reset_forgets(void **state UNUSED)
{
	struct fixture *f = open_queue(0, DEFLATE);
	const struct drv_piece p = { DATA, DRV_RAM_BYTES - DATA, false };
	uint32_t pages = 5;

	drv_chain(&f->drv, &p, 1);
	drv_publish(&f->drv);
	assert_true(virtio_device_ring(f->dev, &f->dev->queues[DEFLATE], 1, false));
	virtio_device_write_config(f->dev, 4, &pages, sizeof(pages));
	assert_int_equal(trait(f, "memory_now"), DRV_RAM_BYTES - 5 * PAGE);
	virtio_device_reset(f->dev);
	assert_int_equal(trait(f, "memory_now"), DRV_RAM_BYTES);
	assert_true(harness_negotiate(f->dev, 0));
	harness_queue(f->dev, f->ram.memory, DEFLATE, &f->drv, SIZE);
	harness_ready(f->dev);
	assert_int_equal(send(f, DEFLATE, DATA, 8, false), 1);
	close_device(f);
}

static void expect_break(uint64_t features, unsigned q, bool write)
{
	struct fixture *f = open_queue(features, q);

	assert_int_equal(send(f, q, DATA, PAGE, write), 0);
	assert_true(virtio_device_status(f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_true(is(f, DATA, 7));
	close_device(f);
}

static void buffers_of_the_wrong_kind_break(void **state UNUSED)
{
	expect_break(0, INFLATE, true);
	expect_break(0, DEFLATE, true);
	expect_break(BIT(REPORTING), 3, false);
	expect_break(0, STATS, false);
	expect_break(0, 3, true);
	expect_break(BIT(STATS_VQ), 4, true);
}

/* By Linux's count, with and without statistics, and by the specification's. */
static void free_pages_are_taken(void **state UNUSED)
{
	static const struct {
		uint64_t features;
		unsigned queue;
	} v[] = { { BIT(REPORTING), 2 }, { BIT(REPORTING) | BIT(STATS_VQ), 3 },
		{ BIT(REPORTING) | BIT(STATS_VQ), 4 } };

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct fixture *f = open_queue(v[i].features, v[i].queue);

		assert_int_equal(send(f, v[i].queue, DATA + 5, 3 * PAGE, true), 1);
		assert_int_equal(*(uint8_t *)drv_ptr(f->ram.memory, DATA + PAGE - 1), 7);
		assert_true(is(f, DATA + PAGE, 0) && is(f, DATA + 2 * PAGE, 0));
		assert_true(is(f, DATA + 4 * PAGE, 7));
		assert_int_equal(*(uint8_t *)drv_ptr(f->ram.memory, DATA + 3 * PAGE), 7);
		assert_int_equal(send(f, v[i].queue, DATA + 5 * PAGE + 1, PAGE, true), 1);
		assert_int_equal(counted(f, "bytes-reported"), 2 * PAGE);
		close_device(f);
	}
}

static void put_stats(struct fixture *f, uint64_t free)
{
	struct virtio_balloon_stat s[] = { { VIRTIO_BALLOON_S_MEMFREE, free }, { 999, 1 },
		{ VIRTIO_BALLOON_S_MAJFLT, 5 } };

	memcpy(drv_ptr(f->ram.memory, PFNS), s, sizeof(s));
	/* The last one is half a number. */
	assert_int_equal(send(f, STATS, PFNS, sizeof(s) + 7, false), 0);
}

static void the_guest_tells_when_it_is_asked(void **state UNUSED)
{
	struct fixture *f = open_queue(BIT(STATS_VQ), STATS);
	struct vring_used_elem e;

	assert_int_equal(trait(f, "memory_free"), UINT64_MAX);
	assert_int_equal(counted(f, "major-faults"), UINT64_MAX);
	put_stats(f, 100);
	assert_int_equal(trait(f, "memory_free"), 100);
	assert_false(drv_used(&f->drv, &e));
	assert_int_equal(counted(f, "major-faults"), 5);
	assert_true(drv_used(&f->drv, &e));
	put_stats(f, 200);
	/* One more than it was asked for waits in the ring. */
	put_stats(f, 300);
	assert_int_equal(trait(f, "memory_free"), 200);
	assert_int_equal(counted(f, "minor-faults"), UINT64_MAX);
	assert_int_equal(trait(f, "memory_free"), 300);
	virtio_device_reset(f->dev);
	assert_int_equal(trait(f, "memory_free"), UINT64_MAX);
	close_device(f);
}

static int set(struct fixture *f, int queue, const char *key, const char *value)
{
	return f->dev->ops->set(f->dev, queue, key, value, NULL);
}

static void the_host_wishes(void **state UNUSED)
{
	struct guest_memory_params p = { .size = 64 << 20 };
	struct fixture *f = open_queue(0, INFLATE);
	struct virtio_device *d;
	struct guest_memory *m;
	uint32_t pages;

	assert_int_equal(guest_memory_new(f->ram.host, &p, &m, NULL), 0);
	assert_int_equal(virtio_balloon_device_new(m, "balloon1", &d), 0);
	assert_int_equal(d->ops->set(d, -1, "memory", "20M", NULL), 0);
	virtio_device_read_config(d, 0, &pages, sizeof(pages));
	assert_int_equal(pages, 44 * 256);
	assert_int_equal(d->ops->set(d, -1, "memory", "15M", NULL), -EINVAL);
	assert_int_equal(d->ops->set(d, -1, "memory", "65M", NULL), -EINVAL);
	pages = 1;
	for (unsigned at = 0; at < 4; at++) /* the wish is not the driver's, nor half of it */
		virtio_device_write_config(d, at, &pages, sizeof(pages));
	virtio_device_read_config(d, 0, &pages, sizeof(pages));
	assert_int_equal(pages, 44 * 256);
	harness_free(d);
	guest_memory_free(m);
	/* What is too small for less. */
	assert_int_equal(set(f, -1, "memory", "4M"), 0);
	assert_int_equal(f->transport.config_interrupts, 0);
	assert_int_equal(set(f, -1, "memory", "2M"), -EINVAL);
	assert_int_equal(set(f, 0, "memory", "4M"), -EINVAL);
	assert_int_equal(set(f, -1, "colour", "red"), -EINVAL);
	close_device(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_go),
		cmocka_unit_test(what_is_no_ram_is_no_page),
		cmocka_unit_test(who_gives_the_ring_away_has_none),
		cmocka_unit_test(much_is_done_in_turns),
		cmocka_unit_test(a_reset_forgets),
		cmocka_unit_test(buffers_of_the_wrong_kind_break),
		cmocka_unit_test(free_pages_are_taken),
		cmocka_unit_test(the_guest_tells_when_it_is_asked),
		cmocka_unit_test(the_host_wishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
