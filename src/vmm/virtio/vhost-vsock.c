// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets between guest and host. Receiving and sending are the kernel's; the third queue would
 * tell of a guest that came from another host, which none here does.
 */
#include "vhost-kinds.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>

enum { QUEUE_SIZE = 128, QUEUES = 3, OUTSIDE = 2 };

#ifndef VIRTIO_VSOCK_F_SEQPACKET
#define VIRTIO_VSOCK_F_SEQPACKET 1
#endif

struct vhost_vsock {
	struct vhosted h;
	struct virtio_vsock_config config;
};

static void release(struct vhosted *h)
{
	free(container_of(h, struct vhost_vsock, h));
}

static const struct vhosted_ops vsock_ops = { .free = release };

int vhost_vsock_device_new(const struct guest_memory *m, const char *name,
	const struct vhost_source *s, uint64_t cid, struct virtio_device **ret)
{
	const uint64_t known = VIRTIO_FEATURE(VIRTIO_VSOCK_F_SEQPACKET);
	struct vhost_vsock *k = calloc(1, sizeof(*k));
	const struct vhosted_params p = {
		.memory = m,
		.name = name,
		.id = VIRTIO_ID_VSOCK,
		.features = s->vhost->features & known,
		.known = known,
		.n_queues = QUEUES,
		.n_outside = OUTSIDE,
		.queue_size = QUEUE_SIZE,
		.config = k ? &k->config : NULL,
		.config_bytes = sizeof(k->config),
		.v = s->vhost,
		.channel = -1,
	};
	int r = -ENOMEM;

	if (k) {
		k->config.guest_cid = cid;
		r = vhosted_init(&k->h, &vsock_ops, &p);
	} else {
		vhost_free(s->vhost);
	}
	if (r < 0) {
		free(k);
		return r;
	}
	*ret = &k->h.dev;
	return 0;
}
