// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets move between the tap and guest buffers in one readv or writev each, without a copy.
 *
 * Receiving: chains are taken from the queue ahead of the packet, since its length is only known
 * once it is read; what it does not use waits for the next. When the guest has no buffers left, the
 * tap is not watched until the driver rings.
 *
 * Sending: when the tap is full, the packet waits here until it can be written.
 */
#include "net.h"
#include "base/str.h"
#include "vmm/net/tap.h"

#include <linux/if_tun.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>

enum {
	QUEUE_SIZE = 256,
	RX_POOL_IOV = 1023, /* with the one for the overflow: what readv takes (UIO_MAXIOV) */
	/* The longest segment that a guest with TSO may be handed, with all headers. */
	RX_PACKET_MAX = TAP_HEADER_BYTES + 18 + 65535,
	/* Packets in one go before the other direction gets its turn. */
	BUDGET = 64,
	ETHERNET_HEADER = 14,
};

#define OFFLOADS                                                                                   \
	(VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |       \
		VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN))

_Static_assert(sizeof(struct virtio_net_hdr_v1) == TAP_HEADER_BYTES, "as the tap was told");

struct rx_chain {
	uint16_t head;
	unsigned pieces;
	size_t bytes;
};

struct rx {
	struct rx_chain chains[QUEUE_SIZE];
	unsigned n_chains;
	struct iovec iov[RX_POOL_IOV + 1]; /* of all chains in turn, then the overflow */
	unsigned n_iov;
	size_t bytes;
	char overflow[RX_PACKET_MAX];
};

struct tx {
	struct iovec iov[1 + VIRTQ_SIZE_MAX]; /* the header's copy goes in front */
	struct virtio_net_hdr_v1 header;
	struct virtq_chain chain;
	struct iovec *v; /* the packet as it will be written */
	unsigned n;
	bool waiting; /* for the tap to take it */
};

struct net {
	struct virtio_device dev;
	struct tap *tap;
	int room_fd; /* readable when the tap can be written */
	struct virtio_net_config config;
	bool dead;			 /* the tap has gone; the receive queue's lock */
	struct rx rx;			 /* the receive queue's lock */
	struct tx tx;			 /* the send queue's lock */
	uint64_t rx_dropped, tx_dropped; /* atomic */
};

static struct net *net_of(struct virtio_device *d)
{
	return container_of(d, struct net, dev);
}

