// SPDX-License-Identifier: GPL-2.0-or-later
#include "queue.h"
#include "base/checked.h"
#include "base/counter.h"

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <string.h>

/* The owner alone writes; others may read meanwhile. */
static void add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

static void count(uint64_t *counter, uint64_t n)
{
	COUNTED(add(counter, n));
}

void virtq_init(struct virtq *q, const struct guest_memory *m, unsigned index, uint16_t size_max)
{
	*q = (struct virtq) { .ops = &virtq_split_ops,
		.memory = m,
		.index = index,
		.size_max = size_max,
		.pollable = true };
	pthread_mutex_init(&q->lock, NULL);
	virtq_reset(q);
}

void virtq_done(struct virtq *q)
{
	pthread_mutex_destroy(&q->lock);
}

void virtq_reset(struct virtq *q)
{
	q->size = q->size_max;
	q->desc = q->driver = q->device = GPA(0);
	q->vector = VIRTIO_MSI_NO_VECTOR;
	q->enabled = q->event_idx = q->indirect = q->in_order = false;
	q->broken = NULL;
	q->quiet = q->filled = q->shown = false;
	q->in_flight = q->oldest = 0;
	q->undecided = 0;
	q->batch.chains = 0;
	memset(q->slots, 0, sizeof(q->slots));
}

int virtq_break(struct virtq *q, const char *why)
{
	q->broken = why;
	return -EPROTO;
}

int virtq_enable(struct virtq *q, uint64_t features)
{
	if (q->enabled)
		return 0;
	q->enabled = true;
	q->ops = features & (1ULL << VIRTIO_F_RING_PACKED) ? &virtq_packed_ops : &virtq_split_ops;
	q->event_idx = features & (1ULL << VIRTIO_RING_F_EVENT_IDX);
	q->indirect = features & (1ULL << VIRTIO_RING_F_INDIRECT_DESC);
	q->in_order = features & (1ULL << VIRTIO_F_IN_ORDER);
	if (q->size > q->size_max || !q->ops->size_is_possible(q->size)) {
		virtq_break(q, "the queue size is impossible");
		return -EINVAL;
	}
	if (q->ops->enable(q) < 0) {
		virtq_break(q, "the rings are not in RAM or not aligned");
		return -EINVAL;
	}
	return 0;
}

/* Remembers a chain that was taken. A driver that offers one twice would get it back twice. */
static int enter(struct virtq *q, const struct virtq_chain *c, unsigned entries)
{
	struct virtq_slot *slot = &q->slots[c->head];

	if (slot->entries)
		return virtq_break(q, "a chain is offered again before it was given back");
	*slot = (struct virtq_slot) {
		.entries = (uint16_t)entries,
		.room = (uint32_t)MIN(c->in.len, UINT32_MAX),
	};
	q->order[(q->oldest + q->in_flight++) % VIRTQ_SIZE_MAX] = c->head;
	return 1;
}

int virtq_pop(struct virtq *q, struct iovec *iov, unsigned room, struct virtq_chain *ret)
{
	int r;

	if (!virtq_is_live(q))
		return 0;
	r = q->ops->pop(q, iov, MIN(room, q->size), ret);
	if (r <= 0)
		return r;
	r = enter(q, ret, (unsigned)r);
	if (r > 0) {
		count(&q->stats.bytes_out, ret->out.len);
		count(&q->taken, 1);
	}
	return r;
}

bool virtq_arm(struct virtq *q)
{
	if (!virtq_is_live(q))
		return true;
	if (q->polled) {
		if (!q->quiet)
			virtq_disarm(q);
		return q->ops->is_empty(q);
	}
	q->quiet = false;
	return q->ops->arm(q);
}

void virtq_disarm(struct virtq *q)
{
	q->quiet = true;
	if (virtq_is_live(q))
		q->ops->disarm(q);
}

static void end_batch(struct virtq *q)
{
	if (q->batch.chains)
		q->ops->fill(q, &q->batch);
	q->batch.chains = q->batch.entries = 0;
}

static void give_back(struct virtq *q, uint16_t head, uint32_t written)
{
	struct virtq_slot *slot = &q->slots[head];

	q->in_flight--;
	q->batch.chains++;
	q->batch.entries += slot->entries;
	q->batch.head = head;
	q->batch.written = written;
	if (!q->in_order || q->singly || written != slot->room)
		end_batch(q);
	slot->entries = 0;
	q->filled = true;
	q->undecided++;
	add(&q->stats.requests, 1); /* who serves asks for it, too */
	count(&q->stats.bytes_in, written);
}

/* All that is complete without a gap. */
static void give_back_in_order(struct virtq *q)
{
	while (q->in_flight) {
		uint16_t head = q->order[q->oldest];

		if (!q->slots[head].done)
			return;
		q->oldest = (q->oldest + 1) % VIRTQ_SIZE_MAX;
		give_back(q, head, q->slots[head].written);
	}
}

void virtq_fill(struct virtq *q, uint16_t head, uint32_t written)
{
	if (!virtq_is_live(q) || head >= q->size || !q->slots[head].entries)
		return;
	if (!q->in_order) {
		give_back(q, head, written);
		return;
	}
	q->slots[head].done = true;
	q->slots[head].written = written;
	give_back_in_order(q);
}

void virtq_publish(struct virtq *q)
{
	if (!virtq_is_live(q) || !q->filled)
		return;
	end_batch(q);
	q->ops->publish(q);
	q->filled = false;
	q->shown = true;
}

void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
	virtq_fill(q, c->head, written);
	virtq_publish(q);
}

bool virtq_wants_interrupt(struct virtq *q)
{
	if (!virtq_is_live(q) || !q->shown)
		return false;
	q->shown = false;
	if (q->ops->wants_interrupt(q))
		return true;
	virtq_count_kept(q);
	return false;
}

void virtq_count_injection(struct virtq *q)
{
	count(&q->stats.injections, 1);
	count(&q->stats.injections_merged, q->undecided ? q->undecided - 1 : 0);
	q->undecided = 0;
}

void virtq_count_kept(struct virtq *q)
{
	count(&q->stats.injections_kept, q->undecided);
	q->undecided = 0;
}

void virtq_count_syscalls(struct virtq *q, uint64_t n)
{
	count(&q->stats.host_syscalls, n);
}

void virtq_count_doorbells(struct virtq *q, uint64_t times, bool woken)
{
	if (times)
		COUNTED(__atomic_fetch_add(&q->stats.doorbells, times, __ATOMIC_RELAXED));
	if (woken)
		COUNTED(__atomic_fetch_add(&q->stats.wakeups, 1, __ATOMIC_RELAXED));
}

struct virtq_stats virtq_stats_get(const struct virtq *q)
{
	struct virtq_stats s;
	uint64_t taken;

#define QUEUE_COUNTER(field, name, unit, what)                                                     \
	s.field = __atomic_load_n(&q->stats.field, __ATOMIC_RELAXED);
#include "base/counter.def"
	taken = __atomic_load_n(&q->taken, __ATOMIC_RELAXED);
	s.doorbells_suppressed = taken - MIN(taken, s.doorbells);
	return s;
}
