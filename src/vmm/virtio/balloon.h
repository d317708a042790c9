/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-balloon (Virtual I/O Device 1.2, 5.5): the guest gives pages that it does not need back to
 * the host, because it was asked for them (the balloon is inflated) or as it finds them free (free
 * page reporting). What is given back reads as zeroes, and comes back as soon as it is touched.
 *
 * Not for a guest with assigned functions: the IOMMU goes on leading to the pages that were given
 * back, so that a device and the guest no longer see the same memory. For the same reason not where
 * another process may have handed the guest's memory to a device (vhost-user).
 */
#pragma once

#include "device.h"

/* As every front end: device.h. `m` outlives it, and is what the guest gives back of. */
int virtio_balloon_device_new(
	const struct guest_memory *m, const char *name, struct virtio_device **ret);