static void drop(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void listen(struct net *n, struct virtq *rx, bool on)
{
	virtio_device_watch(&n->dev, rx, on && !n->dead);
}

/* A tap that was deleted stays readable with an error for ever: stop looking at it. */
static void tap_gone(struct net *n, struct virtq *rx)
{
	autofree char *text = str_printf("%s: the tap %s has gone; no packets arrive any more",
		n->dev.name, tap_name(n->tap));

	if (!n->dead)
		virtio_device_note(&n->dev, text);
	n->dead = true;
	listen(n, rx, false);
}

/* ---- receiving ---- */

static int rx_take_chain(struct net *n, struct virtq *q)
{
	struct rx *rx = &n->rx;
	struct virtq_chain c;
	int r = virtq_pop(q, rx->iov + rx->n_iov, RX_POOL_IOV - rx->n_iov, &c);

	if (r <= 0)
		return r;
	if (c.out.n)
		return virtq_break(q, "a receive buffer is not only to be written");
	if (c.in.len < TAP_HEADER_BYTES)
		return virtq_break(q, "a receive buffer cannot hold a packet's header");
	rx->chains[rx->n_chains++] = (struct rx_chain) { c.head, c.in.n, c.in.len };
	rx->n_iov += c.in.n;
	rx->bytes += c.in.len;
	return 1;
}

/* As many buffers as the longest packet can need, or as there are. */
static void rx_gather(struct net *n, struct virtq *q)
{
	struct rx *rx = &n->rx;
	unsigned most = virtio_has(&n->dev, VIRTIO_NET_F_MRG_RXBUF) ? QUEUE_SIZE : 1;

	while (rx->bytes < RX_PACKET_MAX && rx->n_chains < most &&
		rx->n_iov + q->size <= RX_POOL_IOV)
		if (rx_take_chain(n, q) <= 0)
			return;
}

static void rx_forget(struct rx *rx, unsigned chains)
{
	unsigned pieces = 0;

	for (unsigned i = 0; i < chains; i++) {
		pieces += rx->chains[i].pieces;
		rx->bytes -= rx->chains[i].bytes;
	}
	rx->n_chains -= chains;
	rx->n_iov -= pieces;
	memmove(rx->chains, rx->chains + chains, rx->n_chains * sizeof(rx->chains[0]));
	memmove(rx->iov, rx->iov + pieces, rx->n_iov * sizeof(rx->iov[0]));
}

/* The packet of `len` bytes is in the first chains: give those back. */
static void rx_deliver(struct net *n, struct virtq *q, size_t len)
{
	struct sg all = { n->rx.iov, n->rx.n_iov, n->rx.bytes };
	uint16_t used = 0;

	for (size_t left = len; left; used++) {
		const struct rx_chain *c = &n->rx.chains[used];
		size_t part = MIN(left, c->bytes);

		virtq_fill(q, c->head, (uint32_t)part);
		left -= part;
	}
	/* The tap leaves this field to us (5.1.6.4: how many buffers the packet takes). */
	sg_write_at(&all, offsetof(struct virtio_net_hdr_v1, num_buffers), &used, sizeof(used));
	rx_forget(&n->rx, used);
	virtq_publish(q);
}

/* Reads one packet: 1, 0 when there is none, -ENOBUFS, -ENODEV when the tap has gone. */
static int rx_one(struct net *n, struct virtq *q)
{
	struct rx *rx = &n->rx;
	ssize_t len;

	rx_gather(n, q);
	if (!rx->n_chains)
		return -ENOBUFS;
	rx->iov[rx->n_iov] = (struct iovec) { rx->overflow, sizeof(rx->overflow) };
	len = tap_read(n->tap, rx->iov, rx->n_iov + 1);
	if (len == -EAGAIN)
		return 0;
	if (len <= 0)
		return -ENODEV;
	if ((size_t)len > rx->bytes || len < TAP_HEADER_BYTES)
		drop(&n->rx_dropped); /* the buffers serve the next one */
	else
		rx_deliver(n, q, (size_t)len);
	return 1;
}

/* Out of buffers: the driver is to ring when it adds some, and until then nobody listens. */
static bool rx_wait_for_buffers(struct net *n, struct virtq *q)
{
	if (!virtq_arm(q))
		return false;
	listen(n, q, false);
	return true;
}

static void rx_work(struct net *n, struct virtq *q)
{
	uint64_t before = q->stats.requests;
	int r = 1;

	for (unsigned i = 0; r > 0 && i < BUDGET; i++) {
		r = rx_one(n, q);
		if (r == -ENOBUFS && !rx_wait_for_buffers(n, q))
			r = 1;
	}
	if (r == -ENODEV)
		tap_gone(n, q);
	if (q->stats.requests != before)
		virtio_device_interrupt(&n->dev, q);
}

/* ---- sending ---- */

/* What the driver may ask for is what it negotiated. */
static bool tx_header_is_sane(const struct net *n, const struct virtio_net_hdr_v1 *h)
{
	unsigned gso = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;

	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) && !virtio_has(&n->dev, VIRTIO_NET_F_CSUM))
		return false;
	if ((h->gso_type & VIRTIO_NET_HDR_GSO_ECN) && !virtio_has(&n->dev, VIRTIO_NET_F_HOST_ECN))
		return false;
	if (gso == VIRTIO_NET_HDR_GSO_TCPV4)
		return virtio_has(&n->dev, VIRTIO_NET_F_HOST_TSO4);
	if (gso == VIRTIO_NET_HDR_GSO_TCPV6)
		return virtio_has(&n->dev, VIRTIO_NET_F_HOST_TSO6);
	return gso == VIRTIO_NET_HDR_GSO_NONE;
}

/* Copies the header, judges the copy, and lays the packet out for the tap. */
static bool tx_prepare(struct net *n)
{
	struct tx *tx = &n->tx;
	struct sg *out = &tx->chain.out;

	if (!sg_pull(out, &tx->header, sizeof(tx->header)) || out->len < ETHERNET_HEADER ||
		!tx_header_is_sane(n, &tx->header))
		return false;
	tx->header.flags &= VIRTIO_NET_HDR_F_NEEDS_CSUM;
	tx->header.num_buffers = 0;
	tx->v = out->v - 1; /* pop left one free in front */
	tx->n = out->n + 1;
	*tx->v = (struct iovec) { &tx->header, sizeof(tx->header) };
	return true;
}

/* False when the packet has to wait. One that the tap refuses is lost, as on a wire. */
static bool tx_send(struct net *n, struct virtq *q)
{
	struct tx *tx = &n->tx;
	ssize_t r = tap_write(n->tap, tx->v, tx->n);

	tx->waiting = r == -EAGAIN;
	if (tx->waiting)
		return false;
	if (r < 0)
		drop(&n->tx_dropped);
	virtq_fill(q, tx->chain.head, 0);
	return true;
}

/* Takes and sends one packet: 1, 0 when there is none, -EAGAIN, or the queue broke. */
static int tx_one(struct net *n, struct virtq *q, bool *last)
{
	struct tx *tx = &n->tx;
	int r = virtq_pop(q, tx->iov + 1, VIRTQ_SIZE_MAX, &tx->chain);

	*last = r < 0 || virtq_arm(q);
	if (r <= 0)
		return r;
	if (!tx_prepare(n)) {
		drop(&n->tx_dropped);
		virtq_fill(q, tx->chain.head, 0);
		return 1;
	}
	return tx_send(n, q) ? 1 : -EAGAIN;
}

