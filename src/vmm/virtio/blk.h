/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk (Virtual I/O Device 1.2, 5.2): the front end. Disks are in vmm/block. */
#pragma once

#include "device.h"

struct disk;
struct disk_engine;

enum {
	VIRTIO_BLK_SERIAL_BYTES = 20,
	VIRTIO_BLK_QUEUE_SIZE = 256,
	VIRTIO_BLK_DEPTH = VIRTIO_BLK_QUEUE_SIZE, /* of its engine's channels */
};

/*
 * Takes `disk` over, also on failure. `serial` may be NULL; what is beyond 20 bytes is cut, as the
 * request that asks for it has no more room. The device has as many queues as `engine` has
 * channels; the engine stays the caller's, and outlives the device.
 */
int virtio_blk_device_new(const struct guest_memory *m, const char *name, struct disk *disk,
	struct disk_engine *engine, const char *serial, struct virtio_device **ret);
