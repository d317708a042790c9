// SPDX-License-Identifier: GPL-2.0-or-later
#include "blk.h"
#include "base/checked.h"
#include "vmm/block/disk.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <string.h>

enum {
	QUEUE_SIZE = 256,
	ZEROES_SEGMENTS_MAX = 16,
	ZEROES_SECTORS_MAX = 1 << 22, /* 2 GiB in one segment */
};

struct blk {
	struct virtio_device dev;
	struct disk *disk;
	struct virtio_blk_config config;
	char serial[VIRTIO_BLK_SERIAL_BYTES];
	struct iovec iov[VIRTQ_SIZE_MAX];
	uint64_t failed; /* atomic: requests that ended in IOERR or UNSUPP */
};

static struct blk *blk_of(struct virtio_device *d)
{
	return container_of(d, struct blk, dev);
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

/* 5.2.6.2: without VIRTIO_BLK_F_FLUSH the driver expects each write to be stable. */
static int make_stable(struct blk *b, int r)
{
	if (r == 0 && !virtio_has(&b->dev, VIRTIO_BLK_F_FLUSH))
		r = b->disk->ops->flush(b->disk);
	return r;
}

static int do_read(struct blk *b, uint64_t sector, struct virtq_chain *c)
{
	uint64_t offset;

	if (!place(b, sector, c->in.len, &offset))
		return -EINVAL;
	return b->disk->ops->read(b->disk, &c->in, offset);
}

static int do_write(struct blk *b, uint64_t sector, struct virtq_chain *c)
{
	uint64_t offset;

	if (b->disk->read_only)
		return -EROFS;
	if (!place(b, sector, c->out.len, &offset))
		return -EINVAL;
	return make_stable(b, b->disk->ops->write(b->disk, &c->out, offset));
}

static int one_segment(
	struct blk *b, uint32_t type, const struct virtio_blk_discard_write_zeroes *s)
{
	uint64_t len = (uint64_t)s->num_sectors * DISK_SECTOR_BYTES, offset;
	uint32_t allowed =
		type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;

