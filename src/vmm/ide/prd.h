/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus master's list of memory: physical region descriptors of 8 bytes, an address and a length
 * each (Programming Interface for Bus Master IDE Controller 1.0, 1.2). The guest may change it at
 * any time: an entry is copied, and the copy is used.
 */
#pragma once

#include "base/sg.h"
#include "vmm/memory/guest_memory.h"

#include <stdbool.h>
#include <stdint.h>

struct prd {
	const struct guest_memory *memory;
	uint32_t table;	   /* the next entry is there */
	uint32_t entries;  /* that were taken; the table has at most 64 KiB */
	uint32_t at, left; /* what is left of the current one */
	bool last;	   /* the current one is the last */
};

/* The list at `table`, a guest-physical address; nothing is read yet. */
void prd_init(struct prd *p, const struct guest_memory *m, uint32_t table);
/*
 * The next pieces, `bytes` or as many as fit into `room` of s->v; fewer when the list ends. s->len
 * tells how many bytes. -EFAULT: an entry, or what it names, is no RAM.
 */
int prd_take(struct prd *p, uint64_t bytes, unsigned room, struct sg *s);
/* All of it has been taken. */
static inline bool prd_is_empty(const struct prd *p)
{
	return p->last && !p->left;
}
