// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests are taken from the ring, handed to the queue's channel of the disk's engine, and given
 * back in the order in which they are done. All that were found at once begin with one system call,
 * and all that are found done are told with one interrupt.
 */
#include "blk.h"
#include "blk-request.h"
#include "blk-trouble.h"
#include "base/str.h"

#include <linux/virtio_ids.h>
#include <string.h>

/* The queue's lock guards it. */
struct blk_queue {
	struct disk_channel *channel;
	struct blk_request *requests, *free;
	unsigned used, depth; /* of `requests`: memory that was never needed is not touched */
	bool filled;	      /* something is to be shown to the driver */
	struct iovec iov[VIRTQ_SIZE_MAX]; /* of the chain that was just taken */
	KEEP_APART;
};

struct blk {
	struct virtio_device dev;
	struct blk_target target; /* the disk is owned */
	const struct disk_engine *engine;
	struct virtio_blk_config config;
	uint64_t failed; /* atomic */
	struct blk_trouble trouble;
	struct blk_queue *queues;
};

static struct blk *blk_of(struct virtio_device *d)
{
	return container_of(d, struct blk, dev);
}

static struct blk_queue *queue_of(struct blk *b, const struct virtq *q)
{
	return &b->queues[q->index];
}

/* ---- requests ---- */

static void release(struct blk_queue *bq, struct blk_request *r)
{
	blk_request_forget(r);
	r->next = bq->free;
	bq->free = r;
}

static void answer(struct blk *b, struct virtq *q, struct blk_request *r, int result)
{
	struct blk_queue *bq = queue_of(b, q);

	if (result < 0)
		__atomic_fetch_add(&b->failed, 1, __ATOMIC_RELAXED);
	virtq_fill(q, r->head, blk_request_answer(r, result));
	bq->filled = true;
	release(bq, r);
}

static struct blk_request *take_free(struct blk_queue *bq)
{
	struct blk_request *r = bq->free;

	if (r)
		bq->free = r->next;
	else if (bq->used < bq->depth)
		r = &bq->requests[bq->used++];
	return r;
}

/* The header comes first, the status byte last; how the driver cuts them into buffers is its
 * business. */
static int begin(struct blk *b, struct virtq *q, struct virtq_chain *c)
{
	struct blk_queue *bq = queue_of(b, q);
	struct virtio_blk_outhdr h;
	struct blk_request *r;
	int e;

	if (!sg_pull(&c->out, &h, sizeof(h)) || c->in.len < 1)
		return virtq_break(q, "a block request has no header or no status byte");
	r = take_free(bq);
	if (!r)
		return virtq_break(q, "more requests are in flight than the queue holds");
	e = blk_request_prepare(r, &b->target, &h, c);
	if (e > 0)
		disk_submit(bq->channel, &r->disk);
	else
		answer(b, q, r, e);
	return 0;
}

/* What is done is given back; how many that were. */
static unsigned blk_completed(struct virtio_device *device, struct virtq *q)
{
	struct blk *b = blk_of(device);
	struct blk_queue *bq = queue_of(b, q);
	uint64_t before = q->stats.requests;
	struct disk_request *d;
	bool again = false;

	while ((d = disk_reap(bq->channel)) || again) {
		struct blk_request *r;
		int result;

		if (!d) {
			disk_kick(bq->channel);
			again = false;
			continue;
		}
		r = container_of(d, struct blk_request, disk);
		result = d->result;
		if (result < 0)
			blk_note_trouble(&b->trouble, device, d, result);
		if (blk_request_goes_on(r, &b->target, &result)) {
			disk_submit(bq->channel, d);
			again = true;
		} else {
			answer(b, q, r, result);
		}
	}
	if (bq->filled) {
		bq->filled = false;
		virtq_publish(q);
		virtio_device_interrupt(device, q);
	}
	return (unsigned)(q->stats.requests - before);
}

/*
 * Kicks are asked for before the last known request is served, not after: at queue depth 1 each
 * request then costs one doorbell and one wake-up, whatever the driver's timing.
 */
static bool blk_kicked(struct virtio_device *d, struct virtq *q)
{
	struct blk *b = blk_of(d);
	struct blk_queue *bq = queue_of(b, q);
	struct virtq_chain c;
	bool last = false;

	while (!last) {
		int r = virtq_pop(q, bq->iov, ARRAY_SIZE(bq->iov), &c);

		last = r < 0 || virtq_arm(q);
		if (r > 0 && begin(b, q, &c) < 0)
			break;
	}
	disk_kick(bq->channel);
	blk_completed(d, q);
	return false;
}

