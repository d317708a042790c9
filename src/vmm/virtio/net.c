// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets move between the tap and guest buffers in one readv or writev each, without a copy:
 * net-rx.c and net-tx.c. What the driver says of the interface as a whole is net-control.c.
 */
#include "net-inside.h"
#include "base/str.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/epoll.h>

_Static_assert(sizeof(struct virtio_net_hdr_v1) == TAP_HEADER_BYTES, "as the tap was told");

/* ---- queues ---- */

enum role { ROLE_RX, ROLE_TX, ROLE_CONTROL, ROLE_NONE };

static enum role role_of(const struct net *n, const struct virtq *q)
{
	unsigned control = net_control_index(&n->face);

	if (q->index == control)
		return virtio_has(&n->dev, VIRTIO_NET_F_CTRL_VQ) ? ROLE_CONTROL : ROLE_NONE;
	if (q->index > control)
		return ROLE_NONE;
	return q->index % 2 ? ROLE_TX : ROLE_RX;
}

/* Of the queue, whatever was negotiated: a thread asks before that. */
static int net_fd(struct virtio_device *d, struct virtq *q)
{
	struct net *n = net_of(d);
	struct net_pair *p = net_pair_of(n, q);

	if (q->index / 2 >= n->face.n_pairs)
		return -1;
	return q->index % 2 ? p->room_fd : tap_fd(p->tap);
}

static unsigned net_completed(struct virtio_device *d, struct virtq *q)
{
	uint64_t before = q->stats.requests;
	struct net *n = net_of(d);
	enum role role = role_of(n, q);

	if (!virtio_device_runs(d) || !virtq_is_live(q) || role > ROLE_TX)
		virtio_device_watch(d, q, false);
	else if (role == ROLE_RX)
		net_rx_work(n, q);
	else if (net_tx_work(n, q))
		virtio_device_poke(d, q);
	return (unsigned)(q->stats.requests - before);
}

/* New receive buffers only say that listening is worth while again. */
static bool net_kicked(struct virtio_device *d, struct virtq *q)
{
	struct net *n = net_of(d);

	switch (role_of(n, q)) {
	case ROLE_TX:
		return net_tx_work(n, q);
	case ROLE_RX:
		net_rx_listen(n, q);
		break;
	case ROLE_CONTROL:
		return net_control_work(&n->face, q);
	case ROLE_NONE:
		break;
	}
	return false;
}

static void net_queue_reset(struct virtio_device *d, struct virtq *q)
{
	struct net *n = net_of(d);

	virtio_device_watch(d, q, false);
	if (q->index / 2 >= n->face.n_pairs)
		return;
	if (q->index % 2)
		net_pair_of(n, q)->tx.waiting = false;
	else
		net_rx_forget(n, q);
}

/* ---- the device ---- */

static void net_reset(struct virtio_device *d)
{
	net_control_reset(&net_of(d)->face);
}

static void net_negotiated(struct virtio_device *d)
{
	tap_set_offload(net_of(d)->pairs[0].tap, net_offload_flags(d->features));
}

/*
 * Attached before it counts as active, and inactive before it is detached: who reads meanwhile and
 * is refused looks again whether it should have read at all.
 */
static void use_pairs(struct net_face *f, unsigned pairs)
{
	struct net *n = container_of(f, struct net, face);
	unsigned before = __atomic_load_n(&f->active, __ATOMIC_SEQ_CST);

	for (unsigned i = before; i < pairs; i++)
		tap_set_queue(n->pairs[i].tap, true);
	__atomic_store_n(&f->active, pairs, __ATOMIC_SEQ_CST);
	for (unsigned i = pairs; i < before; i++)
		tap_set_queue(n->pairs[i].tap, false);
	for (unsigned i = before; i < pairs; i++)
		virtio_device_poke(&n->dev, &n->dev.queues[2 * i]);
}

void virtio_net_device_set_link(struct virtio_device *d, bool up)
{
	net_set_link(&net_of(d)->face, up);
}

bool virtio_net_device_link(struct virtio_device *d)
{
	return net_link_is_up(&net_of(d)->face);
}

static int net_set(struct virtio_device *d, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	return net_face_set(&net_of(d)->face, queue, key, value, reterr);
}

