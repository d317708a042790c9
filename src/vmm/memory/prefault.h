/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Brings all of the guest's memory before the guest runs, by several threads, while whoever started
 * them goes on: for DMA every page must be there, and clearing pages is what takes the time.
 *
 * Banks are filled in order, so that the first can be mapped for the devices while the next ones
 * are still coming. What is in the memory already stays, and may be written meanwhile.
 */
#pragma once

#include "guest_memory.h"

struct prefault;

struct prefault_params {
	const struct guest_memory *memory;     /* outlives it */
	unsigned threads;		       /* 0: one per CPU, and at most one per 64 MiB */
	int (*populate)(void *at, size_t len); /* NULL: pages_populate() */
};

/* What it took; all of it is final once the last bank is there. */
struct prefault_receipt {
	unsigned threads;
	uint64_t bytes;	 /* populated so far */
	uint64_t us;	 /* from the start until who waits had all of it */
	uint64_t faults; /* minor faults of the threads: one for each page, of whatever size */
	bool touched;	 /* the kernel is older than 5.14: each page was touched */
};

int prefault_new(const struct prefault_params *params, struct prefault **ret);
/* Gives up what is not done yet and joins the threads. */
void prefault_free(struct prefault *p);
DEFINE_AUTO(struct prefault, prefault_free);

/*
 * 0 when all of the bank is there, -ETIMEDOUT when it is not after `timeout_ms`, else why some
 * page cannot be had: -ENOMEM, or -EFAULT when a pool of huge pages is empty.
 */
int prefault_wait(struct prefault *p, size_t bank, unsigned timeout_ms);
void prefault_look(struct prefault *p, struct prefault_receipt *ret);
