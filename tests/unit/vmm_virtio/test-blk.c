// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "harness.h"
#include "vmm/block/engine.h"
#include "vmm/virtio/blk.h"

#include <linux/virtio_blk.h>
#include <poll.h>
#include <stdatomic.h>

enum {
	SIZE = 16,
	SECTORS = 64,
	HEADER = DRV_BUFFERS,
	STATUS = DRV_BUFFERS + 0x100,
	DATA = DRV_BUFFERS + 0x1000,
};

/* A disk in memory that fails when told so and remembers what it was asked. */
struct fake {
	struct disk disk;
	uint8_t bytes[SECTORS * 512];
	uint64_t there; /* what its file has */
	int fail;
	atomic_bool shut; /* reads wait */
	atomic_uint reads;
	unsigned writes, flushes, discards, zeroes;
	uint64_t offset, len;
	bool unmap;
};

static int fake_read(struct disk *d, struct sg *to, uint64_t offset)
{
	struct fake *f = container_of(d, struct fake, disk);

	while (atomic_load(&f->shut))
		usleep(100);
	atomic_fetch_add(&f->reads, 1);
	if (f->fail)
		return f->fail;
	assert_true(disk_holds(d, offset, to->len));
	assert_true(sg_push(to, f->bytes + offset, to->len));
	return 0;
}

static int fake_write(struct disk *d, struct sg *from, uint64_t offset)
{
	struct fake *f = container_of(d, struct fake, disk);

	f->writes++;
	if (f->fail)
		return f->fail;
	assert_true(disk_holds(d, offset, from->len));
	assert_true(sg_pull(from, f->bytes + offset, from->len));
	return 0;
}

static int fake_flush(struct disk *d)
{
	struct fake *f = container_of(d, struct fake, disk);

	f->flushes++;
	return f->fail;
}

static int fake_discard(struct disk *d, uint64_t offset, uint64_t len)
{
	struct fake *f = container_of(d, struct fake, disk);

	assert_true(disk_holds(d, offset, len));
	f->discards++;
	f->offset = offset;
	f->len = len;
	return f->fail;
}

static int fake_zero(struct disk *d, uint64_t offset, uint64_t len, bool may_unmap)
{
	struct fake *f = container_of(d, struct fake, disk);

	assert_true(disk_holds(d, offset, len));
	f->zeroes++;
	f->unmap = may_unmap;
	memset(f->bytes + offset, 0, len);
	return f->fail;
}

static void fake_free(struct disk *d UNUSED)
{
}

static int fake_look(struct disk *d, uint64_t *ret_bytes)
{
	*ret_bytes = container_of(d, struct fake, disk)->there;
	return container_of(d, struct fake, disk)->fail;
}

static const struct disk_ops fake_ops = { fake_read, fake_write, fake_flush, fake_discard,
	fake_zero, fake_free, fake_look };

struct fixture {
	struct drv_ram ram;
	struct drv drv;
	struct drv_transport t;
	struct fake fake;
	struct disk_engine *engine;
	struct virtio_device *dev;
};

#define DEFAULT                                                                                    \
	(VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) | VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) |            \
		VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) | VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES))

static struct fixture *open_engine(
	bool read_only, uint64_t features, enum disk_engine_kind kind, unsigned channels)
{
	const struct disk_engine_params p = {
		.kind = kind, .fd = -1, .channels = channels, .depth = VIRTIO_BLK_DEPTH
	};
	struct fixture *f = calloc(1, sizeof(*f));

	drv_ram_open(&f->ram);
	f->fake.disk = (struct disk) { &fake_ops, sizeof(f->fake.bytes), 512, 4096, read_only };
	for (unsigned i = 0; i < sizeof(f->fake.bytes); i++)
		f->fake.bytes[i] = (uint8_t)(i / 512 + i);
	assert_int_equal(disk_engine_new(&p, &f->engine, NULL), 0);
	assert_int_equal(virtio_blk_device_new(f->ram.memory, "virtio-blk0", &f->fake.disk,
				 f->engine, "SERIAL-0123456789-ABCDEF", &f->dev),
		0);
	harness_attach(f->dev, &f->t);
	assert_true(harness_negotiate(f->dev, features));
	harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
	harness_ready(f->dev);
	return f;
}

