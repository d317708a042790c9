/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk as the programs use it: one queue, requests of whole sectors. */
#pragma once

#include "virtio.h"

enum {
	DISK_READ = 0,
	DISK_WRITE = 1,
	DISK_FLUSH = 4,
	DISK_ID = 8,
	DISK_DISCARD = 11,
	DISK_WRITE_ZEROES = 13,

	DISK_OK = 0,
	DISK_IO_ERROR = 1,
	DISK_UNSUPPORTED = 2,

	DISK_READ_ONLY = 5, /* feature bits */
	DISK_CAN_FLUSH = 9,
	DISK_MANY_QUEUES = 12,
	DISK_CAN_DISCARD = 13,
	DISK_CAN_WRITE_ZEROES = 14,
	DISK_SECTOR = 512,
};

struct disk {
	struct virtio virtio;
	struct ring ring;
	uint64_t sectors;
};

/* The nth disk; vector 0 polls. `features` beside VERSION_1. */
void disk_open(struct disk *d, unsigned nth, uint64_t features, uint8_t vector);

struct request {
	uint32_t type, zero;
	uint64_t sector;
	volatile uint8_t status;
	int head;
};
/* Puts the request into the ring. It must stay where it is until its chain comes back. */
bool disk_submit(struct disk *d, struct request *r, uint32_t type, uint64_t sector, void *data,
	uint32_t bytes);
/* One request from start to end; its status, -1 when no answer came. */
int disk_do(struct disk *d, uint32_t type, uint64_t sector, void *data, uint32_t bytes);
/* A request that carries `bytes` of data to the disk, whatever its type. */
int disk_write_list(struct disk *d, uint32_t type, void *list, uint32_t bytes);
/* Rings with a wish to be interrupted for the next completion, however fast it comes. */
bool disk_kick(struct disk *d);
