/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

extern char memory_start[];
extern uint64_t page_tables[512];

static uint64_t next;
/* init_size in the boot header promises this much behind the image. */
static const uint64_t heap_bytes = 0x800000;

void *memory_take(size_t bytes, size_t align)
{
	uint64_t start = (uint64_t)(uintptr_t)memory_start, at = next ? next : start;

	at = (at + align - 1) & ~((uint64_t)align - 1);
	if (at + bytes > start + heap_bytes)
		give_up("the guest's own memory is used up (%lu bytes wanted)", bytes);
	next = at + bytes;
	return memset((void *)(uintptr_t)at, 0, bytes);
}

/* The table that an entry points to, made when it is missing. Present, writable, ring 3. */
static uint64_t *below(uint64_t *entry)
{
	if (!(*entry & 1))
		*entry = (uint64_t)(uintptr_t)memory_take(4096, 4096) | 7;
	return (uint64_t *)(uintptr_t)(*entry & 0x000ffffffffff000);
}

void memory_map(uint64_t address, uint64_t bytes)
{
	const uint64_t big = 0x200000;
	uint64_t *pointers, *directory;

	for (uint64_t at = address & ~(big - 1); at < address + bytes; at += big) {
		if (at < 1ULL << 32)
			continue;
		pointers = below(&page_tables[at >> 39 & 511]);
		directory = below(&pointers[at >> 30 & 511]);
		directory[at >> 21 & 511] = at | 0x87;
	}
}
