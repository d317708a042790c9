// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost-kinds.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stddef.h>
#include <string.h>

enum {
	QUEUE_SIZE = 256,
	/* Up to and with what VIRTIO_BLK_F_WRITE_ZEROES added: all that older back ends have. */
	CONFIG_BYTES = offsetof(struct virtio_blk_config, unused1) + 3,
};

/* That neither need a word of ours nor change how the ring is used. */
#define KNOWN                                                                                      \
	(VIRTIO_FEATURE(VIRTIO_BLK_F_SIZE_MAX) | VIRTIO_FEATURE(VIRTIO_BLK_F_SEG_MAX) |            \
		VIRTIO_FEATURE(VIRTIO_BLK_F_GEOMETRY) | VIRTIO_FEATURE(VIRTIO_BLK_F_RO) |          \
		VIRTIO_FEATURE(VIRTIO_BLK_F_BLK_SIZE) | VIRTIO_FEATURE(VIRTIO_BLK_F_FLUSH) |       \
		VIRTIO_FEATURE(VIRTIO_BLK_F_TOPOLOGY) | VIRTIO_FEATURE(VIRTIO_BLK_F_MQ) |          \
		VIRTIO_FEATURE(VIRTIO_BLK_F_DISCARD) | VIRTIO_FEATURE(VIRTIO_BLK_F_WRITE_ZEROES))

struct vhost_blk {
	struct vhosted h;
	struct virtio_blk_config config;
	unsigned queues;
};

static int ask(struct vhost *v, unsigned queues, struct virtio_blk_config *ret)
{
	struct virtio_blk_config c = { 0 };
	int r = vhost_user_config(v, &c, CONFIG_BYTES);

	if (r == -EOPNOTSUPP)
		return vhost_failed(v, r, "it tells nothing of its disk");
	if (r < 0)
		return r;
	c.num_queues = (uint16_t)queues;
	*ret = c;
	return 0;
}

static int look(struct vhosted *h, struct vhost *v)
{
	struct vhost_blk *b = container_of(h, struct vhost_blk, h);
	struct virtio_blk_config c;
	int r = ask(v, b->queues, &c);

	if (r == 0)
		virtio_device_change_config(&h->dev, &b->config, &c, sizeof(c), true);
	return r;
}

static void release(struct vhosted *h)
{
	free(container_of(h, struct vhost_blk, h));
}

static const struct vhosted_ops blk_ops = {
	.look = look,
	.free = release,
};

int vhost_blk_device_new(const struct guest_memory *m, const char *name,
	const struct vhost_source *s, unsigned queues, struct virtio_device **ret)
{
	struct vhost_blk *b = calloc(1, sizeof(*b));
	unsigned most = s->vhost->rings;
	struct vhosted_params p = {
		.memory = m,
		.name = name,
		.id = VIRTIO_ID_BLOCK,
		.features = s->vhost->features & KNOWN,
		.known = KNOWN,
		.n_queues = queues && queues < most ? queues : most,
		.queue_size = QUEUE_SIZE,
		.config = b ? &b->config : NULL,
		.config_bytes = CONFIG_BYTES,
		.v = s->vhost,
		.channel = s->channel,
		.timeout_ms = s->timeout_ms,
	};
	int r = -ENOMEM;

	p.n_outside = p.n_queues;
	if (b) {
		b->queues = p.n_queues;
		r = ask(s->vhost, b->queues, &b->config);
	}
	if (r < 0)
		vhost_free(s->vhost);
	else
		r = vhosted_init(&b->h, &blk_ops, &p);
	if (r < 0) {
		free(b);
		return r;
	}
	*ret = &b->h.dev;
	return 0;
}
