/* SPDX-License-Identifier: GPL-2.0-or-later */
/* driver.h for packed rings: the descriptors are at desc_at, the event structures at the others. */
#pragma once

#include "driver.h"
#include "vmm/virtio/queue.h"

enum {
	PD_AVAIL = 1 << VRING_PACKED_DESC_F_AVAIL,
	PD_USED = 1 << VRING_PACKED_DESC_F_USED,
	PD_WRAP = 1 << VRING_PACKED_EVENT_F_WRAP_CTR,
};

struct pdrv {
	struct guest_memory *memory;
	uint16_t size;
	uint64_t desc_at, driver_at, device_at;
	struct vring_packed_desc *desc;
	uint32_t *driver, *device; /* event structures */
	uint16_t next_avail, next_used;
	bool avail_wrap, used_wrap;
	uint16_t first, first_flags, added; /* not published */
	uint16_t entries[VIRTQ_SIZE_MAX];   /* by id, 0 = free */
	uint64_t rings;
};

static inline void pdrv_init(struct pdrv *d, struct guest_memory *m, uint16_t size)
{
	*d = (struct pdrv) { .memory = m,
		.size = size,
		.desc_at = DRV_DESC,
		.driver_at = DRV_AVAIL,
		.device_at = DRV_USED,
		.avail_wrap = true,
		.used_wrap = true };
	d->desc = drv_ptr(m, d->desc_at);
	d->driver = drv_ptr(m, d->driver_at);
	d->device = drv_ptr(m, d->device_at);
	memset(d->desc, 0, 16U * size);
	*d->driver = *d->device = 0;
}

static inline void pdrv_step(const struct pdrv *d, uint16_t *at, bool *wrap, unsigned n)
{
	unsigned to = *at + n;

	*wrap ^= to >= d->size;
	*at = (uint16_t)(to >= d->size ? to - d->size : to);
}

/* One descriptor at the next place, as it is given but for whose it is. */
static inline struct vring_packed_desc *pdrv_desc(struct pdrv *d, struct vring_packed_desc e)
{
	struct vring_packed_desc *at = &d->desc[d->next_avail];

	e.flags |= (uint16_t)(d->avail_wrap ? PD_AVAIL : PD_USED);
	if (!d->added++) {
		d->first = d->next_avail;
		d->first_flags = e.flags;
		e.flags = at->flags;
	}
	*at = e;
	pdrv_step(d, &d->next_avail, &d->avail_wrap, 1);
	return at;
}

static inline void pdrv_chain(struct pdrv *d, uint16_t id, const struct drv_piece *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		pdrv_desc(d, (struct vring_packed_desc) { p[i].at, p[i].len, id,
				     (uint16_t)((p[i].write ? VRING_DESC_F_WRITE : 0) |
						(i + 1 < n ? VRING_DESC_F_NEXT : 0)) });
	d->entries[id] = (uint16_t)n;
}

static inline void pdrv_indirect(
	struct pdrv *d, uint16_t id, uint64_t table, const struct drv_piece *p, unsigned n)
{
	struct vring_packed_desc *t = drv_ptr(d->memory, table);

	/* Ids and all flags but WRITE are nobody's business in there. */
	for (unsigned i = 0; i < n; i++)
		t[i] = (struct vring_packed_desc) { p[i].at, p[i].len, 0xffff,
			(uint16_t)((p[i].write ? VRING_DESC_F_WRITE : 0) | VRING_DESC_F_NEXT) };
	pdrv_desc(d, (struct vring_packed_desc) { table, 16 * n, id, VRING_DESC_F_INDIRECT });
	d->entries[id] = 1;
}

/* Linux's rule (drivers/virtio) in terms of distance: is what the event names among the last n? */
static inline bool pdrv_wants(const struct pdrv *d, uint32_t event, unsigned n)
{
	unsigned round = 2U * d->size, named = (event & 0x7fff) + (event & PD_WRAP ? 0 : d->size);
	unsigned now = d->next_avail + (d->avail_wrap ? 0U : d->size);

	if (event >> 16 == VRING_PACKED_EVENT_FLAG_DESC)
		return (now + round - named - 1) % round < n;
	return event >> 16 == VRING_PACKED_EVENT_FLAG_ENABLE;
}

static inline bool pdrv_publish(struct pdrv *d)
{
	unsigned n = d->added;
	bool ring;

	__atomic_store_n(&d->desc[d->first].flags, d->first_flags, __ATOMIC_SEQ_CST);
	d->added = 0;
	ring = pdrv_wants(d, __atomic_load_n(d->device, __ATOMIC_SEQ_CST), n);
	d->rings += ring;
	return ring;
}

/* The next chain that came back. */
static inline bool pdrv_used(struct pdrv *d, struct vring_packed_desc *ret)
{
	struct vring_packed_desc *at = &d->desc[d->next_used];
	uint16_t flags = __atomic_load_n(&at->flags, __ATOMIC_ACQUIRE);

	*ret = (struct vring_packed_desc) { 0 };
	if (!!(flags & PD_AVAIL) != d->used_wrap || !!(flags & PD_USED) != d->used_wrap)
		return false;
	*ret = *at;
	pdrv_step(d, &d->next_used, &d->used_wrap, d->entries[ret->id]);
	d->entries[ret->id] = 0;
	return true;
}

/* "Interrupt when the entry at the next used position, n further on, has been passed." */
static inline void pdrv_event_after(struct pdrv *d, unsigned n)
{
	uint16_t at = d->next_used;
	bool wrap = d->used_wrap;

	pdrv_step(d, &at, &wrap, n);
	*d->driver = (uint32_t)VRING_PACKED_EVENT_FLAG_DESC << 16 | at | (wrap ? PD_WRAP : 0U);
}
