/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of devices that a vhost can serve; each takes `vhost` over, also on failure. */
#pragma once

#include "net.h"
#include "vhost.h"

/* Of another process, and who dials for it; of the kernel, channel is -1. */
struct vhost_source {
	struct vhost *vhost;
	int channel;
	unsigned timeout_ms;
};

/* 5.2: what it is, the other process says. `queues`: at most, 0: as many as it has. */
int vhost_blk_device_new(const struct guest_memory *m, const char *name,
	const struct vhost_source *s, unsigned queues, struct virtio_device **ret);

/*
 * 5.1: a control queue beside `pairs`. The setup's taps, one per pair, are taken over, also on
 * failure; NULL: there are none.
 */
int vhost_net_device_new(const struct guest_memory *m, const char *name,
	const struct vhost_source *s, const struct virtio_net_setup *n, unsigned pairs,
	struct virtio_device **ret);

/* 5.10 */
int vhost_vsock_device_new(const struct guest_memory *m, const char *name,
	const struct vhost_source *s, uint64_t cid, struct virtio_device **ret);
