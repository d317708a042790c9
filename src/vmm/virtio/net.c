// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets move between the tap and guest buffers in one readv or writev each, without a copy:
 * net-rx.c and net-tx.c. What the driver says of the interface as a whole is net-control.c.
 */
#include "net-inside.h"
#include "base/str.h"

#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

#define OFFLOADS                                                                                   \
	(VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |       \
		VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN))

_Static_assert(sizeof(struct virtio_net_hdr_v1) == TAP_HEADER_BYTES, "as the tap was told");

/* ---- queues ---- */

enum role { ROLE_RX, ROLE_TX, ROLE_CONTROL, ROLE_NONE };

static enum role role_of(const struct net *n, const struct virtq *q)
{
	unsigned control = net_control_index(n);

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

	if (q->index / 2 >= n->n_pairs)
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
		return net_control_work(n, q);
	case ROLE_NONE:
		break;
	}
	return false;
}

static void net_queue_reset(struct virtio_device *d, struct virtq *q)
{
	struct net *n = net_of(d);

	virtio_device_watch(d, q, false);
	if (q->index / 2 >= n->n_pairs)
		return;
	if (q->index % 2)
		net_pair_of(n, q)->tx.waiting = false;
	else
		net_rx_forget(n, q);
}

/* ---- the device ---- */

static void net_reset(struct virtio_device *d)
{
	net_control_reset(net_of(d));
}

static void net_negotiated(struct virtio_device *d)
{
	tap_set_offload(net_of(d)->pairs[0].tap, net_offload_flags(d->features));
}

void net_tell_status(struct net *n)
{
	uint16_t status = net_link_is_up(n) ? VIRTIO_NET_S_LINK_UP : 0;

	if (__atomic_load_n(&n->announcing, __ATOMIC_SEQ_CST))
		status |= VIRTIO_NET_S_ANNOUNCE;
	status = htole16(status);
	virtio_device_change_config(&n->dev, &n->config.status, &status, sizeof(status), true);
}

void virtio_net_device_set_link(struct virtio_device *d, bool up)
{
	struct net *n = net_of(d);
	bool was = __atomic_exchange_n(&n->up, up, __ATOMIC_SEQ_CST);

	if (up && !was)
		__atomic_store_n(&n->announcing, virtio_has(d, VIRTIO_NET_F_GUEST_ANNOUNCE),
			__ATOMIC_SEQ_CST);
	net_tell_status(n);
}

bool virtio_net_device_link(struct virtio_device *d)
{
	return net_link_is_up(net_of(d));
}

static int set_link(struct virtio_device *d, const char *value, struct problem **reterr)
{
	bool up = str_eq(value, "up");

	if (!up && !str_eq(value, "down"))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "link is up or down");
	if (up && __atomic_load_n(&net_of(d)->dead, __ATOMIC_RELAXED))
		return problem(reterr, -ENODEV, PROBLEM_VANISHED, NULL,
			"%s: its tap has gone, the link stays down", d->name);
	virtio_net_device_set_link(d, up);
	return 0;
}

/* 5.1.4: where it was offered at all. A driver reads it when it starts, and when it is told. */
static int set_mtu(struct virtio_device *d, const char *value, struct problem **reterr)
{
	uint32_t mtu;
	uint16_t le;

	if (parse_u32(value, &mtu) < 0 || mtu < 68 || mtu > UINT16_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "mtu is a number from 68 on");
	if (!(d->offered & VIRTIO_FEATURE(VIRTIO_NET_F_MTU)))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"start the guest with mtu= for this interface",
			"%s was made without an MTU that its driver is told", d->name);
	le = htole16((uint16_t)mtu);
	virtio_device_change_config(d, &net_of(d)->config.mtu, &le, sizeof(le), true);
	return 0;
}

static int net_set(struct virtio_device *d, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	if (queue < 0 && str_eq(key, "link"))
		return set_link(d, value, reterr);
	if (queue < 0 && str_eq(key, "mtu"))
		return set_mtu(d, value, reterr);
	return problem(
		reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s has no setting \"%s\"", d->name, key);
}

static void net_stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	const struct virtio_net_counts *c = &net_of(d)->counts;

	each(arg, "rx-dropped", __atomic_load_n(&c->rx_dropped, __ATOMIC_RELAXED));
	each(arg, "tx-dropped", __atomic_load_n(&c->tx_dropped, __ATOMIC_RELAXED));
	each(arg, "commands", __atomic_load_n(&c->commands, __ATOMIC_RELAXED));
	each(arg, "commands-refused", __atomic_load_n(&c->refused, __ATOMIC_RELAXED));
}

static void pairs_free(struct net *n)
{
	for (unsigned i = 0; i < n->n_pairs; i++) {
		/* A tap that is detached tells nobody what it is, after a reboot. */
		if (i >= n->active)
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
	if (d->offered & VIRTIO_FEATURE(VIRTIO_NET_F_STANDBY))
		each(arg, "standby", "on");
	if (net_of(d)->over_vf)
		each(arg, "over", "vf");
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
	uint64_t f = VIRTIO_FEATURE(VIRTIO_F_IN_ORDER) | VIRTIO_FEATURE(VIRTIO_NET_F_MAC) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_STATUS) | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX_EXTRA) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ANNOUNCE);

	if (s->mtu)
		f |= VIRTIO_FEATURE(VIRTIO_NET_F_MTU);
	if (n->n_pairs > 1)
		f |= VIRTIO_FEATURE(VIRTIO_NET_F_MQ);
	if (s->standby)
		f |= VIRTIO_FEATURE(VIRTIO_NET_F_STANDBY);
	/* As with an address that is somebody else's, too. */
	if (!s->fixed_mac && !s->standby)
		f |= VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_MAC_ADDR);
	/* Offer only what the tap will do. */
	if (tap_set_offload(n->pairs[0].tap, net_offload_flags(OFFLOADS)) == 0) {
		f |= OFFLOADS | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
		tap_set_offload(n->pairs[0].tap, 0);
	}
	return f;
}

static void choose_mac(struct virtio_net_config *config, struct mac mac)
{
	if (mac_is_zero(mac) && getrandom(mac.b, sizeof(mac.b), 0) == sizeof(mac.b))
		mac.b[0] = (uint8_t)((mac.b[0] & 0xfc) | 2);
	memcpy(config->mac, mac.b, sizeof(config->mac));
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
		.n_queues = 2 * n->n_pairs + 1,
		.queue_size = QUEUE_SIZE,
		.config = &n->config,
		.config_bytes = offsetof(struct virtio_net_config, speed),
	};
	int r = 0;

	for (unsigned i = 0; i < n->n_pairs && r == 0; i++)
		r = watch_room(&n->pairs[i]);
	if (r == 0)
		r = virtio_device_init(&n->dev, m, &params);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n->dev.n_queues; i++) {
		n->dev.queues[i].pollable = i == 2 * n->n_pairs;
		virtio_device_watch(&n->dev, &n->dev.queues[i], false);
	}
	/* Whoever opened the tap attached all of it. */
	n->active = n->n_pairs;
	net_set_active(n, 1);
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
	n->n_pairs = s->n_taps;
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
	n->up = true;
	n->over_vf = s->over_vf;
	n->config = (struct virtio_net_config) {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16((uint16_t)n->n_pairs),
		.mtu = htole16(s->mtu),
	};
	choose_mac(&n->config, s->mac);
	r = start(n, m, name, s);
	if (r < 0) {
		pairs_free(n);
		return r;
	}
	*ret = &n->dev;
	return 0;
}