static struct fixture *open_blk(bool read_only, uint64_t features)
{
	return open_engine(read_only, features, DISK_ENGINE_SYNC, 1);
}

static void close_blk(struct fixture *f)
{
	harness_free(f->dev);
	disk_engine_free(f->engine);
	drv_ram_close(&f->ram);
	free(f);
}

static void *at(struct fixture *f, uint64_t gpa)
{
	return drv_ptr(f->ram.memory, gpa);
}

/* Sends header + data + status as three buffers; the status byte that came back. */
static uint8_t request(struct fixture *f, uint32_t type, uint64_t sector, uint32_t len, bool in,
	uint32_t *ret_used)
{
	struct drv_piece p[] = { { HEADER, 16, false }, { DATA, len, in }, { STATUS, 1, true } };
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	struct vring_used_elem e;

	if (len == 0)
		p[1] = p[2];
	memcpy(at(f, HEADER), &h, sizeof(h));
	memset(at(f, STATUS), 0xaa, 1);
	drv_chain(&f->drv, p, len ? 3 : 2);
	drv_publish(&f->drv);
	virtio_device_ring(f->dev, &f->dev->queues[0], 1, true);
	assert_true(drv_used(&f->drv, &e));
	*drv_used_event(&f->drv) = f->drv.used_seen;
	if (ret_used)
		*ret_used = e.len;
	return *(uint8_t *)at(f, STATUS);
}

static void reads_and_writes(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);
	struct virtq_stats s;
	uint32_t used;

	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 3, 1024, true, &used), VIRTIO_BLK_S_OK);
	assert_int_equal(used, 1025);
	assert_memory_equal(at(f, DATA), f->fake.bytes + 3 * 512, 1024);
	memset(at(f, DATA), 0x5a, 512);
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, SECTORS - 1, 512, false, &used), 0);
	assert_int_equal(used, 1);
	assert_int_equal(f->fake.bytes[sizeof(f->fake.bytes) - 1], 0x5a);
	assert_int_equal(f->fake.bytes[sizeof(f->fake.bytes) - 513],
		(uint8_t)(SECTORS * 512 - 513 + SECTORS - 2));
	assert_int_equal(f->fake.flushes, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_FLUSH, 0, 0, false, &used), 0);
	assert_int_equal(f->fake.flushes, 1);
	s = virtq_stats_get(&f->dev->queues[0]);
	assert_int_equal(s.requests, 3);
	assert_int_equal(s.doorbells, 3);
	assert_int_equal(s.wakeups, 3);
	assert_int_equal(s.injections, 3);
	assert_int_equal(f->t.interrupts, 3);
	assert_int_equal(f->t.last_vector, 1);
	assert_int_equal(s.bytes_out, 16 * 3 + 512);
	assert_int_equal(s.bytes_in, 1025 + 1 + 1);
	close_blk(f);
}

static void outside_is_an_error(void **state UNUSED)
{
	static const struct {
		uint64_t sector;
		uint32_t len;
	} bad[] = { { SECTORS, 512 }, { SECTORS - 1, 1024 }, { UINT64_MAX, 512 },
		{ UINT64_MAX / 512, 512 }, { UINT64_MAX / 512 + 1, 512 }, { 0, 513 }, { 0, 100 },
		{ 0, (SECTORS + 1) * 512 } };
	struct fixture *f = open_blk(false, DEFAULT);
	uint32_t used;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			request(f, VIRTIO_BLK_T_IN, bad[i].sector, bad[i].len, true, &used),
			VIRTIO_BLK_S_IOERR);
		assert_int_equal(used, 1);
		assert_int_equal(
			request(f, VIRTIO_BLK_T_OUT, bad[i].sector, bad[i].len, false, NULL),
			VIRTIO_BLK_S_IOERR);
	}
	assert_int_equal(f->fake.reads + f->fake.writes, 0);
	assert_true(virtio_device_runs(f->dev));
	close_blk(f);
}

