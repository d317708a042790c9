// SPDX-License-Identifier: GPL-2.0-or-later
#include "bounce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 64 << 10 }; /* of each request in flight: the guest decides how many */

enum step {
	STEP_GET,  /* reads, for the guest */
	STEP_WAIT, /* reads, for want of anything better: somebody else writes in part */
	STEP_FILL, /* reads what is around the guest's part */
	STEP_PUT,  /* writes */
};

struct disk_bounce {
	enum step step;
	bool alone; /* disk.partial is this request's */
	size_t room;
	uint64_t start;	     /* of the blocks … */
	size_t whole, moved; /* … how long they are, and how much of that is done */
	size_t head, len;    /* the guest's part of them */
	char *buf;
};

static size_t left_of(const struct disk_request *r)
{
	return r->work == DISK_ZERO ? (size_t)r->len : r->sg.len;
}

static bool take(struct disk *d)
{
	return !__atomic_exchange_n(&d->partial, true, __ATOMIC_ACQUIRE);
}

static void give_back(struct disk *d, struct disk_bounce *b)
{
	if (b->alone)
		__atomic_store_n(&d->partial, false, __ATOMIC_RELEASE);
	b->alone = false;
}

/* What the guest writes, into its place. */
static void pull(struct disk_request *r, struct disk_bounce *b)
{
	if (r->work == DISK_ZERO)
		memset(b->buf + b->head, 0, b->len);
	else
		sg_pull(&r->sg, b->buf + b->head, b->len);
	b->step = STEP_PUT;
}

static void wait_or_fill(struct disk *d, struct disk_bounce *b)
{
	b->alone = take(d);
	b->step = b->alone ? STEP_FILL : STEP_WAIT;
}

static void aim(struct disk *d, struct disk_request *r)
{
	struct disk_bounce *b = r->bounce;

	b->start = align_down(r->offset, d->direct_bytes);
	b->head = (size_t)(r->offset - b->start);
	b->len = MIN(left_of(r), b->room - b->head);
	b->whole = (size_t)align_up(b->head + b->len, d->direct_bytes);
	if (r->work == DISK_READ)
		b->step = STEP_GET;
	else if (b->whole == b->len)
		pull(r, b);
	else
		wait_or_fill(d, b);
}

int disk_bounce_begin(struct disk *d, struct disk_request *r)
{
	const uint32_t unit = d->direct_bytes;
	const uint64_t all = align_up(r->offset % unit + left_of(r), unit);
	struct disk_bounce *b = calloc(1, sizeof(*b));
	const uint64_t most = MAX(unit, (uint32_t)PIECE_BYTES);
	size_t align = MAX(unit, d->direct_memory);

	if (!b)
		return -ENOMEM;
	b->room = (size_t)MIN(all, most);
	if (posix_memalign((void **)&b->buf, MAX(align, sizeof(void *)), b->room)) {
		free(b);
		return -ENOMEM;
	}
	r->bounce = b;
	aim(d, r);
	return 0;
}

struct disk_bounce_io disk_bounce_next(const struct disk_request *r)
{
	const struct disk_bounce *b = r->bounce;

	return (struct disk_bounce_io) { b->step == STEP_PUT, b->buf + b->moved,
		b->whole - b->moved, b->start + b->moved };
}

/* The piece is done: true when it was the last. */
static bool go_on(struct disk *d, struct disk_request *r)
{
	struct disk_bounce *b = r->bounce;

	give_back(d, b);
	r->offset += b->len;
	if (r->work == DISK_ZERO)
		r->len -= b->len;
	if (!left_of(r))
		return true;
	aim(d, r);
	return false;
}

bool disk_bounce_did(struct disk *d, struct disk_request *r, int res)
{
	struct disk_bounce *b = r->bounce;

	if (res <= 0) {
		r->result = res < 0 ? res : -EIO; /* somebody cut the file */
		return true;
	}
	b->moved += (size_t)res;
	if (b->moved < b->whole)
		return false;
	b->moved = 0;
	switch (b->step) {
	case STEP_GET:
		sg_push(&r->sg, b->buf + b->head, b->len);
		return go_on(d, r);
	case STEP_WAIT:
		wait_or_fill(d, b);
		return false;
	case STEP_FILL:
		pull(r, b);
		return false;
	case STEP_PUT:
		break;
	}
	return go_on(d, r);
}

void disk_bounce_end(struct disk *d, struct disk_request *r)
{
	struct disk_bounce *b = r->bounce;

	if (!b)
		return;
	r->bounce = NULL;
	give_back(d, b);
	free(b->buf);
	free(b);
}
