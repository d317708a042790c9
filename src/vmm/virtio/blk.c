// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests are taken from the ring, checked, handed to the queue's channel of the disk's engine,
 * and given back in the order in which they are done. All that were found at once begin with one
 * system call, and all that are found done are told with one interrupt.
 */
#include "blk.h"
#include "blk-trouble.h"
#include "base/checked.h"
#include "base/str.h"
#include "vmm/block/engine.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <string.h>

enum {
	ZEROES_SEGMENTS_MAX = 16,
	ZEROES_SECTORS_MAX = 1 << 22, /* 2 GiB in one segment */
	PIECES = 16,		      /* of a request that needs no memory of its own */
};

struct blk_request {
	struct disk_request disk;
	struct blk_request *next; /* in the list of those that are free */
	uint16_t head;
	uint32_t written; /* by a request that succeeds, the status byte included */
	uint8_t *status;  /* guest memory */
	bool stable;	  /* a flush follows */
	bool ranges;	  /* the list below is worked on */
	unsigned range, n_ranges;
	struct virtio_blk_discard_write_zeroes list[ZEROES_SEGMENTS_MAX];
	struct iovec few[PIECES], *more; /* `more` is owned */
};

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
	struct disk *disk;
	const struct disk_engine *engine;
	struct virtio_blk_config config;
	bool write_back; /* atomic: what the driver wrote to config.wce */
	char serial[VIRTIO_BLK_SERIAL_BYTES];
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

static uint8_t status_of(int r)
{
	if (r == 0)
		return VIRTIO_BLK_S_OK;
	return r == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
}

/* Byte offset of a transfer of `len` at `sector`; false if any of it is outside. */
static bool place(const struct blk *b, uint64_t sector, uint64_t len, uint64_t *ret_offset)
{
	uint64_t offset;

	if (len % DISK_SECTOR_BYTES || mul_overflows(sector, DISK_SECTOR_BYTES, &offset) ||
		!disk_holds(b->disk, offset, len))
		return false;
	*ret_offset = offset;
	return true;
}

/*
 * 5.2.5.2, 5.2.6.2: without VIRTIO_BLK_F_FLUSH the driver expects each write to be stable, and with
 * VIRTIO_BLK_F_CONFIG_WCE it says so.
 */
static bool writes_are_stable(struct blk *b)
{
	if (virtio_has(&b->dev, VIRTIO_BLK_F_CONFIG_WCE))
		return !__atomic_load_n(&b->write_back, __ATOMIC_RELAXED);
	return !virtio_has(&b->dev, VIRTIO_BLK_F_FLUSH);
}

/* ---- requests ---- */

static void release(struct blk_queue *bq, struct blk_request *r)
{
	free(TAKE_PTR(r->more));
	r->next = bq->free;
	bq->free = r;
}

static void answer(struct blk *b, struct virtq *q, struct blk_request *r, int result)
{
	struct blk_queue *bq = queue_of(b, q);

	if (result < 0)
		__atomic_fetch_add(&b->failed, 1, __ATOMIC_RELAXED);
	*r->status = status_of(result);
	virtq_fill(q, r->head, result < 0 ? 1 : r->written);
	bq->filled = true;
	release(bq, r);
}

