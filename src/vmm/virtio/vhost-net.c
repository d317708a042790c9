// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network interface that the kernel serves over taps, or another process. Here are its
 * configuration, and the control queue of one with several pairs (5.1.6.5.5).
 */
#include "vhost-kinds.h"
#include "vmm/net/tap.h"

#include <linux/if_tun.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/random.h>

enum { QUEUE_SIZE = 256 };

#define OFFLOADS_IN                                                                                \
	(VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |       \
		VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN))
#define OFFLOADS_OUT                                                                               \
	(VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) |              \
		VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN))
#define OURS (VIRTIO_FEATURE(VIRTIO_NET_F_MAC) | VIRTIO_FEATURE(VIRTIO_NET_F_STATUS))

struct vhost_net {
	struct vhosted h;
	struct virtio_net_config config;
	struct iovec iov[VIRTQ_SIZE_MAX];
	unsigned pairs;
	struct tap *taps[VHOST_RINGS_MAX / 2]; /* `pairs` of them, or none */
	bool has_taps;
};

static struct vhost_net *net_of(struct vhosted *h)
{
	return container_of(h, struct vhost_net, h);
}

static unsigned offload_flags(uint64_t features)
{
	static const struct {
		unsigned feature, flag;
	} map[] = {
		{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	};
	unsigned flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (features & VIRTIO_FEATURE(map[i].feature))
			flags |= map[i].flag;
	return flags & TUN_F_CSUM ? flags : 0; /* the tap refuses the rest without it */
}

/* Offloads are the interface's, so one of its queues will do. */
static void negotiated(struct vhosted *h)
{
	if (net_of(h)->has_taps)
		tap_set_offload(net_of(h)->taps[0], offload_flags(h->dev.features));
}

static int look(struct vhosted *h UNUSED, struct vhost *v UNUSED)
{
	return 0; /* all that the guest sees is ours */
}

/* ---- the control queue ---- */

static uint8_t command(struct vhost_net *n, struct virtq_chain *c)
{
	struct virtio_net_ctrl_hdr head;
	uint16_t pairs;

	if (!sg_pull(&c->out, &head, sizeof(head)) || head.class != VIRTIO_NET_CTRL_MQ ||
		head.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
		!virtio_has(&n->h.dev, VIRTIO_NET_F_MQ) ||
		!sg_pull(&c->out, &pairs, sizeof(pairs)) || pairs < 1 || pairs > n->pairs)
		return VIRTIO_NET_ERR;
	/* All pairs are served all the time: the driver only says which of them it sends by. */
	return VIRTIO_NET_OK;
}

static void kicked(struct vhosted *h, struct virtq *q)
{
	struct vhost_net *n = net_of(h);
	struct virtq_chain c;
	bool last = false;

	while (!last) {
		int r = virtq_pop(q, n->iov, ARRAY_SIZE(n->iov), &c);
		uint8_t answer;

		last = r < 0 || virtq_arm(q);
		if (r <= 0)
			continue;
		answer = command(n, &c);
		virtq_push(q, &c, sg_push(&c.in, &answer, 1) ? 1 : 0);
		virtio_device_interrupt(&h->dev, q);
	}
}

/* ---- life ---- */

static void free_taps(struct tap *const *taps, unsigned n)
{
	for (unsigned i = 0; taps && i < n; i++)
		tap_free(taps[i]);
}

static void release(struct vhosted *h)
{
	struct vhost_net *n = net_of(h);

	free_taps(n->taps, n->pairs);
	free(n);
}

static const struct vhosted_ops net_ops = {
	.look = look,
	.negotiated = negotiated,
	.kicked = kicked,
	.free = release,
};

/* Over taps the offloads are theirs, of another process its own. */
static uint64_t backend_features(const struct vhost_net *n, const struct vhost *v)
{
	const uint64_t known = OFFLOADS_IN | OFFLOADS_OUT | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	uint64_t f = v->features & known;

	if (!n->has_taps)
		return f;
	f = (v->features & VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF)) | OFFLOADS_OUT;
	if (tap_set_offload(n->taps[0], offload_flags(OFFLOADS_IN)) == 0) {
		f |= OFFLOADS_IN;
		tap_set_offload(n->taps[0], 0);
	}
	return f;
}

static uint64_t known_of(const struct vhost_net *n)
{
	const uint64_t merge = VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF);

	return n->has_taps ? merge
			   : merge | OFFLOADS_IN | OFFLOADS_OUT | VIRTIO_FEATURE(VIRTIO_NET_F_MQ);
}

static void describe(struct vhost_net *n, const struct vhost_net_device *d)
{
	struct mac mac = d->mac;

	n->pairs = d->pairs;
	n->has_taps = d->taps;
	for (unsigned i = 0; d->taps && i < d->pairs; i++)
		n->taps[i] = d->taps[i];
	if (mac_is_zero(mac) && getrandom(mac.b, sizeof(mac.b), 0) == sizeof(mac.b))
		mac.b[0] = (uint8_t)((mac.b[0] & 0xfc) | 2);
	n->config = (struct virtio_net_config) {
		.status = VIRTIO_NET_S_LINK_UP,
		.max_virtqueue_pairs = (uint16_t)d->pairs,
		.mtu = d->mtu,
	};
	memcpy(n->config.mac, mac.b, sizeof(n->config.mac));
}

static int init(struct vhost_net *n, const struct guest_memory *m, const char *name,
	const struct vhost_source *s)
{
	struct vhosted_params p = {
		.memory = m,
		.name = name,
		.id = VIRTIO_ID_NET,
		.features = backend_features(n, s->vhost) | OURS,
		.known = known_of(n),
		.n_queues = 2 * n->pairs + (n->pairs > 1),
		.n_outside = 2 * n->pairs,
		.queue_size = QUEUE_SIZE,
		.config = &n->config,
		.config_bytes = offsetof(struct virtio_net_config, speed),
		.v = s->vhost,
		.channel = s->channel,
		.timeout_ms = s->timeout_ms,
	};

	if (n->config.mtu)
		p.features |= VIRTIO_FEATURE(VIRTIO_NET_F_MTU);
	if (n->pairs > 1)
		p.features |=
			VIRTIO_FEATURE(VIRTIO_NET_F_MQ) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ);
	return vhosted_init(&n->h, &net_ops, &p);
}

int vhost_net_device_new(const struct guest_memory *m, const char *name,
	const struct vhost_source *s, const struct vhost_net_device *d, struct virtio_device **ret)
{
	struct vhost_net *n =
		d->pairs && 2 * d->pairs <= VHOST_RINGS_MAX ? calloc(1, sizeof(*n)) : NULL;
	int r = -ENOMEM;

	if (n) {
		describe(n, d);
		r = init(n, m, name, s);
	} else {
		vhost_free(s->vhost);
	}
	if (r < 0) {
		free_taps(d->taps, d->pairs);
		free(n);
		return r;
	}
	*ret = &n->h.dev;
	return 0;
}
