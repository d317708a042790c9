/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue and its driver, of either layout: DRIVER is `struct drv` or `struct pdrv`, defined
 * before. */
#pragma once

#include "cm.h"

#include "vmm/virtio/queue.h"

#include <linux/virtio_config.h>

#define EVENT	 (1ULL << VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT (1ULL << VIRTIO_RING_F_INDIRECT_DESC)

enum { SIZE = 8 };

struct fixture {
	struct drv_ram ram;
	DRIVER drv;
	struct virtq q;
	struct iovec iov[VIRTQ_SIZE_MAX];
};

static const struct drv_piece OUT = { DRV_BUFFERS, 16, false };
static const struct drv_piece IN = { DRV_BUFFERS + 0x1000, 512, true };

static inline void close_queue(struct fixture *f)
{
	virtq_done(&f->q);
	drv_ram_close(&f->ram);
	free(f);
}

static inline int pop(struct fixture *f, struct virtq_chain *c)
{
	return virtq_pop(&f->q, f->iov, VIRTQ_SIZE_MAX, c);
}

/* As the device does it after publishing: what the driver wants is sent and counted. */
static inline bool interrupted(struct fixture *f)
{
	bool wants = virtq_wants_interrupt(&f->q);

	if (wants)
		virtq_count_injection(&f->q);
	return wants;
}