/* The list outlives the chain that it was taken from. */
static int keep_pieces(struct blk_request *r, const struct sg *s)
{
	struct iovec *v = r->few;

	if (s->n > PIECES)
		v = r->more = reallocarray(NULL, s->n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (s->n)
		memcpy(v, s->v, s->n * sizeof(*v));
	r->disk.sg = (struct sg) { v, s->n, s->len };
	return 0;
}

static int prepare_transfer(struct blk *b, uint64_t sector, const struct sg *s, enum disk_work work,
	struct blk_request *r)
{
	if (work == DISK_WRITE && b->disk->read_only)
		return -EROFS;
	if (!place(b, sector, s->len, &r->disk.offset))
		return -EINVAL;
	r->disk.work = work;
	r->stable = work == DISK_WRITE && writes_are_stable(b);
	return keep_pieces(r, s);
}

/* The next range that is not empty: 1, or 0 when there is none. */
static int next_range(struct blk *b, struct blk_request *r)
{
	while (r->range < r->n_ranges) {
		const struct virtio_blk_discard_write_zeroes *s = &r->list[r->range++];

		r->disk.len = (uint64_t)s->num_sectors * DISK_SECTOR_BYTES;
		r->disk.may_unmap = s->flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
		if (s->num_sectors > ZEROES_SECTORS_MAX ||
			!place(b, s->sector, r->disk.len, &r->disk.offset))
			return -EINVAL;
		if (r->disk.len)
			return 1;
	}
	return 0;
}

/* Discard and write zeroes carry a list of ranges. */
static int prepare_ranges(struct blk *b, uint32_t type, struct sg *s, struct blk_request *r)
{
	bool discard = type == VIRTIO_BLK_T_DISCARD;
	uint32_t allowed = discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	size_t n = s->len / sizeof(r->list[0]);

	if (!virtio_has(&b->dev, discard ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES))
		return -EOPNOTSUPP;
	if (b->disk->read_only)
		return -EROFS;
	if (s->len == 0 || s->len % sizeof(r->list[0]) || n > ZEROES_SEGMENTS_MAX)
		return -EINVAL;
	sg_pull(s, r->list, s->len);
	for (size_t i = 0; i < n; i++)
		if (r->list[i].flags & ~allowed)
			return -EOPNOTSUPP;
	r->disk.work = discard ? DISK_DISCARD : DISK_ZERO;
	r->ranges = true;
	r->n_ranges = (unsigned)n;
	r->stable = writes_are_stable(b);
	return next_range(b, r);
}

static int get_id(struct blk *b, struct virtq_chain *c, struct blk_request *r)
{
	size_t n = MIN(c->in.len, sizeof(b->serial));

	r->written = (uint32_t)n + 1;
	return sg_push(&c->in, b->serial, n) ? 0 : -EINVAL;
}

/* 1: it is the disk's to do; else it is done, or cannot be. */
static int prepare(struct blk *b, const struct virtio_blk_outhdr *h, struct virtq_chain *c,
	struct blk_request *r)
{
	int e;

	switch (h->type) {
	case VIRTIO_BLK_T_IN:
		e = prepare_transfer(b, h->sector, &c->in, DISK_READ, r);
		return e < 0 ? e : 1;
	case VIRTIO_BLK_T_OUT:
		r->written = 1;
		e = prepare_transfer(b, h->sector, &c->out, DISK_WRITE, r);
		return e < 0 ? e : 1;
	case VIRTIO_BLK_T_FLUSH:
		r->disk.work = DISK_FLUSH;
		r->written = 1;
		return 1;
	case VIRTIO_BLK_T_GET_ID:
		return get_id(b, c, r);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		r->written = 1;
		return prepare_ranges(b, h->type, &c->out, r);
	default:
		return -EOPNOTSUPP;
	}
}

static struct blk_request *take_free(struct blk_queue *bq)
{
	struct blk_request *r = bq->free;

	if (r)
		bq->free = r->next;
	else if (bq->used < bq->depth)
		r = &bq->requests[bq->used++];
	else
		return NULL;
	r->disk = (struct disk_request) { 0 };
	r->stable = r->ranges = false;
	r->range = r->n_ranges = 0;
	return r;
}

/*
 * The header comes first, the status byte is the last that can be written; how the driver cuts
 * them into buffers is its business (VERSION_1 implies any layout).
 */
static int begin(struct blk *b, struct virtq *q, struct virtq_chain *c)
{
	struct blk_queue *bq = queue_of(b, q);
	struct virtio_blk_outhdr h;
	struct blk_request *r;
	struct iovec *tail;
	int e;

	if (!sg_pull(&c->out, &h, sizeof(h)) || c->in.len < 1)
		return virtq_break(q, "a block request has no header or no status byte");
	r = take_free(bq);
	if (!r)
		return virtq_break(q, "more requests are in flight than the queue holds");
	tail = &c->in.v[c->in.n - 1];
	r->head = c->head;
	r->status = (uint8_t *)tail->iov_base + tail->iov_len - 1;
	r->written = (uint32_t)c->in.len;
	sg_chop(&c->in, 1);
	e = prepare(b, &h, c, r);
	if (e > 0)
		disk_submit(bq->channel, &r->disk);
	else
		answer(b, q, r, e);
	return 0;
}

/* One step of a request is done: true when there is another. */
static bool goes_on(struct blk *b, struct blk_request *r, int *result)
{
	int more;

	if (*result < 0) {
		blk_note_trouble(&b->trouble, &b->dev, &r->disk, *result);
		return false;
	}
	more = r->ranges ? next_range(b, r) : 0;
	if (more < 0)
		*result = more;
	if (more == 0 && r->stable) {
		r->stable = r->ranges = false;
		r->disk.work = DISK_FLUSH;
		more = 1;
	}
	return more > 0;
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
		if (goes_on(b, r, &result)) {
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
	__atomic_store_n(&b->write_back, on, __ATOMIC_RELAXED);
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
	r = disk_resize(b->disk, value, reterr);
	sectors = htole64(disk_bytes(b->disk) / DISK_SECTOR_BYTES);
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
	if (b->disk->over_vf)
		each(arg, "over", "vf");
	each(arg, "cache", b->disk->direct ? "none" : "host");
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
	disk_free(b->disk);
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
	const struct disk *d = b->disk;

	b->config = (struct virtio_blk_config) {
		.capacity = d->bytes / DISK_SECTOR_BYTES,
		.seg_max = VIRTIO_BLK_QUEUE_SIZE - 2, /* header and status take one each */
		.blk_size = d->logical_bytes,
		.physical_block_exp = (uint8_t)__builtin_ctz(d->physical_bytes / d->logical_bytes),
		.wce = 1,
		.num_queues = (uint16_t)b->dev.n_queues,
		.max_discard_sectors = ZEROES_SECTORS_MAX,
		.max_discard_seg = ZEROES_SEGMENTS_MAX,
		.discard_sector_alignment = d->physical_bytes / DISK_SECTOR_BYTES,
		.max_write_zeroes_sectors = ZEROES_SECTORS_MAX,
		.max_write_zeroes_seg = ZEROES_SEGMENTS_MAX,
		.write_zeroes_may_unmap = 1,
	};
	b->write_back = true;
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
	r = disk_channel_start(c, b->disk, b->dev.name);
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
		.features = features_of(b->disk, disk_engine_channels(e)),
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
		b->disk = disk;
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
		memcpy(b->serial, serial, strnlen(serial, sizeof(b->serial)));
	r = start(b, engine);
	if (r < 0) {
		blk_free(&b->dev);
		return r;
	}
	b->dev.bells = disk_engine_bells(engine, &b->dev.n_bells);
	*ret = &b->dev;
	return 0;
}
