/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's memory cost: pages, time, mappings for DMA. */
#pragma once

#include "prefault.h"

/* Of one machine's life. Several containers have the same entries: these are those of one. */
struct dma_usage {
	unsigned calls;	      /* to map memory and BARs */
	unsigned entries;     /* that are there now … */
	unsigned bar_entries; /* … of which these are BARs, for other functions */
	uint64_t limit;	      /* of entries; 0: the kernel does not tell */
	uint64_t pinned_bytes;
	const char *dirty; /* what the IOMMU tells of memory written by DMA; NULL: unknown */
};

struct memory_receipt {
	uint64_t bytes, huge_page; /* as in guest_memory_params */
	size_t banks;
	uint64_t huge_fit; /* bytes that whole pages of 2 MiB could hold */
	bool no_thp;	   /* transparent huge pages are off */
	bool populated;	   /* before the guest ran; else pages come as it touches them */
	struct prefault_receipt prefault;
	uint64_t loaded_faults;	    /* of who wrote to the memory meanwhile */
	uint64_t waited_us, map_us; /* for pages, when all else was done; in mapping calls */
};

/* Everything that is known before the memory is populated. */
void memory_receipt_init(struct memory_receipt *r, const struct guest_memory *m);
/*
 * How many bytes lie in pages of 2 MiB or more. A page is one fault, whatever its size, so the
 * faults tell; exact as long as the kernel has no sizes between 4 KiB and 2 MiB switched on.
 * 0 when it was not populated.
 */
uint64_t memory_receipt_huge_bytes(const struct memory_receipt *r);
/* Why the pages are not larger, for people. */
const char *memory_receipt_why(const struct memory_receipt *r);