static void host_errors_reach_the_guest(void **state UNUSED)
{
	static const int errors[] = { -EIO, -ENOSPC, -EROFS, -EINVAL, -ENOMEM };
	struct fixture *f = open_blk(false, DEFAULT);

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		f->fake.fail = errors[i];
		assert_int_equal(
			request(f, VIRTIO_BLK_T_IN, 0, 512, true, NULL), VIRTIO_BLK_S_IOERR);
		assert_int_equal(
			request(f, VIRTIO_BLK_T_OUT, 0, 512, false, NULL), VIRTIO_BLK_S_IOERR);
		assert_int_equal(
			request(f, VIRTIO_BLK_T_FLUSH, 0, 0, false, NULL), VIRTIO_BLK_S_IOERR);
	}
	f->fake.fail = 0;
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 0, 512, true, NULL), VIRTIO_BLK_S_OK);
	close_blk(f);
}

static void unknown_requests_are_unsupported(void **state UNUSED)
{
	static const uint32_t types[] = { 2, 3, 5, 12, 14, 15, 0x80000000, UINT32_MAX };
	struct fixture *f = open_blk(false, 0);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_int_equal(request(f, types[i], 0, 512, true, NULL), VIRTIO_BLK_S_UNSUPP);
	/* Not negotiated. */
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, 16, false, NULL), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(
		request(f, VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, false, NULL), VIRTIO_BLK_S_UNSUPP);
	close_blk(f);
}

static void read_only_stays_so(void **state UNUSED)
{
	struct fixture *f = open_blk(true, VIRTIO_FEATURE(VIRTIO_BLK_F_RO));

	assert_false(f->dev->offered & VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD));
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 0, 512, false, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(f->fake.writes, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 0, 512, true, NULL), VIRTIO_BLK_S_OK);
	close_blk(f);
}

static void without_flush_each_write_is_stable(void **state UNUSED)
{
	struct fixture *f = open_blk(false, 0);

	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 0, 512, false, NULL), 0);
	assert_int_equal(f->fake.flushes, 1);
	close_blk(f);
}

static void the_serial_fits(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);
	uint32_t used;

	memset(at(f, DATA), 'x', 32);
	assert_int_equal(request(f, VIRTIO_BLK_T_GET_ID, 0, 20, true, &used), 0);
	assert_int_equal(used, 21);
	assert_memory_equal(at(f, DATA), "SERIAL-0123456789-ABxx", 22);
	memset(at(f, DATA), 'x', 32);
	assert_int_equal(request(f, VIRTIO_BLK_T_GET_ID, 0, 4, true, NULL), 0);
	assert_memory_equal(at(f, DATA), "SERIxxxx", 8);
	close_blk(f);
}

static uint8_t ranges(struct fixture *f, uint32_t type, uint64_t sector, uint32_t n, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes s = {
		.sector = sector, .num_sectors = n, .flags = flags
	};

	memcpy(at(f, DATA), &s, sizeof(s));
	return request(f, type, 0, sizeof(s), false, NULL);
}

static void ranges_are_checked(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);

	assert_int_equal(ranges(f, VIRTIO_BLK_T_DISCARD, 8, 16, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(f->fake.offset, 8 * 512);
	assert_int_equal(f->fake.len, 16 * 512);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_DISCARD, 8, 16, 1), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_WRITE_ZEROES, 8, 16, 2), VIRTIO_BLK_S_UNSUPP);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_DISCARD, SECTORS, 1, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_DISCARD, UINT64_MAX, 2, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_DISCARD, 0, UINT32_MAX, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_DISCARD, 0, 0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(f->fake.discards, 1);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_WRITE_ZEROES, 1, 1, 1), VIRTIO_BLK_S_OK);
	assert_true(f->fake.unmap);
	assert_int_equal(f->fake.bytes[512], 0);
	assert_int_not_equal(f->fake.bytes[511], 0);
	/* Half a range, none, too many. */
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, 24, false, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(request(f, VIRTIO_BLK_T_DISCARD, 0, 0, false, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		request(f, VIRTIO_BLK_T_DISCARD, 0, 17 * 16, false, NULL), VIRTIO_BLK_S_IOERR);
	close_blk(f);
}

