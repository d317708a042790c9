/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe driver (NVM Express 1.4): an admin and an I/O queue that share interrupt vector 0 of
 * MSI-X, transfers that fit a page. Commands are answered in any order.
 */
#pragma once

#include "pci.h"

enum {
	NVME_BLOCK = 512,
	NVME_DEPTH = 32, /* entries of a queue; one stays free */
	NVME_READ = 2,
	NVME_WRITE = 1,
};

struct nvme_queue {
	unsigned index;
	uint8_t *commands;
	volatile uint32_t *completions;
	uint16_t tail, head, phase;
};

struct nvme {
	unsigned slot;
	uint8_t vector;
	uint64_t registers, doorbell_step;
	struct msix msix;
	struct nvme_queue admin, io;
	uint64_t submitted, completed;
};

/* The nth NVMe function, reset and started; interrupts go to `vector` of this CPU. */
bool nvme_open(struct nvme *n, unsigned nth, uint8_t vector);
/* A block of the first namespace; `data` lies in one page. False: the queue is full. */
bool nvme_submit(struct nvme *n, uint8_t opcode, uint64_t block, void *data);
/* A command that was answered: 1 with its status, 0 when there is none. */
int nvme_reap(struct nvme *n, uint16_t *status);
