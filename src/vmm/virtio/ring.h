/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the layouts of a ring share; for split.c and packed.c alone. */
#pragma once

#include "queue.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ring fields are used as they are");

/* A chain on its way from descriptors to iovecs. */
struct walk {
	struct virtq *q;
	struct iovec *iov;
	unsigned room;
	struct virtq_chain *chain;
};

/* The next buffer of the chain, or the queue breaks. */
int walk_add(struct walk *w, uint64_t addr, uint32_t len, bool writable);
/* A table of descriptors somewhere else (2.7.5.3, 2.8.7): where, or NULL and the queue is broken.
 */
const void *walk_table(struct walk *w, uint64_t addr, uint32_t len);

/* One of the three areas; NULL when it cannot be there. Guest RAM is mapped page on page, so host
 * pointers are aligned as guest addresses are. */
void *ring_area(const struct virtq *q, struct gpa at, uint64_t len, uint64_t align);

/* The one read of a descriptor; the barrier keeps the compiler from reading it again later. */
#define FETCH(to, from)                                                                            \
	do {                                                                                       \
		memcpy((to), (from), sizeof(*(to)));                                               \
		__asm__ volatile("" ::: "memory");                                                 \
	} while (0)
