/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-rng (Virtual I/O Device 1.2, 5.4): random bytes from the host's kernel. */
#pragma once

#include "device.h"

/* As every front end: device.h. */
int virtio_rng_device_new(
	const struct guest_memory *m, const char *name, struct virtio_device **ret);
