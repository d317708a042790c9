// SPDX-License-Identifier: GPL-2.0-or-later
#include "ring.h"

#include <linux/virtio_ring.h>

void *ring_area(const struct virtq *q, struct gpa at, uint64_t len, uint64_t align)
{
	return at.v & (align - 1) ? NULL : guest_memory_at(q->memory, at, len);
}

int walk_add(struct walk *w, uint64_t addr, uint32_t len, bool writable)
{
	struct virtq_chain *c = w->chain;
	struct sg *s = writable ? &c->in : &c->out;
	void *host;

	if (c->out.n + c->in.n >= w->room)
		return virtq_break(w->q, "a chain is longer than the queue, or loops");
	if (!writable && c->in.n)
		return virtq_break(w->q, "a readable buffer follows a writable one");
	if (len == 0)
		return virtq_break(w->q, "a buffer is empty");
	host = guest_memory_at(w->q->memory, GPA(addr), len);
	if (!host)
		return virtq_break(w->q, "a buffer is not in RAM");
	if (!s->n)
		s->v = &w->iov[c->out.n];
	sg_add(s, host, len);
	/* 2.7.5.3.1 keeps chains below 2^32 bytes: the used length must be able to tell. */
	if (c->out.len + c->in.len > UINT32_MAX)
		return virtq_break(w->q, "a chain is longer than 4 GiB");
	return 0;
}

const void *walk_table(struct walk *w, uint64_t addr, uint32_t len)
{
	const void *table;

	if (!w->q->indirect) {
		virtq_break(w->q, "an indirect table was not negotiated");
		return NULL;
	}
	if (len == 0 || len % sizeof(struct vring_desc)) {
		virtq_break(w->q, "an indirect table has an impossible length");
		return NULL;
	}
	table = guest_memory_at(w->q->memory, GPA(addr), len);
	if (!table)
		virtq_break(w->q, "an indirect table is not in RAM");
	return table;
}

_Static_assert(sizeof(struct vring_desc) == sizeof(struct vring_packed_desc), "for walk_table()");
