/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio driver for split rings, as simple as can be, that plays the guest in tests: it lays out
 * a queue in guest memory, offers chains, and can be told to break every rule.
 */
#pragma once

#include "base/attr.h"
#include "host/host.h"
#include "vmm/memory/guest_memory.h"

#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
	DRV_RAM_BYTES = 4 << 20,
	DRV_DESC = 0x10000,
	DRV_AVAIL = 0x40000,
	DRV_USED = 0x70000,
	DRV_INDIRECT = 0xa0000,
	DRV_BUFFERS = 0x100000,
	DRV_QUEUE_STRIDE = 0x4000, /* between the rings of queue n and n+1 */
};

struct drv_ram {
	struct host *host;
	struct guest_memory *memory;
};

struct drv {
	struct guest_memory *memory;
	uint16_t size;
	bool event_idx;
	uint64_t desc_at, avail_at, used_at;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t avail_idx; /* what the driver will publish */
	uint16_t used_seen;
	uint16_t free_head; /* next descriptor to hand out, round robin */
	uint64_t rings;	    /* doorbells a driver that obeys would have rung */
};

static inline void drv_ram_open(struct drv_ram *r)
{
	struct guest_memory_params p = { .size = DRV_RAM_BYTES };

	if (host_new_fds_only(&r->host) < 0 || guest_memory_new(r->host, &p, &r->memory, NULL) < 0)
		abort();
}

static inline void drv_ram_close(struct drv_ram *r)
{
	guest_memory_free(r->memory);
	host_free(r->host);
}

static inline void *drv_ptr(const struct guest_memory *m, uint64_t at)
{
	return guest_memory_at(m, GPA(at), 1);
}

static inline void drv_init(
	struct drv *d, struct guest_memory *m, unsigned queue, uint16_t size, bool event_idx)
{
	*d = (struct drv) { .memory = m, .size = size, .event_idx = event_idx };
	d->desc_at = DRV_DESC + queue * DRV_QUEUE_STRIDE;
	d->avail_at = DRV_AVAIL + queue * DRV_QUEUE_STRIDE;
	d->used_at = DRV_USED + queue * DRV_QUEUE_STRIDE;
	d->desc = drv_ptr(m, d->desc_at);
	d->avail = drv_ptr(m, d->avail_at);
	d->used = drv_ptr(m, d->used_at);
	memset(d->desc, 0, 16U * size);
	memset(d->avail, 0, 6 + 2U * size);
	memset(d->used, 0, 6 + 8U * size);
}

static inline uint16_t *drv_used_event(struct drv *d)
{
	return &d->avail->ring[d->size];
}

static inline uint16_t drv_avail_event(const struct drv *d)
{
	return __atomic_load_n((uint16_t *)(void *)&d->used->ring[d->size], __ATOMIC_SEQ_CST);
}

struct drv_piece {
	uint64_t at;
	uint32_t len;
	bool write;
};

static inline struct vring_desc drv_desc(const struct drv_piece *p, bool more, uint16_t next)
{
	return (struct vring_desc) { .addr = p->at,
		.len = p->len,
		.flags = (uint16_t)((p->write ? VRING_DESC_F_WRITE : 0) |
				    (more ? VRING_DESC_F_NEXT : 0)),
		.next = next };
}

/* Puts `head` into the available ring, unpublished. */
static inline void drv_offer(struct drv *d, uint16_t head)
{
	d->avail->ring[d->avail_idx++ % d->size] = head;
}

/* Shows what was offered; true if the device wants to be rung for it. */
static inline bool drv_publish(struct drv *d)
{
	uint16_t before = d->avail->idx;
	bool ring;

	__atomic_store_n(&d->avail->idx, d->avail_idx, __ATOMIC_SEQ_CST);
	if (d->event_idx)
		ring = vring_need_event(drv_avail_event(d), d->avail_idx, before);
	else
		ring = !(__atomic_load_n(&d->used->flags, __ATOMIC_SEQ_CST) &
			 VRING_USED_F_NO_NOTIFY);
	d->rings += ring;
	return ring;
}

/* One chain of n pieces in the ring's own table; returns its head. */
static inline uint16_t drv_chain(struct drv *d, const struct drv_piece *p, unsigned n)
{
	uint16_t head = d->free_head;

	for (unsigned i = 0; i < n; i++) {
		uint16_t at = (uint16_t)((head + i) % d->size);

		d->desc[at] = drv_desc(&p[i], i + 1 < n, (uint16_t)((at + 1) % d->size));
	}
	d->free_head = (uint16_t)((head + n) % d->size);
	drv_offer(d, head);
	return head;
}

/* One chain through an indirect table at `table`. */
static inline uint16_t drv_indirect(
	struct drv *d, uint64_t table, const struct drv_piece *p, unsigned n)
{
	struct vring_desc *t = drv_ptr(d->memory, table);
	uint16_t head = d->free_head;

	for (unsigned i = 0; i < n; i++)
		t[i] = drv_desc(&p[i], i + 1 < n, (uint16_t)(i + 1));
	d->desc[head] = (struct vring_desc) {
		.addr = table, .len = 16 * n, .flags = VRING_DESC_F_INDIRECT
	};
	d->free_head = (uint16_t)((head + 1) % d->size);
	drv_offer(d, head);
	return head;
}

/* The next used entry: true and its fields, or false. */
static inline bool drv_used(struct drv *d, struct vring_used_elem *ret)
{
	*ret = (struct vring_used_elem) { 0 };
	if (d->used_seen == __atomic_load_n(&d->used->idx, __ATOMIC_ACQUIRE))
		return false;
	*ret = d->used->ring[d->used_seen++ % d->size];
	return true;
}

/* What a transport would be told; counts instead. */
struct drv_transport {
	unsigned interrupts, config_interrupts, resets, notes; /* atomic */
	uint16_t last_vector;
};