static void net_stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	const struct virtio_net_counts *c = &net_of(d)->counts;

	each(arg, "rx-dropped", __atomic_load_n(&c->rx_dropped, __ATOMIC_RELAXED));
	each(arg, "tx-dropped", __atomic_load_n(&c->tx_dropped, __ATOMIC_RELAXED));
	net_face_stats(&net_of(d)->face, each, arg);
}

static void pairs_free(struct net *n)
{
	for (unsigned i = 0; i < n->face.n_pairs; i++) {
		/* A tap that is detached tells nobody what it is, after a reboot. */
		if (i >= n->face.active)
			tap_set_queue(n->pairs[i].tap, true);
		tap_free(n->pairs[i].tap);
		closep_(&n->pairs[i].room_fd);
	}
	free(n->pairs);
	free(n);
}

static void net_free(struct virtio_device *d)
{
	virtio_device_done(d);
	pairs_free(net_of(d));
}

static void net_traits(struct virtio_device *d,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	net_face_traits(&net_of(d)->face, each, arg);
}

static const struct virtio_device_ops net_ops = {
	.negotiated = net_negotiated,
	.kicked = net_kicked,
	.fd = net_fd,
	.completed = net_completed,
	.queue_reset = net_queue_reset,
	.reset = net_reset,
	.free = net_free,
	.stats = net_stats,
	.set = net_set,
	.traits = net_traits,
};

/* ---- making one ---- */

static uint64_t features_of(const struct net *n, const struct virtio_net_setup *s)
{
	return net_face_features(&n->face, s) | VIRTIO_FEATURE(VIRTIO_F_IN_ORDER) |
	       VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF) | VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) |
	       VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) |
	       VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN);
}

/* Both queues' threads sleep on the tap, for different things, and may be one. */
static int watch_room(struct net_pair *p)
{
	struct epoll_event ev = { .events = EPOLLOUT };

	p->room_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->room_fd < 0 || epoll_ctl(p->room_fd, EPOLL_CTL_ADD, tap_fd(p->tap), &ev) < 0)
		return -errno;
	return 0;
}

static int start(struct net *n, const struct guest_memory *m, const char *name,
	const struct virtio_net_setup *s)
{
	struct virtio_device_params params = {
		.ops = &net_ops,
		.name = name,
		.id = VIRTIO_ID_NET,
		.features = features_of(n, s),
		.needed = s->standby_needed ? VIRTIO_FEATURE(VIRTIO_NET_F_STANDBY) : 0,
		.n_queues = 2 * n->face.n_pairs + 1,
		.queue_size = QUEUE_SIZE,
		.config = &n->face.config,
		.config_bytes = offsetof(struct virtio_net_config, speed),
	};
	int r = 0;

	for (unsigned i = 0; i < n->face.n_pairs && r == 0; i++)
		r = watch_room(&n->pairs[i]);
	if (r == 0)
		r = virtio_device_init(&n->dev, m, &params);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n->dev.n_queues; i++) {
		n->dev.queues[i].pollable = i == 2 * n->face.n_pairs;
		n->dev.queues[i].singly = i < 2 * n->face.n_pairs && i % 2 == 0;
		virtio_device_watch(&n->dev, &n->dev.queues[i], false);
	}
	/* Whoever opened the tap attached all of it. */
	n->face.active = n->face.n_pairs;
	use_pairs(&n->face, 1);
	return 0;
}

static struct net *pairs_new(const struct virtio_net_setup *s)
{
	struct net *n = calloc(1, sizeof(*n));

	if (n)
		n->pairs = calloc(s->n_taps, sizeof(n->pairs[0]));
	if (!n || !n->pairs) {
		free(n);
		return NULL;
	}
	n->face.n_pairs = s->n_taps;
	for (unsigned i = 0; i < s->n_taps; i++)
		n->pairs[i] = (struct net_pair) { .tap = s->taps[i], .room_fd = -1 };
	return n;
}

int virtio_net_device_new(const struct guest_memory *m, const char *name,
	const struct virtio_net_setup *s, struct virtio_device **ret)
{
	struct net *n = pairs_new(s);
	int r;

	if (!n) {
		for (unsigned i = 0; i < s->n_taps; i++)
			tap_free(s->taps[i]);
		return -ENOMEM;
	}
	n->face.dev = &n->dev;
	n->face.tap = n->pairs[0].tap;
	n->face.use_pairs = use_pairs;
	net_face_init(&n->face, s);
	r = start(n, m, name, s);
	if (r < 0) {
		pairs_free(n);
		return r;
	}
	*ret = &n->dev;
	return 0;
}
