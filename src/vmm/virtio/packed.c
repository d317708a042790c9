// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packed virtqueue (Virtual I/O Device 1.2, 2.8): one ring of descriptors that both sides
 * write. A descriptor says by two bits whose it is, seen against a counter that flips each time
 * round: the driver makes them differ, the device makes them equal. What is given back goes where
 * the oldest entry is, whatever it answers, and is followed by a gap of as many entries as its
 * chain had.
 *
 * The two sides synchronise through the flags of the first descriptor alone, of a chain as of a
 * batch of used ones. As in the split ring, "show, then look whether the other side wants to be
 * told" needs a full barrier, which a sequentially consistent store is.
 */
#include "ring.h"
#include "base/attr.h"

#include <linux/virtio_ring.h>

enum {
	AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	USED = 1 << VRING_PACKED_DESC_F_USED,
	WRAP = 1 << VRING_PACKED_EVENT_F_WRAP_CTR,
};

/* An event suppression structure (2.8.14) as one word, which is how it is read and written. */
static uint32_t event(uint16_t flags, uint16_t at, bool wrap)
{
	return (uint32_t)flags << 16 | at | (wrap ? (uint32_t)WRAP : 0);
}

static bool packed_size_is_possible(uint16_t size)
{
	return size > 0;
}

/* Alignments: 2.8.10.1. */
static int packed_enable(struct virtq *q)
{
	struct virtq_packed *p = &q->packed;

	*p = (struct virtq_packed) {
		.desc = ring_area(q, q->desc, sizeof(*p->desc) * q->size, 16),
		.driver_event = ring_area(q, q->driver, sizeof(*p->driver_event), 4),
		.device_event = ring_area(q, q->device, sizeof(*p->device_event), 4),
		.avail_wrap = true,
		.used_wrap = true,
	};
	if (!p->desc || !p->driver_event || !p->device_event)
		return -EINVAL;
	p->asked = __atomic_load_n(p->device_event, __ATOMIC_RELAXED);
	return 0;
}

static void step(const struct virtq *q, uint16_t *at, bool *wrap, unsigned n)
{
	unsigned to = *at + n;

	if (to >= q->size) {
		to -= q->size;
		*wrap = !*wrap;
	}
	*at = (uint16_t)to;
}

static bool is_waiting(const struct virtq *q, int order)
{
	const struct virtq_packed *p = &q->packed;
	const uint16_t *at = &p->desc[p->next_avail].flags;
	uint16_t flags = order == __ATOMIC_SEQ_CST ? __atomic_load_n(at, __ATOMIC_SEQ_CST)
						   : __atomic_load_n(at, __ATOMIC_ACQUIRE);

	return !!(flags & AVAIL) == p->avail_wrap && !!(flags & USED) != p->avail_wrap;
}

/* 2.8.7: all entries of a table are of the chain, and only WRITE means something in them. */
static int follow_table(struct walk *w, const struct vring_packed_desc *d)
{
	const char *table = walk_table(w, d->addr, d->len);
	unsigned n = d->len / sizeof(*d);
	int r = table ? 0 : -EPROTO;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		struct vring_packed_desc e;

		FETCH(&e, table + i * sizeof(e));
		r = walk_add(w, e.addr, e.len, e.flags & VRING_DESC_F_WRITE);
	}
	return r;
}

/*
 * The chain from next_avail on: how many entries it has, its id in *id. It is the last descriptor's
 * (2.8.6), and what names the chain until it is given back.
 */
static int follow(struct walk *w, uint16_t *id)
{
	const struct virtq_packed *p = &w->q->packed;
	uint16_t at = p->next_avail;
	bool wrap = p->avail_wrap;
	struct vring_packed_desc d;
	int n = 0, r;

	do {
		if (p->taken + (unsigned)n >= w->q->size)
			return virtq_break(w->q, "a chain is longer than the queue, or loops");
		FETCH(&d, &p->desc[at]);
		n++;
		step(w->q, &at, &wrap, 1);
		if (!(d.flags & VRING_DESC_F_INDIRECT))
			r = walk_add(w, d.addr, d.len, d.flags & VRING_DESC_F_WRITE);
		else if (n > 1 || d.flags & VRING_DESC_F_NEXT)
			r = virtq_break(w->q, "an indirect table is not all of its chain");
		else
			r = follow_table(w, &d);
		if (r < 0)
			return r;
	} while (d.flags & VRING_DESC_F_NEXT);
	*id = d.id;
	return n;
}

