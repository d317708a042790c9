// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network interface that the kernel serves over taps, or another process. What the driver says of
 * it as a whole is said here (net-face.c, net-control.c); of pairs that it switches off the rings
 * are not served, and their taps are no part of the interface.
 */
#include "net-inside.h"
#include "vhost-kinds.h"
#include "vmm/net/tap.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>

enum { PAIRS_MAX = VHOST_RINGS_MAX / 2 };

#define OFFLOADS_IN                                                                                \
	(VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |       \
		VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN))
#define OFFLOADS_OUT                                                                               \
	(VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) |              \
		VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN))

struct vhost_net {
	struct vhosted h;
	struct net_face face;
	struct tap *taps[PAIRS_MAX]; /* one for each pair, or none */
	uint32_t attached;	     /* a bit for each tap that is the interface's; h.asking */
};

static struct vhost_net *vhost_net_of(struct vhosted *h)
{
	return container_of(h, struct vhost_net, h);
}

/* ---- pairs ---- */

static void attach(struct vhost_net *n, unsigned pair, bool on)
{
	if (!n->taps[pair] || on == !!(n->attached & 1U << pair))
		return;
	tap_set_queue(n->taps[pair], on);
	n->attached ^= 1U << pair;
}

/* A tap is part of the interface before its ring is served, and until it no longer is. */
static void apply(struct vhost_net *n)
{
	unsigned active = __atomic_load_n(&n->face.active, __ATOMIC_SEQ_CST);
	bool up = __atomic_load_n(&n->face.up, __ATOMIC_SEQ_CST);

	pthread_mutex_lock(&n->h.asking);
	for (unsigned i = 0; i < active; i++)
		attach(n, i, true);
	vhosted_enable(&n->h, !up ? 0 : active == PAIRS_MAX ? ~0ULL : (1ULL << 2 * active) - 1);
	for (unsigned i = active; i < n->face.n_pairs; i++)
		attach(n, i, false);
	pthread_mutex_unlock(&n->h.asking);
}

static void use_pairs(struct net_face *f, unsigned pairs)
{
	__atomic_store_n(&f->active, pairs, __ATOMIC_SEQ_CST);
	apply(container_of(f, struct vhost_net, face));
}

/*
 * Without a link no ring is served. Another process drops what comes then, and what is sent
 * (vhost-user.rst, "Ring states"); a tap, where it would wait for the link, lets nothing in.
 */
static void switched(struct net_face *f)
{
	apply(container_of(f, struct vhost_net, face));
	if (f->tap)
		net_apply_filter(f);
}

/* ---- the device ---- */

/* Which queue is the control queue depends on it; offloads are all taps'. */
static void negotiated(struct vhosted *h)
{
	struct vhost_net *n = vhost_net_of(h);

	__atomic_store_n(&h->n_outside, net_control_index(&n->face), __ATOMIC_RELAXED);
	if (n->face.tap)
		tap_set_offload(n->face.tap, net_offload_flags(h->dev.features));
}

static int look(struct vhosted *h UNUSED, struct vhost *v UNUSED)
{
	return 0; /* all that the guest sees is ours */
}

static bool kicked(struct vhosted *h, struct virtq *q)
{
	struct net_face *f = &vhost_net_of(h)->face;

	return q->index == net_control_index(f) && virtio_has(&h->dev, VIRTIO_NET_F_CTRL_VQ) &&
	       net_control_work(f, q);
}

static void reset(struct vhosted *h)
{
	struct vhost_net *n = vhost_net_of(h);
	struct virtq *control = &h->dev.queues[h->dev.n_queues - 1];

	virtq_lock(control);
	net_control_reset(&n->face);
	if (!__atomic_load_n(&n->face.up, __ATOMIC_SEQ_CST))
		switched(&n->face);
	virtq_unlock(control);
}

static int set(
	struct vhosted *h, int queue, const char *key, const char *value, struct problem **reterr)
{
	return net_face_set(&vhost_net_of(h)->face, queue, key, value, reterr);
}