static int blk_fd(struct virtio_device *d, struct virtq *q)
{
	return disk_channel_fd(queue_of(blk_of(d), q)->channel);
}

static void blk_sleep(struct virtio_device *d, struct virtq *q, bool asleep)
{
	disk_sleep(queue_of(blk_of(d), q)->channel, asleep);
}

static void blk_attend(struct virtio_device *d, struct virtq *q, bool on)
{
	disk_attend(queue_of(blk_of(d), q)->channel, on);
}

static int blk_doze(struct virtio_device *d, struct virtq *q)
{
	struct disk_channel *c = queue_of(blk_of(d), q)->channel;
	int n, r;

	virtq_lock(q);
	n = disk_doze_begin(c);
	virtq_unlock(q);
	r = n < 0 ? 0 : disk_doze(c, (unsigned)n);
	virtq_lock(q);
	r = disk_doze_end(c, r);
	virtq_unlock(q);
	return r;
}

static void blk_signal(struct virtio_device *d, struct virtq *q, unsigned bell)
{
	disk_signal(queue_of(blk_of(d), q)->channel, bell);
}

/* What is in flight goes to memory that may be somebody else's afterwards: it is waited for. */
static void blk_queue_reset(struct virtio_device *d, struct virtq *q)
{
	struct blk *b = blk_of(d);
	struct blk_queue *bq = queue_of(b, q);
	struct disk_request *r;

	while ((r = disk_drop(bq->channel)))
		release(bq, container_of(r, struct blk_request, disk));
	bq->filled = false;
}

static void set_write_back(struct blk *b, bool on)
{
	const uint8_t wce = on;

	virtio_device_change_config(&b->dev, &b->config.wce, &wce, 1, false);
	__atomic_store_n(&b->target.write_back, on, __ATOMIC_RELAXED);
}

/* A driver that knows of no flush has not heard of a cache either. */
static void blk_negotiated(struct virtio_device *d)
{
	struct blk *b = blk_of(d);

	set_write_back(b, virtio_has(d, VIRTIO_BLK_F_FLUSH));
}

static void blk_config_written(
	struct virtio_device *d, uint64_t offset, const void *data, size_t len)
{
	struct blk *b = blk_of(d);

	if (offset != offsetof(struct virtio_blk_config, wce) || len != 1 ||
		!virtio_has(d, VIRTIO_BLK_F_CONFIG_WCE))
		return;
	set_write_back(b, *(const uint8_t *)data & 1);
}

/* The driver is told (5.2.5) after what there is has changed: more is there by then. */
static int blk_set(struct virtio_device *d, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	struct blk *b = blk_of(d);
	uint64_t sectors;
	int r;

	if (queue >= 0 || !str_eq(key, "size"))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s has no setting \"%s\"",
			d->name, key);
	r = disk_resize(b->target.disk, value, reterr);
	sectors = htole64(disk_bytes(b->target.disk) / DISK_SECTOR_BYTES);
	if (r > 0)
		virtio_device_change_config(
			d, &b->config.capacity, &sectors, sizeof(sectors), true);
	return MIN(r, 0);
}

static void blk_stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct blk *b = blk_of(d);
	uint64_t bounced = 0;

	for (unsigned i = 0; i < d->n_queues; i++)
		bounced += disk_channel_stats(b->queues[i].channel).bounced;
	each(arg, "failed-requests", __atomic_load_n(&b->failed, __ATOMIC_RELAXED));
	each(arg, "io-errors", __atomic_load_n(&b->trouble.io_errors, __ATOMIC_RELAXED));
	each(arg, "no-space", __atomic_load_n(&b->trouble.no_space, __ATOMIC_RELAXED));
	each(arg, "bounced", bounced);
}

static void blk_traits(struct virtio_device *d,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	const struct blk *b = blk_of(d);
	const char *why = disk_engine_why(b->engine);

	each(arg, "engine", disk_engine_name(b->engine));
	if (why)
		each(arg, "why-engine", why);
	each(arg, "signals", d->n_bells ? "ring" : "write");
	why = disk_engine_why_written(b->engine);
	if (why)
		each(arg, "why-signals", why);
	if (b->target.disk->over_vf)
		each(arg, "over", "vf");
	each(arg, "cache", b->target.disk->direct ? "none" : "host");
}

static void free_queue(struct blk_queue *bq)
{
	struct disk_request *r;

	while (bq->channel && (r = disk_drop(bq->channel)))
		release(bq, container_of(r, struct blk_request, disk));
	if (bq->channel)
		disk_channel_stop(bq->channel);
	free(bq->requests);
}

