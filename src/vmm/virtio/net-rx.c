// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Receiving: chains are taken from the queue ahead of the packet, since its length is only known
 * once it is read; what it does not use waits for the next. When the guest has no buffers left, the
 * tap is not watched until the driver rings.
 */
#include "net-inside.h"
#include "base/str.h"

#include <string.h>

static void listen(struct net *n, struct virtq *q, bool on)
{
	virtio_device_watch(&n->dev, q,
		on && net_is_active(n, q) && !__atomic_load_n(&n->face.dead, __ATOMIC_RELAXED));
}

/*
 * A tap that was deleted stays readable with an error for ever: stop looking at it. One whose pair
 * was just switched off answers the same.
 */
static void tap_gone(struct net *n, struct virtq *q)
{
	autofree char *text = NULL;

	listen(n, q, false);
	if (!net_is_active(n, q) || __atomic_exchange_n(&n->face.dead, true, __ATOMIC_RELAXED))
		return;
	text = str_printf("%s: the tap %s has gone: the link is down", n->dev.name,
		tap_name(net_pair_of(n, q)->tap));
	virtio_device_note(&n->dev, text);
	net_tell_status(&n->face);
}

static int rx_take_chain(struct net *n, struct virtq *q)
{
	struct rx *rx = &net_pair_of(n, q)->rx;
	struct virtq_chain c;
	int r = virtq_pop(q, rx->iov + rx->n_iov, RX_CHAIN_IOV, &c);

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
	struct rx *rx = &net_pair_of(n, q)->rx;
	unsigned most = virtio_has(&n->dev, VIRTIO_NET_F_MRG_RXBUF) ? QUEUE_SIZE : 1;

	while (rx->bytes < RX_PACKET_MAX && rx->n_chains < most &&
		rx->n_iov + RX_CHAIN_IOV <= RX_POOL_IOV)
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
	struct rx *rx = &net_pair_of(n, q)->rx;
	struct sg all = { rx->iov, rx->n_iov, rx->bytes };
	uint16_t used = 0;

	for (size_t left = len; left; used++) {
		const struct rx_chain *c = &rx->chains[used];
		size_t part = MIN(left, c->bytes);

		virtq_fill(q, c->head, (uint32_t)part);
		left -= part;
	}
	/* The tap leaves this field to us (5.1.6.4: how many buffers the packet takes). */
	sg_write_at(&all, offsetof(struct virtio_net_hdr_v1, num_buffers), &used, sizeof(used));
	rx_forget(rx, used);
	virtq_publish(q);
}

/* Reads one packet: 1, 0 when there is none, -ENOBUFS, -ENODEV when the tap has gone. */
static int rx_one(struct net *n, struct virtq *q)
{
	struct rx *rx = &net_pair_of(n, q)->rx;
	ssize_t len;

	rx_gather(n, q);
	if (!rx->n_chains)
		return -ENOBUFS;
	rx->iov[rx->n_iov] = (struct iovec) { rx->overflow, sizeof(rx->overflow) };
	len = tap_read(net_pair_of(n, q)->tap, rx->iov, rx->n_iov + 1);
	if (len == -EAGAIN)
		return 0;
	if (len <= 0)
		return -ENODEV;
	if ((size_t)len > rx->bytes || len < TAP_HEADER_BYTES || !net_link_is_up(&n->face))
		net_count(&n->counts.rx_dropped); /* the buffers serve the next one */
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

void net_rx_work(struct net *n, struct virtq *q)
{
	uint64_t before = q->stats.requests;
	int r = 1;

	if (!net_is_active(n, q)) {
		listen(n, q, false);
		return;
	}
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

void net_rx_listen(struct net *n, struct virtq *q)
{
	listen(n, q, true);
}

void net_rx_forget(struct net *n, const struct virtq *q)
{
	struct rx *rx = &net_pair_of(n, q)->rx;

	rx->n_chains = rx->n_iov = 0;
	rx->bytes = 0;
}
