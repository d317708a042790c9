/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net (Virtual I/O Device 1.2, 5.1): one queue pair in front of a tap (vmm/net). */
#pragma once

#include "base/mac.h"
#include "device.h"

struct tap;

enum { VIRTIO_NET_RX, VIRTIO_NET_TX };

/*
 * Takes `tap` over, also on failure. A zero MAC gets a random, locally administered one. mtu 0:
 * the guest is not told.
 */
int virtio_net_device_new(const struct guest_memory *m, const char *name, struct tap *tap,
	struct mac mac, uint16_t mtu, struct virtio_device **ret);
