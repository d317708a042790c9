/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver's side of a packed ring (2.8). */
#include "virtio.h"

enum { WRAP = 1 << 15 };

void packed_start(struct ring *r)
{
	struct packed *p = &r->packed;

	p->next_avail = p->next_used = p->added = 0;
	p->avail_wrap = p->used_wrap = true;
	p->room = r->size;
	for (uint16_t i = 0; i < r->size; i++)
		p->links[i] = (uint16_t)(i + 1);
	memset(p->entries, 0, 2u * r->size);
}

static void step(const struct ring *r, uint16_t *at, bool *wrap, unsigned n)
{
	unsigned to = *at + n;

	if (to >= r->size) {
		to -= r->size;
		*wrap = !*wrap;
	}
	*at = (uint16_t)to;
}

static uint16_t flags_of(const struct packed *p, const struct buffer *b, bool more)
{
	return (uint16_t)((p->avail_wrap ? PACKED_AVAIL : PACKED_USED) |
			  (more ? DESCRIPTOR_NEXT : 0) | (b->device_writes ? DESCRIPTOR_WRITE : 0));
}

int packed_add(struct ring *r, const struct buffer *buffers, unsigned n)
{
	struct packed *p = &r->packed;
	uint16_t id = r->free;

	if (id >= r->size || n > p->room)
		return -1;
	for (unsigned i = 0; i < n; i++) {
		volatile struct packed_descriptor *d = &p->ring[p->next_avail];
		uint16_t flags = flags_of(p, &buffers[i], i + 1 < n);

		d->at = (uint64_t)(uintptr_t)buffers[i].at;
		d->length = buffers[i].length;
		d->id = id;
		if (p->added++) {
			d->flags = flags;
		} else {
			p->first = p->next_avail;
			p->first_flags = flags;
		}
		step(r, &p->next_avail, &p->avail_wrap, 1);
	}
	p->room = (uint16_t)(p->room - n);
	p->entries[id] = (uint16_t)n;
	r->free = p->links[id];
	r->heads[r->next_avail++ % r->size] = id;
	return id;
}

/* Is the entry that an event structure names among the last `n` before position `at`? */
static bool passed(const struct ring *r, uint32_t event, uint16_t at, bool wrap, unsigned n)
{
	unsigned round = 2u * r->size;
	unsigned named = (event & (WRAP - 1)) + (event & WRAP ? 0 : r->size);
	unsigned now = at + (wrap ? 0u : r->size);

	return (now + round - named - 1) % round < n;
}

bool packed_show(struct ring *r)
{
	struct packed *p = &r->packed;
	unsigned added = p->added;
	uint32_t event;

	barrier();
	p->ring[p->first].flags = p->first_flags;
	p->added = 0;
	fence();
	event = *p->device;
	if (event >> 16 == EVENT_DESCRIPTOR)
		return passed(r, event, p->next_avail, p->avail_wrap, added);
	return event >> 16 == EVENT_ENABLE;
}

void packed_interrupt_after(struct ring *r, uint16_t used_index)
{
	struct packed *p = &r->packed;
	uint16_t at = p->next_used;
	bool wrap = p->used_wrap;

	/* Chains come back in order here, or all have as many entries. */
	for (uint16_t i = r->next_used; i != used_index; i++)
		step(r, &at, &wrap, p->entries[r->heads[i % r->size]]);
	*p->driver = (uint32_t)EVENT_DESCRIPTOR << 16 | at | (wrap ? (uint32_t)WRAP : 0);
}

bool packed_is_used(const struct ring *r)
{
	const struct packed *p = &r->packed;
	uint16_t flags = p->ring[p->next_used].flags;

	return !!(flags & PACKED_AVAIL) == p->used_wrap && !!(flags & PACKED_USED) == p->used_wrap;
}

int packed_peek(const struct ring *r, uint32_t *length)
{
	const struct packed *p = &r->packed;
	volatile struct packed_descriptor *d = &p->ring[p->next_used];
	uint16_t id;

	if (!packed_is_used(r))
		return -1;
	barrier();
	id = d->id;
	*length = d->length;
	if (id >= r->size || !p->entries[id])
		give_up("the device gave back id %u, which it does not have", id);
	return id;
}

void packed_free(struct ring *r, uint16_t id)
{
	struct packed *p = &r->packed;

	step(r, &p->next_used, &p->used_wrap, p->entries[id]);
	p->room = (uint16_t)(p->room + p->entries[id]);
	p->entries[id] = 0;
	p->links[id] = r->free;
	r->free = id;
}