	if (s->flags & ~allowed)
		return -EOPNOTSUPP;
	if (s->num_sectors > ZEROES_SECTORS_MAX || !place(b, s->sector, len, &offset))
		return -EINVAL;
	if (len == 0)
		return 0;
	if (type == VIRTIO_BLK_T_DISCARD)
		return b->disk->ops->discard(b->disk, offset, len);
	return b->disk->ops->zero(
		b->disk, offset, len, s->flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
}

/* Discard and write zeroes carry a list of ranges. */
static int do_ranges(struct blk *b, uint32_t type, struct virtq_chain *c)
{
	unsigned feature =
		type == VIRTIO_BLK_T_DISCARD ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES;
	struct virtio_blk_discard_write_zeroes s;
	int r = 0;

	if (!virtio_has(&b->dev, feature))
		return -EOPNOTSUPP;
	if (b->disk->read_only)
		return -EROFS;
	if (c->out.len == 0 || c->out.len % sizeof(s) ||
		c->out.len / sizeof(s) > ZEROES_SEGMENTS_MAX)
		return -EINVAL;
	while (r == 0 && sg_pull(&c->out, &s, sizeof(s)))
		r = one_segment(b, type, &s);
	return make_stable(b, r);
}

static int do_get_id(struct blk *b, struct virtq_chain *c)
{
	return sg_push(&c->in, b->serial, MIN(c->in.len, sizeof(b->serial))) ? 0 : -EINVAL;
}

static int execute(struct blk *b, const struct virtio_blk_outhdr *h, struct virtq_chain *c)
{
	switch (h->type) {
	case VIRTIO_BLK_T_IN:
		return do_read(b, h->sector, c);
	case VIRTIO_BLK_T_OUT:
		return do_write(b, h->sector, c);
	case VIRTIO_BLK_T_FLUSH:
		return b->disk->ops->flush(b->disk);
	case VIRTIO_BLK_T_GET_ID:
		return do_get_id(b, c);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return do_ranges(b, h->type, c);
	default:
		return -EOPNOTSUPP;
	}
}

/*
 * The header comes first, the status byte is the last that can be written; how the driver cuts
 * them into buffers is its business (VERSION_1 implies any layout).
 */
static int serve(struct blk *b, struct virtq *q, struct virtq_chain *c)
{
	struct virtio_blk_outhdr h;
	struct iovec *tail;
	uint8_t *status;
	uint32_t written;
	int r;

	if (!sg_pull(&c->out, &h, sizeof(h)) || c->in.len < 1)
		return virtq_break(q, "a block request has no header or no status byte");
	tail = &c->in.v[c->in.n - 1];
	status = (uint8_t *)tail->iov_base + tail->iov_len - 1;
	written = (uint32_t)c->in.len;
	sg_chop(&c->in, 1);
	r = execute(b, &h, c);
	if (r < 0)
		__atomic_fetch_add(&b->failed, 1, __ATOMIC_RELAXED);
	*status = status_of(r);
	virtq_push(q, c, r < 0 ? 1 : written - (uint32_t)c->in.len);
	virtio_device_interrupt(&b->dev, q);
	return 0;
}

/*
 * Kicks are asked for before the last known request is served, not after: at queue depth 1 each
 * request then costs one doorbell and one wake-up, whatever the driver's timing.
 */
static bool blk_kicked(struct virtio_device *d, struct virtq *q)
{
	struct blk *b = blk_of(d);
	struct virtq_chain c;
	bool last = false;

	while (!last) {
		int r = virtq_pop(q, b->iov, ARRAY_SIZE(b->iov), &c);

		last = r < 0 || virtq_arm(q);
		if (r > 0 && serve(b, q, &c) < 0)
			break;
	}
	return false;
}

static void blk_stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	each(arg, "failed-requests", __atomic_load_n(&blk_of(d)->failed, __ATOMIC_RELAXED));
}

static void blk_free(struct virtio_device *d)
{
	struct blk *b = blk_of(d);

	virtio_device_done(d);
	disk_free(b->disk);
	free(b);
}

static const struct virtio_device_ops blk_ops = {
	.kicked = blk_kicked,
	.free = blk_free,
	.stats = blk_stats,
};

static void describe(struct blk *b)
{
	const struct disk *d = b->disk;

	b->config = (struct virtio_blk_config) {
		.capacity = d->bytes / DISK_SECTOR_BYTES,
		.seg_max = QUEUE_SIZE - 2, /* header and status take one each */
		.blk_size = d->logical_bytes,
		.physical_block_exp = (uint8_t)__builtin_ctz(d->physical_bytes / d->logical_bytes),
		.num_queues = 1,
		.max_discard_sectors = ZEROES_SECTORS_MAX,
		.max_discard_seg = ZEROES_SEGMENTS_MAX,
		.discard_sector_alignment = d->physical_bytes / DISK_SECTOR_BYTES,
		.max_write_zeroes_sectors = ZEROES_SECTORS_MAX,
		.max_write_zeroes_seg = ZEROES_SEGMENTS_MAX,
		.write_zeroes_may_unmap = 1,
	};
}

static uint64_t features_of(const struct disk *d)
{
	uint64_t f = VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
		     VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH);

	if (d->read_only)
		return f | VIRTIO_FEATURE(VIRTIO_BLK_F_RO);
	return f | VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) | VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
}

int virtio_blk_device_new(const struct guest_memory *m, const char *name, struct disk *disk,
	const char *serial, struct virtio_device **ret)
{
	struct blk *b = calloc(1, sizeof(*b));
	struct virtio_device_params params = {
		.ops = &blk_ops,
		.name = name,
		.id = VIRTIO_ID_BLOCK,
		.features = features_of(disk),
		.n_queues = 1,
		.queue_size = QUEUE_SIZE,
		.config = b ? &b->config : NULL,
		.config_bytes = sizeof(b->config),
	};
	int r = b ? virtio_device_init(&b->dev, m, &params) : -ENOMEM;

	if (r < 0) {
		free(b);
		disk_free(disk);
		return r;
	}
	b->disk = disk;
	describe(b);
	if (serial)
		memcpy(b->serial, serial, strnlen(serial, sizeof(b->serial)));
	*ret = &b->dev;
	return 0;
}
