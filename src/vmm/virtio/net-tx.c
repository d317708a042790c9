// SPDX-License-Identifier: GPL-2.0-or-later
/* Sending: when the tap is full, the packet waits here until it can be written. */
#include "net-inside.h"

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
static bool tx_prepare(const struct net *n, struct tx *tx)
{
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
	struct tx *tx = &net_pair_of(n, q)->tx;
	bool up = net_link_is_up(&n->face);
	ssize_t r = up ? tap_write(net_pair_of(n, q)->tap, tx->v, tx->n) : -ENETDOWN;

	tx->waiting = r == -EAGAIN;
	if (tx->waiting)
		return false;
	if (r < 0)
		net_count(&n->counts.tx_dropped);
	virtq_fill(q, tx->chain.head, 0);
	return true;
}

/* Takes and sends one packet: 1, 0 when there is none, -EAGAIN, or the queue broke. */
static int tx_one(struct net *n, struct virtq *q, bool *last)
{
	struct tx *tx = &net_pair_of(n, q)->tx;
	int r = virtq_pop(q, tx->iov + 1, VIRTQ_SIZE_MAX, &tx->chain);

	*last = r < 0 || virtq_arm(q);
	if (r <= 0)
		return r;
	if (!tx_prepare(n, tx)) {
		net_count(&n->counts.tx_dropped);
		virtq_fill(q, tx->chain.head, 0);
		return 1;
	}
	return tx_send(n, q) ? 1 : -EAGAIN;
}

bool net_tx_work(struct net *n, struct virtq *q)
{
	uint64_t before = q->stats.requests;
	bool last = false, stuck = net_pair_of(n, q)->tx.waiting && !tx_send(n, q);
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