static void blk_free(struct virtio_device *d)
{
	struct blk *b = blk_of(d);

	for (unsigned i = 0; b->queues && i < d->n_queues; i++)
		free_queue(&b->queues[i]);
	free(b->queues);
	virtio_device_done(d);
	disk_free(b->target.disk);
	free(b);
}

static const struct virtio_device_ops blk_ops = {
	.negotiated = blk_negotiated,
	.kicked = blk_kicked,
	.fd = blk_fd,
	.completed = blk_completed,
	.sleep = blk_sleep,
	.attend = blk_attend,
	.doze = blk_doze,
	.signal = blk_signal,
	.queue_reset = blk_queue_reset,
	.config_written = blk_config_written,
	.free = blk_free,
	.stats = blk_stats,
	.set = blk_set,
	.traits = blk_traits,
};

static void describe(struct blk *b)
{
	const struct disk *d = b->target.disk;

	b->config = (struct virtio_blk_config) {
		.capacity = d->bytes / DISK_SECTOR_BYTES,
		.seg_max = VIRTIO_BLK_QUEUE_SIZE - 2, /* header and status take one each */
		.blk_size = d->logical_bytes,
		.physical_block_exp = (uint8_t)__builtin_ctz(d->physical_bytes / d->logical_bytes),
		.wce = 1,
		.num_queues = (uint16_t)b->dev.n_queues,
		.max_discard_sectors = BLK_RANGE_SECTORS_MAX,
		.max_discard_seg = BLK_RANGES_MAX,
		.discard_sector_alignment = d->physical_bytes / DISK_SECTOR_BYTES,
		.max_write_zeroes_sectors = BLK_RANGE_SECTORS_MAX,
		.max_write_zeroes_seg = BLK_RANGES_MAX,
		.write_zeroes_may_unmap = 1,
	};
	b->target.write_back = true;
}

static uint64_t features_of(const struct disk *d, unsigned n_queues)
{
	uint64_t f = VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
		     VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH);

	if (n_queues > 1)
		f |= VIRTIO_FEATURE(VIRTIO_BLK_F_MQ);
	if (d->read_only)
		return f | VIRTIO_FEATURE(VIRTIO_BLK_F_RO);
	return f | VIRTIO_FEATURE(VIRTIO_BLK_F_CONFIG_WCE) | VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) |
	       VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
}

static int start_queue(struct blk *b, struct blk_queue *bq, struct disk_channel *c, unsigned depth)
{
	int r;

	bq->requests = calloc(depth, sizeof(*bq->requests));
	if (!bq->requests)
		return -ENOMEM;
	bq->depth = depth;
	r = disk_channel_start(c, b->target.disk, b->dev.name);
	if (r == 0)
		bq->channel = c;
	return r;
}

static int start(struct blk *b, struct disk_engine *e)
{
	int r = 0;

	b->queues = calloc(b->dev.n_queues, sizeof(*b->queues));
	if (!b->queues)
		return -ENOMEM;
	for (unsigned i = 0; i < b->dev.n_queues && r == 0; i++)
		r = start_queue(b, &b->queues[i], disk_engine_channel(e, i), disk_engine_depth(e));
	return r;
}

static int init(
	struct blk *b, const struct guest_memory *m, const char *name, struct disk_engine *e)
{
	struct virtio_device_params params = {
		.ops = &blk_ops,
		.name = name,
		.id = VIRTIO_ID_BLOCK,
		.features = features_of(b->target.disk, disk_engine_channels(e)),
		.n_queues = disk_engine_channels(e),
		.queue_size = VIRTIO_BLK_QUEUE_SIZE,
		.doorbells = disk_engine_doorbells(e),
		.config = &b->config,
		.config_bytes = sizeof(b->config),
	};

	return virtio_device_init(&b->dev, m, &params);
}

int virtio_blk_device_new(const struct guest_memory *m, const char *name, struct disk *disk,
	struct disk_engine *engine, const char *serial, struct virtio_device **ret)
{
	struct blk *b = calloc(1, sizeof(*b));
	int r = -ENOMEM;

	if (b) {
		b->target = (struct blk_target) { .dev = &b->dev, .disk = disk };
		b->engine = engine;
		r = init(b, m, name, engine);
	}
	if (r < 0) {
		free(b);
		disk_free(disk);
		return r;
	}
	describe(b);
	if (serial)
		memcpy(b->target.serial, serial, strnlen(serial, sizeof(b->target.serial)));
	r = start(b, engine);
	if (r < 0) {
		blk_free(&b->dev);
		return r;
	}
	b->dev.bells = disk_engine_bells(engine, &b->dev.n_bells);
	*ret = &b->dev;
	return 0;
}
