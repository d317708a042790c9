/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver's request (Virtual I/O Device 1.2, 5.2.6): from the chain that brings it to what the
 * disk is asked for, in steps. Each range of a list is a step, and a flush follows where writes
 * have to be stable; all others have one.
 *
 * Threads: a request is used with the lock of its queue; a target by all queues at once.
 */
#pragma once

#include "blk.h"
#include "vmm/block/engine.h"

#include <linux/virtio_blk.h>

enum {
	BLK_RANGES_MAX = 16,		 /* of one request … */
	BLK_RANGE_SECTORS_MAX = 1 << 22, /* … with 2 GiB each */
	BLK_PIECES = 16,		 /* of a request that needs no memory of its own */
};

/* What requests are made to: the disk, under the terms that its driver negotiated. */
struct blk_target {
	const struct virtio_device *dev;
	struct disk *disk;
	bool write_back; /* atomic: what the driver wrote to config.wce */
	char serial[VIRTIO_BLK_SERIAL_BYTES];
};

struct blk_request {
	struct disk_request disk; /* the step that is to be done now */
	struct blk_request *next; /* its owner's */
	uint16_t head;
	uint32_t written; /* bytes, by one that succeeds, the status byte included */
	uint8_t *status;  /* guest memory */
	bool stable;	  /* a flush follows */
	bool ranges;	  /* the list below is worked on */
	unsigned range, n_ranges;
	struct virtio_blk_discard_write_zeroes list[BLK_RANGES_MAX];
	struct iovec few[BLK_PIECES], *more; /* `more` is owned */
};

/*
 * What the chain asks for, whose header `h` was taken off; it has a status byte. Of all that was in
 * *r nothing is kept, but for `next`. 1: r->disk is to be submitted; 0: it is done; -EINVAL,
 * -EOPNOTSUPP, -EROFS, -ENOMEM: it cannot be. Either way blk_request_forget() ends it.
 */
int blk_request_prepare(struct blk_request *r, const struct blk_target *t,
	const struct virtio_blk_outhdr *h, struct virtq_chain *c);
/*
 * The step that was submitted has come to *result, 0 or -errno. True: r->disk is the next step.
 * False: *result is the whole request's.
 */
bool blk_request_goes_on(struct blk_request *r, const struct blk_target *t, int *result);
/* Says to the driver what came of it; how many bytes of the chain were written. */
uint32_t blk_request_answer(struct blk_request *r, int result);
/* It is done with, answered or not; accepts one that is. */
void blk_request_forget(struct blk_request *r);
