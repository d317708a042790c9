/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-blk (Virtual I/O Device 1.2, 5.2): the front end. Disks are in vmm/block. */
#pragma once

#include "device.h"

struct disk;

enum { VIRTIO_BLK_SERIAL_BYTES = 20 };

/*
 * Takes `disk` over, also on failure. `serial` may be NULL; what is beyond 20 bytes is cut, as the
 * request that asks for it has no more room.
 */
int virtio_blk_device_new(const struct guest_memory *m, const char *name, struct disk *disk,
	const char *serial, struct virtio_device **ret);
