// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The split virtqueue (Virtual I/O Device 1.2, 2.7). Ring fields are little-endian and so is the
 * only architecture this VMM runs on.
 *
 * The two sides synchronise through the indices alone. "Publish, then look whether the other side
 * wants to be told" needs a full barrier between the store and the load on both sides; here the
 * store is sequentially consistent, which is one.
 */
#include "ring.h"
#include "base/checked.h"

#include <linux/virtio_ring.h>

/* Where the walk through a chain is. */
struct place {
	const void *table; /* of struct vring_desc, not always aligned */
	uint32_t entries;  /* of `table` */
	bool nested;	   /* `table` is an indirect one */
};

static uint16_t *used_event(const struct virtq *q)
{
	return &q->split.avail->ring[q->size];
}

static uint16_t *avail_event(const struct virtq *q)
{
	return (uint16_t *)(void *)&q->split.used->ring[q->size];
}

static bool split_size_is_possible(uint16_t size)
{
	return is_power_of_two(size);
}

/* Alignments: 2.7, table of the three areas. */
static int split_enable(struct virtq *q)
{
	uint64_t event = q->event_idx ? sizeof(uint16_t) : 0;
	struct virtq_split *s = &q->split;

	*s = (struct virtq_split) {
		.desc = ring_area(q, q->desc, sizeof(struct vring_desc) * q->size, 16),
		.avail = ring_area(q, q->driver,
			sizeof(struct vring_avail) + sizeof(uint16_t) * q->size + event, 2),
		.used = ring_area(q, q->device,
			sizeof(struct vring_used) + sizeof(struct vring_used_elem) * q->size +
				event,
			4),
	};
	return s->desc && s->avail && s->used ? 0 : -EINVAL;
}

/* 2.7.5.3: a table of descriptors somewhere else ends the chain. */
static int enter_indirect(struct walk *w, struct place *p, const struct vring_desc *d)
{
	if (p->nested)
		return virtq_break(w->q, "an indirect table is inside another");
	if (d->flags & VRING_DESC_F_NEXT && w->q->indirect)
		return virtq_break(w->q, "a chain goes on after an indirect table");
	p->table = walk_table(w, d->addr, d->len);
	p->entries = d->len / sizeof(struct vring_desc);
	p->nested = true;
	return p->table ? 0 : -EPROTO;
}

static int follow(struct walk *w, struct place *p, uint32_t i)
{
	for (;;) {
		struct vring_desc d;
		int r;

		if (i >= p->entries)
			return virtq_break(w->q, "a descriptor's number is beyond its table");
		FETCH(&d, (const char *)p->table + i * sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			r = enter_indirect(w, p, &d);
			i = 0;
		} else {
			r = walk_add(w, d.addr, d.len, d.flags & VRING_DESC_F_WRITE);
			i = d.next;
			if (r == 0 && !(d.flags & VRING_DESC_F_NEXT))
				return 0;
		}
		if (r < 0)
			return r;
	}
}

/* How many chains wait; more than the ring holds cannot be. */
static int waiting(struct virtq *q, int order)
{
	uint16_t idx = order == __ATOMIC_SEQ_CST
			       ? __atomic_load_n(&q->split.avail->idx, __ATOMIC_SEQ_CST)
			       : __atomic_load_n(&q->split.avail->idx, __ATOMIC_ACQUIRE);
	uint16_t n = (uint16_t)(idx - q->split.next_avail);

	return n > q->size ? virtq_break(q, "the available index jumped") : n;
}

/* Never reached from here: as far ahead as a 16-bit index goes. */
static void split_disarm(struct virtq *q)
{
	struct virtq_split *s = &q->split;

	if (q->event_idx)
		__atomic_store_n(avail_event(q), (uint16_t)(s->next_avail - 1), __ATOMIC_RELAXED);
	else
		__atomic_store_n(&s->used->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
}

static int split_pop(struct virtq *q, struct iovec *iov, unsigned room, struct virtq_chain *ret)
{
	struct virtq_split *s = &q->split;
	int n = waiting(q, __ATOMIC_ACQUIRE), r;
	struct walk w = { .q = q, .iov = iov, .room = room, .chain = ret };
	struct place p = { .table = s->desc, .entries = q->size };

	if (n <= 0)
		return n;
	*ret = (struct virtq_chain) { .head = __atomic_load_n(
					      &s->avail->ring[s->next_avail & (q->size - 1)],
					      __ATOMIC_RELAXED) };
	r = follow(&w, &p, ret->head);
	if (r < 0)
		return r;
	s->next_avail++;
	/* The driver comes near the index that it was told to ring at: move that on. */
	if (q->quiet && q->event_idx && s->next_avail % 0x4000 == 0)
		split_disarm(q);
	return 1;
}

/* 2.7.7: with event indices the driver rings when it adds the entry that we name; without them a
 * flag asks it not to, and reading it is up to the driver. */
static bool split_arm(struct virtq *q)
{
	struct virtq_split *s = &q->split;

	if (waiting(q, __ATOMIC_ACQUIRE) != 0) {
		if (!q->event_idx)
			__atomic_store_n(&s->used->flags, VRING_USED_F_NO_NOTIFY, __ATOMIC_RELAXED);
		return false;
	}
	if (q->event_idx)
		__atomic_store_n(avail_event(q), s->next_avail, __ATOMIC_SEQ_CST);
	else
		__atomic_store_n(&s->used->flags, 0, __ATOMIC_SEQ_CST);
	return waiting(q, __ATOMIC_SEQ_CST) == 0;
}

static bool split_is_empty(struct virtq *q)
{
	return waiting(q, __ATOMIC_ACQUIRE) == 0;
}

/* 2.7.9: what a batch skips is not written. */
static void split_fill(struct virtq *q, const struct virtq_batch *b)
{
	struct virtq_split *s = &q->split;
	struct vring_used_elem *e = &s->used->ring[s->next_used & (q->size - 1)];

	__atomic_store_n(&e->id, b->head, __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, b->written, __ATOMIC_RELAXED);
	s->next_used = (uint16_t)(s->next_used + b->chains);
}

static void split_publish(struct virtq *q)
{
	struct virtq_split *s = &q->split;

	s->published = s->next_used;
	__atomic_store_n(&s->used->idx, s->published, __ATOMIC_SEQ_CST);
}

static bool split_wants_interrupt(struct virtq *q)
{
	struct virtq_split *s = &q->split;
	uint16_t before = s->signalled;

	if (!q->event_idx)
		return !(__atomic_load_n(&s->avail->flags, __ATOMIC_SEQ_CST) &
			 VRING_AVAIL_F_NO_INTERRUPT);
	s->signalled = s->published;
	return vring_need_event(
		__atomic_load_n(used_event(q), __ATOMIC_SEQ_CST), s->published, before);
}

const struct virtq_ops virtq_split_ops = {
	.size_is_possible = split_size_is_possible,
	.enable = split_enable,
	.pop = split_pop,
	.fill = split_fill,
	.publish = split_publish,
	.arm = split_arm,
	.disarm = split_disarm,
	.is_empty = split_is_empty,
	.wants_interrupt = split_wants_interrupt,
};