/* 2.7.4: the device makes no assumption about how a request is cut. */
static void any_layout_will_do(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN, .sector = 2 };
	struct drv_piece p[] = { { HEADER, 3, false }, { HEADER + 3, 13, false },
		{ DATA, 100, true }, { DATA + 100, 412 + 1, true } };
	struct vring_used_elem e;

	memcpy(at(f, HEADER), &h, sizeof(h));
	memset(at(f, DATA), 0xaa, 513);
	drv_chain(&f->drv, p, 4);
	drv_publish(&f->drv);
	virtio_device_ring(f->dev, &f->dev->queues[0], 1, true);
	assert_true(drv_used(&f->drv, &e));
	assert_int_equal(e.len, 513);
	assert_memory_equal(at(f, DATA), f->fake.bytes + 1024, 512);
	assert_int_equal(((uint8_t *)at(f, DATA))[512], VIRTIO_BLK_S_OK);
	close_blk(f);
}

static void hostile_chain(const struct drv_piece *p, unsigned n)
{
	struct fixture *f = open_blk(false, DEFAULT);
	struct vring_used_elem e;

	drv_chain(&f->drv, p, n);
	drv_publish(&f->drv);
	virtio_device_ring(f->dev, &f->dev->queues[0], 1, true);
	assert_false(drv_used(&f->drv, &e));
	assert_true(virtio_device_status(f->dev) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(f->t.config_interrupts, 1);
	assert_int_equal(f->t.interrupts, 0);
	assert_int_equal(f->t.notes, 1);
	/* Ringing on changes nothing; a reset does. */
	virtio_device_ring(f->dev, &f->dev->queues[0], 1, true);
	assert_int_equal(f->t.config_interrupts, 1);
	virtio_device_set_status(f->dev, 0);
	assert_int_equal(virtio_device_status(f->dev), 0);
	assert_true(harness_negotiate(f->dev, DEFAULT));
	harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
	harness_ready(f->dev);
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, 0, 512, true, NULL), VIRTIO_BLK_S_OK);
	close_blk(f);
}

static void hostile_chains_stop_the_device(void **state UNUSED)
{
	static const struct drv_piece short_header[] = { { HEADER, 15, false },
		{ STATUS, 1, true } };
	static const struct drv_piece no_status[] = { { HEADER, 16, false }, { DATA, 512, false } };
	static const struct drv_piece no_header[] = { { STATUS, 512, true } };
	static const struct drv_piece outside[] = { { DRV_RAM_BYTES - 8, 16, false },
		{ STATUS, 1, true } };

	hostile_chain(short_header, 2);
	hostile_chain(no_status, 2);
	hostile_chain(no_header, 1);
	hostile_chain(outside, 2);
}

/*
 * What was offered before the driver was ready is served when it is, by whoever serves the queue:
 * the CPU that says so may be forbidden what that takes.
 */
static void work_waits_for_the_driver(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);
	struct drv_piece p[] = { { HEADER, 16, false }, { DATA, 512, true }, { STATUS, 1, true } };
	struct pollfd bell = { virtio_device_doorbell(f->dev, 0), POLLIN, 0 };
	struct vring_used_elem e;

	virtio_device_set_status(f->dev, 0);
	assert_true(harness_negotiate(f->dev, DEFAULT));
	harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
	memset(at(f, HEADER), 0, 16);
	drv_chain(&f->drv, p, 3);
	drv_publish(&f->drv);
	virtio_device_ring(f->dev, &f->dev->queues[0], 1, true);
	assert_false(drv_used(&f->drv, &e));
	assert_int_equal(poll(&bell, 1, 0), 0);
	harness_ready(f->dev);
	assert_false(drv_used(&f->drv, &e));
	assert_int_equal(poll(&bell, 1, 0), 1);
	virtio_device_ring(f->dev, &f->dev->queues[0], 0, true);
	assert_true(drv_used(&f->drv, &e));
	close_blk(f);
}