static int packed_pop(struct virtq *q, struct iovec *iov, unsigned room, struct virtq_chain *ret)
{
	struct virtq_packed *p = &q->packed;
	struct walk w = { .q = q, .iov = iov, .room = room, .chain = ret };
	int n;

	if (p->taken >= q->size || !is_waiting(q, __ATOMIC_ACQUIRE))
		return 0;
	*ret = (struct virtq_chain) { 0 };
	n = follow(&w, &ret->head);
	if (n < 0)
		return n;
	if (ret->head >= q->size)
		return virtq_break(q, "a buffer's id is beyond the queue's size");
	step(q, &p->next_avail, &p->avail_wrap, (unsigned)n);
	p->taken += (unsigned)n;
	return n;
}

static void ask(struct virtq *q, uint32_t what, int order)
{
	struct virtq_packed *p = &q->packed;

	p->asked = what;
	if (order == __ATOMIC_SEQ_CST)
		__atomic_store_n(p->device_event, what, __ATOMIC_SEQ_CST);
	else
		__atomic_store_n(p->device_event, what, __ATOMIC_RELAXED);
}

static void packed_disarm(struct virtq *q)
{
	uint32_t off = event(VRING_PACKED_EVENT_FLAG_DISABLE, 0, false);

	if (q->packed.asked != off)
		ask(q, off, __ATOMIC_RELAXED);
}

/* A full ring's next entry is in flight: whatever a driver makes it look like, it is nothing new.
 */
static bool packed_arm(struct virtq *q)
{
	struct virtq_packed *p = &q->packed;
	bool full = p->taken >= q->size;

	if (!full && is_waiting(q, __ATOMIC_ACQUIRE)) {
		packed_disarm(q);
		return false;
	}
	ask(q,
		q->event_idx ? event(VRING_PACKED_EVENT_FLAG_DESC, p->next_avail, p->avail_wrap)
			     : event(VRING_PACKED_EVENT_FLAG_ENABLE, 0, false),
		__ATOMIC_SEQ_CST);
	return full || !is_waiting(q, __ATOMIC_SEQ_CST);
}

static bool packed_is_empty(struct virtq *q)
{
	return q->packed.taken >= q->size || !is_waiting(q, __ATOMIC_ACQUIRE);
}

/*
 * 2.8.4: WRITE says that the length means something. 2.8.9: what a batch skips stays as the driver
 * left it.
 */
static void packed_fill(struct virtq *q, const struct virtq_batch *b)
{
	struct virtq_packed *p = &q->packed;
	struct vring_packed_desc *d = &p->desc[p->next_used];
	uint16_t flags = (uint16_t)((p->used_wrap ? AVAIL | USED : 0) |
				    (b->written ? VRING_DESC_F_WRITE : 0));

	__atomic_store_n(&d->id, b->head, __ATOMIC_RELAXED);
	__atomic_store_n(&d->len, b->written, __ATOMIC_RELAXED);
	if (p->unshown) {
		__atomic_store_n(&d->flags, flags, __ATOMIC_RELEASE);
	} else {
		p->first = p->next_used;
		p->first_flags = flags;
	}
	p->unshown += b->entries;
	p->taken -= b->entries;
	step(q, &p->next_used, &p->used_wrap, b->entries);
}

static void packed_publish(struct virtq *q)
{
	struct virtq_packed *p = &q->packed;

	__atomic_store_n(&p->desc[p->first].flags, p->first_flags, __ATOMIC_SEQ_CST);
	p->unsignalled += p->unshown;
	p->unshown = 0;
}

/* 2.8.10: how far back, of the entries shown since the last question, the one is that was named. */
static bool has_passed(const struct virtq *q, uint32_t wanted, unsigned shown)
{
	const struct virtq_packed *p = &q->packed;
	unsigned size = q->size, round = 2 * size, named = wanted & (WRAP - 1);
	unsigned now = p->next_used + (p->used_wrap ? 0 : size);

	if (named >= size) /* no such entry: rather once too often than never */
		return true;
	named += wanted & WRAP ? 0 : size;
	return (now + round - named - 1) % round < shown;
}

static bool packed_wants_interrupt(struct virtq *q)
{
	uint32_t wanted = __atomic_load_n(q->packed.driver_event, __ATOMIC_SEQ_CST);
	unsigned shown = q->packed.unsignalled;

	q->packed.unsignalled = 0;
	switch (wanted >> 16 & 3) {
	case VRING_PACKED_EVENT_FLAG_DISABLE:
		return false;
	case VRING_PACKED_EVENT_FLAG_DESC:
		return !q->event_idx || has_passed(q, wanted, shown);
	default:
		return true;
	}
}

const struct virtq_ops virtq_packed_ops = {
	.size_is_possible = packed_size_is_possible,
	.enable = packed_enable,
	.pop = packed_pop,
	.fill = packed_fill,
	.publish = packed_publish,
	.arm = packed_arm,
	.disarm = packed_disarm,
	.is_empty = packed_is_empty,
	.wants_interrupt = packed_wants_interrupt,
};