static void stats(
	struct vhosted *h, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	net_face_stats(&vhost_net_of(h)->face, each, arg);
}

static void traits(
	struct vhosted *h, void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	net_face_traits(&vhost_net_of(h)->face, each, arg);
}

static void free_taps(struct tap *const *taps, unsigned n)
{
	for (unsigned i = 0; taps && i < n; i++)
		tap_free(taps[i]);
}

/* A tap that is detached tells nobody what it is, after a reboot. */
static void release(struct vhosted *h)
{
	struct vhost_net *n = vhost_net_of(h);

	for (unsigned i = 0; i < n->face.n_pairs; i++) {
		attach(n, i, true);
		tap_free(n->taps[i]);
	}
	free(n);
}

static const struct vhosted_ops net_ops = {
	.look = look,
	.negotiated = negotiated,
	.kicked = kicked,
	.reset = reset,
	.set = set,
	.stats = stats,
	.traits = traits,
	.free = release,
};

/* ---- making one ---- */

/* Over taps the offloads are theirs, of another process its own. */
static uint64_t features_of(
	const struct vhost_net *n, const struct vhost *v, const struct virtio_net_setup *s)
{
	const uint64_t merge = VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF);
	uint64_t f = net_face_features(&n->face, s);

	return n->face.tap ? f | (v->features & merge) | OFFLOADS_OUT
			   : f | (v->features & (merge | OFFLOADS_IN | OFFLOADS_OUT));
}

/* Who has as many queues need not offer MQ; so neither need who takes his place. */
static uint64_t known_of(const struct vhost_net *n, const struct vhost *v)
{
	const uint64_t merge = VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF);

	return n->face.tap ? merge
			   : merge | OFFLOADS_IN | OFFLOADS_OUT |
				     (v->features & VIRTIO_FEATURE(VIRTIO_NET_F_MQ));
}

static int init(struct vhost_net *n, const struct guest_memory *m, const char *name,
	const struct vhost_source *s, const struct virtio_net_setup *d)
{
	struct vhosted_params p = {
		.memory = m,
		.name = name,
		.id = VIRTIO_ID_NET,
		.features = features_of(n, s->vhost, d),
		.known = known_of(n, s->vhost),
		.needed = d->standby_needed ? VIRTIO_FEATURE(VIRTIO_NET_F_STANDBY) : 0,
		.n_queues = 2 * n->face.n_pairs + 1,
		.n_outside = 2 * n->face.n_pairs,
		.queue_size = QUEUE_SIZE,
		.config = &n->face.config,
		.config_bytes = offsetof(struct virtio_net_config, speed),
		.v = s->vhost,
		.channel = s->channel,
		.timeout_ms = s->timeout_ms,
	};

	return vhosted_init(&n->h, &net_ops, &p);
}

static struct vhost_net *describe(const struct virtio_net_setup *d, unsigned pairs)
{
	struct vhost_net *n = pairs && pairs <= PAIRS_MAX ? calloc(1, sizeof(*n)) : NULL;

	if (!n)
		return NULL;
	for (unsigned i = 0; d->taps && i < pairs; i++) {
		n->taps[i] = d->taps[i];
		n->attached |= 1U << i; /* by whoever opened it */
	}
	n->face.dev = &n->h.dev;
	n->face.tap = n->taps[0];
	n->face.n_pairs = pairs;
	n->face.use_pairs = use_pairs;
	n->face.switched = switched;
	net_face_init(&n->face, d);
	return n;
}

int vhost_net_device_new(const struct guest_memory *m, const char *name,
	const struct vhost_source *s, const struct virtio_net_setup *d, unsigned pairs,
	struct virtio_device **ret)
{
	struct vhost_net *n = describe(d, pairs);
	int r = -ENOMEM;

	if (n)
		r = init(n, m, name, s, d);
	else
		vhost_free(s->vhost);
	if (r < 0) {
		free_taps(d->taps, pairs);
		free(n);
		return r;
	}
	use_pairs(&n->face, 1);
	*ret = &n->h.dev;
	return 0;
}