static void features_are_strict(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);
	struct virtio_device *d = f->dev;

	/* Ready once, the features stay. */
	virtio_device_want(d, 0, 0);
	assert_true(virtio_has(d, VIRTIO_BLK_F_FLUSH));
	assert_int_equal(virtio_device_wanted(d, 0), (uint32_t)DEFAULT);
	/* Not offered: FEATURES_OK does not stick, and neither does DRIVER_OK. */
	virtio_device_set_status(d, 0);
	assert_false(harness_negotiate(d, VIRTIO_FEATURE(VIRTIO_BLK_F_MQ)));
	harness_ready(d);
	assert_false(virtio_device_runs(d));
	assert_int_equal(d->features, 0);
	/* No VERSION_1. */
	virtio_device_set_status(d, 0);
	virtio_device_want(d, 0, VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH));
	virtio_device_set_status(d, VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(virtio_device_status(d), 0);
	/* Bits are not cleared one by one, and NEEDS_RESET is not the driver's. */
	virtio_device_set_status(d, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_NEEDS_RESET);
	virtio_device_set_status(d, VIRTIO_CONFIG_S_DRIVER);
	assert_int_equal(
		virtio_device_status(d), VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	/* Only two words of features exist. */
	virtio_device_want(d, 2, UINT32_MAX);
	assert_int_equal(virtio_device_wanted(d, 2), 0);
	assert_int_equal(virtio_device_offered(d, 2), 0);
	close_blk(f);
}

static void the_config_space_tells_the_shape(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);
	struct virtio_blk_config c;
	uint8_t tail[8];

	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_int_equal(c.capacity, SECTORS);
	assert_int_equal(c.blk_size, 512);
	assert_int_equal(c.physical_block_exp, 3);
	assert_int_equal(c.seg_max, 254);
	memset(tail, 0xff, sizeof(tail));
	virtio_device_read_config(f->dev, sizeof(c) - 4, tail, sizeof(tail));
	assert_int_equal(tail[4] | tail[7], 0);
	virtio_device_read_config(f->dev, UINT64_MAX - 3, tail, sizeof(tail));
	assert_int_equal(tail[0], 0);
	close_blk(f);
}

/* The driver hears of it once, and reaches what there is then, and no more. */
static void grows_and_shrinks(void **state UNUSED)
{
	static const char *const bad[] = { "big", "", "0", "700", "-1", "99999999999999999999" };
	struct fixture *f = open_blk(false, DEFAULT);
	struct problem *p = NULL;
	uint64_t sectors = 0;

	f->fake.there = SECTORS / 2 * 512;
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "auto", NULL), 0);
	virtio_device_read_config(f->dev, 0, &sectors, sizeof(sectors));
	assert_int_equal(sectors, SECTORS / 2);
	assert_int_equal(f->t.config_interrupts, 1);
	assert_int_equal(
		request(f, VIRTIO_BLK_T_IN, SECTORS / 2, 512, true, NULL), VIRTIO_BLK_S_IOERR);
	f->fake.there = SECTORS * 512;
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "32768", NULL), 0); /* all */
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "auto", NULL), 0);
	assert_int_equal(f->t.config_interrupts, 2);
	assert_int_equal(
		request(f, VIRTIO_BLK_T_IN, SECTORS / 2, 512, true, NULL), VIRTIO_BLK_S_OK);
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "512", NULL), 0);
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "512", NULL), 0);
	assert_int_equal(f->t.config_interrupts, 3);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(f->dev->ops->set(f->dev, -1, "size", bad[i], NULL), -EINVAL);
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "1G", &p), -ENOSPC);
	assert_string_equal(p->hint, "make it larger first: truncate -s 1G FILE");
	problem_free(p);
	assert_int_equal(f->dev->ops->set(f->dev, 0, "size", "auto", NULL), -EINVAL);
	assert_int_equal(f->dev->ops->set(f->dev, -1, "colour", "red", NULL), -EINVAL);
	f->fake.there = 0;
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "auto", NULL), -EINVAL);
	f->fake.fail = -EIO;
	assert_int_equal(f->dev->ops->set(f->dev, -1, "size", "auto", NULL), -EIO);
	f->fake.fail = 0;
	assert_int_equal(f->t.config_interrupts, 3);
	close_blk(f);
}

/* ---- many at once ---- */

/* Until nothing is in flight; some may have been done while they were offered. */
static void complete(struct fixture *f, unsigned i)
{
	struct virtq *q = &f->dev->queues[i];
	bool some = true;

	while (some) {
		virtq_lock(q);
		f->dev->ops->completed(f->dev, q);
		some = disk_in_flight(disk_engine_channel(f->engine, i));
		virtq_unlock(q);
	}
}