/* True: there is more, the other direction's turn first. */
static bool tx_work(struct net *n, struct virtq *q)
{
	uint64_t before = q->stats.requests;
	bool last = false, stuck = n->tx.waiting && !tx_send(n, q);
	bool more;

	for (unsigned i = 0; !stuck && !last && i < BUDGET; i++)
		stuck = tx_one(n, q, &last) == -EAGAIN;
	more = !stuck && !last && virtq_is_live(q);
	virtio_device_watch(&n->dev, q, stuck);
	virtq_publish(q);
	if (q->stats.requests != before)
		virtio_device_interrupt(&n->dev, q);
	return more;
}

/* ---- both ---- */

static int net_fd(struct virtio_device *d, struct virtq *q)
{
	return q->index == VIRTIO_NET_TX ? net_of(d)->room_fd : tap_fd(net_of(d)->tap);
}

static unsigned net_completed(struct virtio_device *d, struct virtq *q)
{
	uint64_t before = q->stats.requests;
	struct net *n = net_of(d);

	if (!virtio_device_runs(d) || !virtq_is_live(q))
		virtio_device_watch(d, q, false);
	else if (q->index == VIRTIO_NET_RX)
		rx_work(n, q);
	else if (tx_work(n, q))
		virtio_device_poke(d, q);
	return (unsigned)(q->stats.requests - before);
}

/* New receive buffers only say that listening is worth while again. */
static bool net_kicked(struct virtio_device *d, struct virtq *q)
{
	struct net *n = net_of(d);

	if (q->index == VIRTIO_NET_TX)
		return tx_work(n, q);
	listen(n, q, true);
	return false;
}

static void net_queue_reset(struct virtio_device *d, struct virtq *q)
{
	struct net *n = net_of(d);

	virtio_device_watch(d, q, false);
	if (q->index == VIRTIO_NET_TX) {
		n->tx.waiting = false;
	} else {
		n->rx.n_chains = n->rx.n_iov = 0;
		n->rx.bytes = 0;
	}
}

static void net_reset(struct virtio_device *d)
{
	tap_set_offload(net_of(d)->tap, 0);
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
	/* 5.1.3.1: segmentation needs checksums; the tap refuses the rest too without them. */
	return flags & TUN_F_CSUM ? flags : 0;
}

static void net_negotiated(struct virtio_device *d)
{
	tap_set_offload(net_of(d)->tap, offload_flags(d->features));
}

static void net_stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct net *n = net_of(d);

	each(arg, "rx-dropped", __atomic_load_n(&n->rx_dropped, __ATOMIC_RELAXED));
	each(arg, "tx-dropped", __atomic_load_n(&n->tx_dropped, __ATOMIC_RELAXED));
}

static void net_free(struct virtio_device *d)
{
	struct net *n = net_of(d);

	virtio_device_done(d);
	tap_free(n->tap);
	closep_(&n->room_fd);
	free(n);
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
};

static uint64_t features_of(struct tap *tap, uint16_t mtu)
{
	uint64_t f = VIRTIO_FEATURE(VIRTIO_F_IN_ORDER) | VIRTIO_FEATURE(VIRTIO_NET_F_MAC) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_STATUS) | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) |
		     VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN);

	if (mtu)
		f |= VIRTIO_FEATURE(VIRTIO_NET_F_MTU);
	/* Offer only what the tap will do. */
	if (tap_set_offload(tap, offload_flags(OFFLOADS)) == 0) {
		f |= OFFLOADS;
		tap_set_offload(tap, 0);
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
static int watch_room(struct net *n)
{
	struct epoll_event ev = { .events = EPOLLOUT };

	n->room_fd = epoll_create1(EPOLL_CLOEXEC);
	if (n->room_fd < 0 || epoll_ctl(n->room_fd, EPOLL_CTL_ADD, tap_fd(n->tap), &ev) < 0)
		return -errno;
	return 0;
}

static int start(struct net *n, const struct guest_memory *m, const char *name, uint16_t mtu)
{
	struct virtio_device_params params = {
		.ops = &net_ops,
		.name = name,
		.id = VIRTIO_ID_NET,
		.features = features_of(n->tap, mtu),
		.n_queues = 2,
		.queue_size = QUEUE_SIZE,
		.config = &n->config,
		.config_bytes = offsetof(struct virtio_net_config, speed),
	};
	int r = watch_room(n);

	if (r == 0)
		r = virtio_device_init(&n->dev, m, &params);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < n->dev.n_queues; i++) {
		n->dev.queues[i].pollable = false;
		virtio_device_watch(&n->dev, &n->dev.queues[i], false);
	}
	return 0;
}

int virtio_net_device_new(const struct guest_memory *m, const char *name, struct tap *tap,
	struct mac mac, uint16_t mtu, struct virtio_device **ret)
{
	struct net *n = calloc(1, sizeof(*n));
	int r = -ENOMEM;

	if (n) {
		n->tap = tap;
		n->config = (struct virtio_net_config) {
			.status = VIRTIO_NET_S_LINK_UP, .max_virtqueue_pairs = 1, .mtu = mtu
		};
		choose_mac(&n->config, mac);
		r = start(n, m, name, mtu);
	}
	if (r < 0) {
		if (n)
			closep_(&n->room_fd);
		tap_free(tap);
		free(n);
		return r;
	}
	*ret = &n->dev;
	return 0;
}
