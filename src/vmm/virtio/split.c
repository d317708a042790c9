// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The split virtqueue (Virtual I/O Device 1.2, 2.7). Ring fields are little-endian and so is the
 * only architecture this VMM runs on.
 *
 * The two sides synchronise through the indices alone. "Publish, then look whether the other side
 * wants to be told" needs a full barrier between the store and the load on both sides; here the
 * store is sequentially consistent, which is one.
 */
#include "queue.h"
#include "base/attr.h"

#include <linux/virtio_ring.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ring fields are used as they are");

/* A chain on its way from the descriptor table to iovecs. */
struct walk {
	struct virtq *q;
	const void *table; /* of struct vring_desc, not always aligned */
	uint32_t entries;  /* of `table` */
	bool nested;	   /* `table` is an indirect one */
	struct iovec *iov;
	unsigned room;
	struct virtq_chain *chain;
};

static uint16_t *used_event(const struct virtq *q)
{
	return &q->split.avail->ring[q->size];
}

static uint16_t *avail_event(const struct virtq *q)
{
	return (uint16_t *)(void *)&q->split.used->ring[q->size];
}

/* Alignments: 2.7, table of the three areas. Guest RAM is mapped page on page, so host pointers are
 * aligned as guest addresses are. */
static void *area(const struct virtq *q, struct gpa at, uint64_t len, uint64_t align)
{
	return at.v & (align - 1) ? NULL : guest_memory_at(q->memory, at, len);
}

static int split_enable(struct virtq *q)
{
	uint64_t event = q->event_idx ? sizeof(uint16_t) : 0;
	struct virtq_split *s = &q->split;

	*s = (struct virtq_split) {
		.desc = area(q, q->desc, sizeof(struct vring_desc) * q->size, 16),
		.avail = area(q, q->driver,
			sizeof(struct vring_avail) + sizeof(uint16_t) * q->size + event, 2),
		.used = area(q, q->device,
			sizeof(struct vring_used) + sizeof(struct vring_used_elem) * q->size +
				event,
			4),
	};
	return s->desc && s->avail && s->used ? 0 : -EINVAL;
}

/* The one read of a descriptor; the barrier keeps the compiler from reading it again later. */
static struct vring_desc fetch(const void *d)
{
	struct vring_desc copy;

	memcpy(&copy, d, sizeof(copy));
	__asm__ volatile("" ::: "memory");
	return copy;
}

static int add_piece(struct walk *w, const struct vring_desc *d)
{
	struct virtq_chain *c = w->chain;
	bool writable = d->flags & VRING_DESC_F_WRITE;
	struct sg *s = writable ? &c->in : &c->out;
	void *host;

	if (c->out.n + c->in.n >= w->room)
		return virtq_break(w->q, "a chain is longer than the queue, or loops");
	if (!writable && c->in.n)
		return virtq_break(w->q, "a readable buffer follows a writable one");
	if (d->len == 0)
		return virtq_break(w->q, "a buffer is empty");
	host = guest_memory_at(w->q->memory, GPA(d->addr), d->len);
	if (!host)
		return virtq_break(w->q, "a buffer is not in RAM");
	if (!s->n)
		s->v = &w->iov[c->out.n];
	sg_add(s, host, d->len);
	/* 2.7.5.3.1 keeps chains below 2^32 bytes: the used length must be able to tell. */
	if (c->out.len + c->in.len > UINT32_MAX)
		return virtq_break(w->q, "a chain is longer than 4 GiB");
	return 0;
}

/* 2.7.5.3: a table of descriptors somewhere else ends the chain. */
static int enter_indirect(struct walk *w, const struct vring_desc *d)
{
	if (!w->q->indirect)
		return virtq_break(w->q, "an indirect table was not negotiated");
	if (w->nested)
		return virtq_break(w->q, "an indirect table is inside another");
	if (d->flags & VRING_DESC_F_NEXT)
		return virtq_break(w->q, "a chain goes on after an indirect table");
	if (d->len == 0 || d->len % sizeof(struct vring_desc))
		return virtq_break(w->q, "an indirect table has an impossible length");
	w->table = guest_memory_at(w->q->memory, GPA(d->addr), d->len);
	if (!w->table)
		return virtq_break(w->q, "an indirect table is not in RAM");
	w->entries = d->len / sizeof(struct vring_desc);
	w->nested = true;
	return 0;
}

static int follow(struct walk *w, uint32_t i)
{
	for (;;) {
		struct vring_desc d;
		int r;

		if (i >= w->entries)
			return virtq_break(w->q, "a descriptor's number is beyond its table");
		d = fetch((const char *)w->table + i * sizeof(d));
		if (d.flags & VRING_DESC_F_INDIRECT) {
			r = enter_indirect(w, &d);
			i = 0;
		} else {
			r = add_piece(w, &d);
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

static int split_pop(struct virtq *q, struct iovec *iov, unsigned room, struct virtq_chain *ret)
{
	struct virtq_split *s = &q->split;
	int n = waiting(q, __ATOMIC_ACQUIRE), r;
	struct walk w = {
		.q = q, .table = s->desc, .entries = q->size, .iov = iov, .room = room, .chain = ret
	};

	if (n <= 0)
		return n;
	*ret = (struct virtq_chain) { .head = __atomic_load_n(
					      &s->avail->ring[s->next_avail & (q->size - 1)],
					      __ATOMIC_RELAXED) };
	r = follow(&w, ret->head);
	if (r < 0)
		return r;
	/* Only a driver that offers one buffer twice can get here with more than all of them. */
	if (q->in_flight >= q->size)
		return virtq_break(q, "more chains are in flight than the queue holds");
	s->next_avail++;
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

static void split_fill(struct virtq *q, uint16_t head, uint32_t written)
{
	struct virtq_split *s = &q->split;
	struct vring_used_elem *e = &s->used->ring[s->next_used++ & (q->size - 1)];

	__atomic_store_n(&e->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, written, __ATOMIC_RELAXED);
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
	.enable = split_enable,
	.pop = split_pop,
	.fill = split_fill,
	.publish = split_publish,
	.arm = split_arm,
	.wants_interrupt = split_wants_interrupt,
};