/* `n` reads of a sector each, offered with one ring of the bell. */
static void offer_reads(struct fixture *f, unsigned i, unsigned n)
{
	for (unsigned k = 0; k < n; k++) {
		uint64_t at_header = HEADER + i * 0x60 + k * 0x10,
			 at_status = STATUS + i * 0x10 + k;
		struct drv_piece p[] = { { at_header, 16, false },
			{ DATA + i * 0x1000 + k * 512, 512, true }, { at_status, 1, true } };
		struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN, .sector = k };

		memcpy(at(f, at_header), &h, sizeof(h));
		memset(at(f, at_status), 0xaa, 1);
		drv_chain(&f->drv, p, 3);
	}
	drv_publish(&f->drv);
	virtio_device_ring(f->dev, &f->dev->queues[i], 1, true);
}

static void a_slow_disk_holds_nobody_up(void **state UNUSED)
{
	struct fixture *f = open_engine(false, DEFAULT, DISK_ENGINE_THREADS, 1);
	struct vring_used_elem e;

	/* Nothing moves, and whoever rang has gone on. */
	atomic_store(&f->fake.shut, true);
	offer_reads(f, 0, 5);
	assert_false(drv_used(&f->drv, &e));
	assert_int_equal(f->dev->queues[0].in_flight, 5);
	atomic_store(&f->fake.shut, false);
	complete(f, 0);
	for (unsigned k = 0; k < 5; k++) {
		assert_true(drv_used(&f->drv, &e));
		assert_int_equal(*((uint8_t *)at(f, STATUS) + k), VIRTIO_BLK_S_OK);
		assert_memory_equal((char *)at(f, DATA) + k * 512, f->fake.bytes + k * 512, 512);
	}
	assert_true(f->t.interrupts >= 1 && f->t.interrupts <= 5);
	close_blk(f);
}

static void *open_gate(void *arg)
{
	usleep(20000);
	atomic_store((atomic_bool *)arg, false);
	return NULL;
}

/* The memory of what is in flight is somebody else's after a reset: the reset waits for it. */
static void a_reset_waits_for_what_is_in_flight(void **state UNUSED)
{
	struct fixture *f = open_engine(false, DEFAULT, DISK_ENGINE_THREADS, 1);
	struct vring_used_elem e;
	pthread_t t;

	for (unsigned round = 0; round < 3; round++) {
		atomic_store(&f->fake.shut, true);
		offer_reads(f, 0, 5);
		assert_int_equal(pthread_create(&t, NULL, open_gate, &f->fake.shut), 0);
		virtio_device_set_status(f->dev, 0);
		assert_int_equal(disk_in_flight(disk_engine_channel(f->engine, 0)), 0);
		pthread_join(t, NULL);
		assert_false(drv_used(&f->drv, &e));
		assert_true(harness_negotiate(f->dev, DEFAULT));
		harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
		harness_ready(f->dev);
	}
	offer_reads(f, 0, 5);
	complete(f, 0);
	assert_true(drv_used(&f->drv, &e));
	close_blk(f);
}

static void each_queue_has_a_channel(void **state UNUSED)
{
	struct fixture *f = open_engine(
		false, DEFAULT | VIRTIO_FEATURE(VIRTIO_BLK_F_MQ), DISK_ENGINE_THREADS, 2);
	struct virtio_blk_config c;
	struct vring_used_elem e;

	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_int_equal(c.num_queues, 2);
	assert_int_equal(f->dev->n_queues, 2);
	atomic_store(&f->fake.shut, true);
	offer_reads(f, 0, 2);
	harness_queue(f->dev, f->ram.memory, 1, &f->drv, SIZE);
	offer_reads(f, 1, 4);
	assert_int_equal(disk_in_flight(disk_engine_channel(f->engine, 0)), 2);
	assert_int_equal(disk_in_flight(disk_engine_channel(f->engine, 1)), 4);
	atomic_store(&f->fake.shut, false);
	complete(f, 1);
	complete(f, 0);
	for (unsigned k = 0; k < 4; k++)
		assert_true(drv_used(&f->drv, &e));
	close_blk(f);
}

