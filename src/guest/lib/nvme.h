/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe driver (NVM Express 1.4): an admin and an I/O queue that share interrupt vector 0 of
 * MSI-X, or nobody is interrupted. Commands are answered in any order.
 */
#pragma once

#include "pci.h"

enum {
	NVME_BLOCK = 512,
	NVME_DEPTH = 32,      /* entries of a queue; one stays free */
	NVME_DEPTH_MAX = 128, /* of one that is asked for by name */
	NVME_BYTES_MAX = 65536,
	NVME_READ = 2,
	NVME_WRITE = 1,
};

struct nvme_queue {
	unsigned index, depth;
	uint8_t *commands;
	volatile uint32_t *completions;
	uint16_t tail, head, phase;
};

struct nvme {
	unsigned slot;
	uint8_t vector;
	uint64_t registers, doorbell_step;
	uint32_t namespace; /* the first one */
	uint64_t *lists;    /* a page for each I/O command that needs more than two */
	struct msix msix;
	struct nvme_queue admin, io;
	uint64_t submitted, completed;
};

/* The nth NVMe function, reset and started; interrupts go to `vector` of this CPU. */
bool nvme_open(struct nvme *n, unsigned nth, uint8_t vector);
/*
 * The same with that many entries in the I/O queue, transfers up to NVME_BYTES_MAX, and without
 * interrupts of that queue when `polls`. Looks for the first namespace.
 */
bool nvme_open_deep(struct nvme *n, unsigned nth, uint8_t vector, unsigned depth, bool polls);
/* Bytes of a block and number of blocks of the namespace that it found. */
bool nvme_size(struct nvme *n, uint32_t *ret_block, uint64_t *ret_blocks);
/* So many blocks to or from page-aligned memory; `id` comes back with the answer. */
bool nvme_transfer(struct nvme *n, uint8_t opcode, uint16_t id, uint64_t block, uint32_t blocks,
	void *data, uint32_t bytes);
/* A block of the first namespace; `data` lies in one page. False: the queue is full. */
bool nvme_submit(struct nvme *n, uint8_t opcode, uint64_t block, void *data);
/* A command that was answered: 1 with its status, 0 when there is none. */
int nvme_reap(struct nvme *n, uint16_t *status);
/* The same, with the command's id. */
int nvme_reap_id(struct nvme *n, uint16_t *id, uint16_t *status);
