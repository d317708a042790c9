/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prd.h"

#include "base/attr.h"

#include <errno.h>

enum { ENTRIES_MAX = (64 << 10) / 8 };
#define ENTRY_LAST (1U << 31)

void prd_init(struct prd *p, const struct guest_memory *m, uint32_t table)
{
	*p = (struct prd) { .memory = m, .table = table & ~3U };
}

/* 1, 0 at the end, -EFAULT. */
static int next_entry(struct prd *p)
{
	uint32_t entry[2];

	if (p->last || p->entries == ENTRIES_MAX)
		return 0;
	if (guest_memory_read(p->memory, GPA(p->table), entry, sizeof(entry)) < 0)
		return -EFAULT;
	p->table += (uint32_t)sizeof(entry);
	p->entries++;
	p->at = entry[0] & ~1U;
	p->left = entry[1] & 0xfffe;
	if (!p->left)
		p->left = 0x10000;
	p->last = entry[1] & ENTRY_LAST;
	return 1;
}

int prd_take(struct prd *p, uint64_t bytes, unsigned room, struct sg *s)
{
	while (bytes && s->n < room) {
		int r = p->left ? 1 : next_entry(p);
		uint32_t part;
		void *host;

		if (r <= 0)
			return r;
		part = (uint32_t)MIN((uint64_t)p->left, bytes);
		host = guest_memory_at(p->memory, GPA(p->at), part);
		if (!host)
			return -EFAULT;
		sg_add(s, host, part);
		p->at += part;
		p->left -= part;
		bytes -= part;
	}
	return 0;
}
