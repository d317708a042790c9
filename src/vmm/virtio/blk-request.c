// SPDX-License-Identifier: GPL-2.0-or-later
#include "blk-request.h"

#include "base/checked.h"

#include <string.h>

/* Byte offset of a transfer of `len` at `sector`; false if any of it is outside. */
static bool place(const struct blk_target *t, uint64_t sector, uint64_t len, uint64_t *ret_offset)
{
	uint64_t offset;

	if (len % DISK_SECTOR_BYTES || mul_overflows(sector, DISK_SECTOR_BYTES, &offset) ||
		!disk_holds(t->disk, offset, len))
		return false;
	*ret_offset = offset;
	return true;
}

/*
 * 5.2.5.2, 5.2.6.2: without VIRTIO_BLK_F_FLUSH the driver expects each write to be stable, and with
 * VIRTIO_BLK_F_CONFIG_WCE it says so.
 */
static bool writes_are_stable(const struct blk_target *t)
{
	if (virtio_has(t->dev, VIRTIO_BLK_F_CONFIG_WCE))
		return !__atomic_load_n(&t->write_back, __ATOMIC_RELAXED);
	return !virtio_has(t->dev, VIRTIO_BLK_F_FLUSH);
}

/* The list outlives the chain that it was taken from. */
static int keep_pieces(struct blk_request *r, const struct sg *s)
{
	struct iovec *v = r->few;

	if (s->n > BLK_PIECES)
		v = r->more = reallocarray(NULL, s->n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (s->n)
		memcpy(v, s->v, s->n * sizeof(*v));
	r->disk.sg = (struct sg) { v, s->n, s->len };
	return 0;
}

/* 1, as all of these that leave something to the disk. */
static int prepare_transfer(struct blk_request *r, const struct blk_target *t, uint64_t sector,
	const struct sg *s, enum disk_work work)
{
	int e;

	if (work == DISK_WRITE && t->disk->read_only)
		return -EROFS;
	if (!place(t, sector, s->len, &r->disk.offset))
		return -EINVAL;
	r->disk.work = work;
	r->stable = work == DISK_WRITE && writes_are_stable(t);
	e = keep_pieces(r, s);
	return e < 0 ? e : 1;
}

/* The next range that is not empty: 1, or 0 when there is none. */
static int next_range(struct blk_request *r, const struct blk_target *t)
{
	while (r->range < r->n_ranges) {
		const struct virtio_blk_discard_write_zeroes *s = &r->list[r->range++];

		r->disk.len = (uint64_t)s->num_sectors * DISK_SECTOR_BYTES;
		r->disk.may_unmap = s->flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
		if (s->num_sectors > BLK_RANGE_SECTORS_MAX ||
			!place(t, s->sector, r->disk.len, &r->disk.offset))
			return -EINVAL;
		if (r->disk.len)
			return 1;
	}
	return 0;
}

/* Discard and write zeroes carry a list of ranges. */
static int prepare_ranges(
	struct blk_request *r, const struct blk_target *t, uint32_t type, struct sg *s)
{
	bool discard = type == VIRTIO_BLK_T_DISCARD;
	uint32_t allowed = discard ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	size_t n = s->len / sizeof(r->list[0]);

	if (!virtio_has(t->dev, discard ? VIRTIO_BLK_F_DISCARD : VIRTIO_BLK_F_WRITE_ZEROES))
		return -EOPNOTSUPP;
	if (t->disk->read_only)
		return -EROFS;
	if (s->len == 0 || s->len % sizeof(r->list[0]) || n > BLK_RANGES_MAX)
		return -EINVAL;
	sg_pull(s, r->list, s->len);
	for (size_t i = 0; i < n; i++)
		if (r->list[i].flags & ~allowed)
			return -EOPNOTSUPP;
	r->disk.work = discard ? DISK_DISCARD : DISK_ZERO;
	r->ranges = true;
	r->n_ranges = (unsigned)n;
	r->stable = writes_are_stable(t);
	return next_range(r, t);
}

static int give_id(struct blk_request *r, const struct blk_target *t, struct sg *in)
{
	size_t n = MIN(in->len, sizeof(t->serial));

	r->written = (uint32_t)n + 1;
	return sg_push(in, t->serial, n) ? 0 : -EINVAL;
}

static int prepare_type(struct blk_request *r, const struct blk_target *t,
	const struct virtio_blk_outhdr *h, struct virtq_chain *c)
{
	switch (h->type) {
	case VIRTIO_BLK_T_IN:
		return prepare_transfer(r, t, h->sector, &c->in, DISK_READ);
	case VIRTIO_BLK_T_OUT:
		r->written = 1;
		return prepare_transfer(r, t, h->sector, &c->out, DISK_WRITE);
	case VIRTIO_BLK_T_FLUSH:
		r->disk.work = DISK_FLUSH;
		r->written = 1;
		return 1;
	case VIRTIO_BLK_T_GET_ID:
		return give_id(r, t, &c->in);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		r->written = 1;
		return prepare_ranges(r, t, h->type, &c->out);
	default:
		return -EOPNOTSUPP;
	}
}

/* The status byte is the last that can be written (VERSION_1 implies any layout). */
int blk_request_prepare(struct blk_request *r, const struct blk_target *t,
	const struct virtio_blk_outhdr *h, struct virtq_chain *c)
{
	const struct iovec *tail = &c->in.v[c->in.n - 1];

	r->disk = (struct disk_request) { 0 };
	r->stable = r->ranges = false;
	r->range = r->n_ranges = 0;
	r->head = c->head;
	r->status = (uint8_t *)tail->iov_base + tail->iov_len - 1;
	r->written = (uint32_t)c->in.len;
	sg_chop(&c->in, 1);
	return prepare_type(r, t, h, c);
}

bool blk_request_goes_on(struct blk_request *r, const struct blk_target *t, int *result)
{
	int more;

	if (*result < 0)
		return false;
	more = r->ranges ? next_range(r, t) : 0;
	if (more < 0)
		*result = more;
	if (more == 0 && r->stable) {
		r->stable = r->ranges = false;
		r->disk.work = DISK_FLUSH;
		more = 1;
	}
	return more > 0;
}

static uint8_t status_of(int r)
{
	if (r == 0)
		return VIRTIO_BLK_S_OK;
	return r == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
}

uint32_t blk_request_answer(struct blk_request *r, int result)
{
	*r->status = status_of(result);
	return result < 0 ? 1 : r->written;
}

void blk_request_forget(struct blk_request *r)
{
	free(TAKE_PTR(r->more));
}