/* The driver switches the cache off: writes are stable before they are answered, one by one. */
static void the_driver_may_want_no_cache(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT | VIRTIO_FEATURE(VIRTIO_BLK_F_CONFIG_WCE));
	const uint8_t off = 0, odd = 2;
	struct virtio_blk_config c;

	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_int_equal(c.wce, 1);
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 0, 512, false, NULL), 0);
	assert_int_equal(f->fake.flushes, 0);
	virtio_device_write_config(f->dev, offsetof(struct virtio_blk_config, wce), &off, 1);
	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_int_equal(c.wce, 0);
	assert_int_equal(request(f, VIRTIO_BLK_T_OUT, 0, 512, false, NULL), 0);
	assert_int_equal(f->fake.flushes, 1);
	assert_int_equal(ranges(f, VIRTIO_BLK_T_DISCARD, 8, 16, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(f->fake.flushes, 2);
	/* Other fields are not the driver's, and a byte that is no switch is one. */
	virtio_device_write_config(f->dev, 0, &odd, 1);
	virtio_device_write_config(f->dev, UINT64_MAX, &odd, 1);
	virtio_device_write_config(f->dev, offsetof(struct virtio_blk_config, wce), &odd, 1);
	virtio_device_read_config(f->dev, 0, &c, sizeof(c));
	assert_int_equal(c.capacity, SECTORS);
	assert_int_equal(c.wce, 0);
	close_blk(f);
}

static uint64_t counter_value;
static const char *counter_name;

static void find_counter(void *arg UNUSED, const char *name, uint64_t v)
{
	if (!strcmp(name, counter_name))
		counter_value = v;
}

static uint64_t counter(struct fixture *f, const char *name)
{
	counter_name = name;
	counter_value = UINT64_MAX;
	f->dev->ops->stats(f->dev, find_counter, NULL);
	return counter_value;
}

/* By kind, and a note for the first of each: a dying disk must not fill somebody's log. */
static void errors_are_counted_and_told_once(void **state UNUSED)
{
	struct fixture *f = open_blk(false, DEFAULT);

	f->fake.fail = -EIO;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(
			request(f, VIRTIO_BLK_T_IN, 0, 512, true, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(f->t.notes, 1);
	f->fake.fail = -ENOSPC;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			request(f, VIRTIO_BLK_T_OUT, 0, 512, false, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(f->t.notes, 2);
	f->fake.fail = 0;
	/* The guest's own mistake is no news of the host. */
	assert_int_equal(request(f, VIRTIO_BLK_T_IN, SECTORS, 512, true, NULL), VIRTIO_BLK_S_IOERR);
	assert_int_equal(f->t.notes, 2);
	assert_int_equal(counter(f, "failed-requests"), 9);
	assert_int_equal(counter(f, "io-errors"), 5);
	assert_int_equal(counter(f, "no-space"), 3);
	close_blk(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(outside_is_an_error),
		cmocka_unit_test(host_errors_reach_the_guest),
		cmocka_unit_test(unknown_requests_are_unsupported),
		cmocka_unit_test(read_only_stays_so),
		cmocka_unit_test(without_flush_each_write_is_stable),
		cmocka_unit_test(the_serial_fits),
		cmocka_unit_test(ranges_are_checked),
		cmocka_unit_test(any_layout_will_do),
		cmocka_unit_test(hostile_chains_stop_the_device),
		cmocka_unit_test(work_waits_for_the_driver),
		cmocka_unit_test(features_are_strict),
		cmocka_unit_test(the_config_space_tells_the_shape),
		cmocka_unit_test(grows_and_shrinks),
		cmocka_unit_test(a_slow_disk_holds_nobody_up),
		cmocka_unit_test(a_reset_waits_for_what_is_in_flight),
		cmocka_unit_test(each_queue_has_a_channel),
		cmocka_unit_test(the_driver_may_want_no_cache),
		cmocka_unit_test(errors_are_counted_and_told_once),
	};

	return cmocka_run_group_tests_name("blk", tests, NULL, NULL);
}
