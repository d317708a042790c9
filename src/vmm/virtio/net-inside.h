/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parts of virtio-net, for its files alone.
 *
 * A pair of queues has a queue of the tap of its own, and nothing that another pair has. What the
 * control queue decides is in atomics that the others look at; it takes no lock of theirs.
 */
#pragma once

#include "net.h"
#include "vmm/net/tap.h"

#include <linux/virtio_net.h>

enum {
	QUEUE_SIZE = 256,
	RX_CHAIN_IOV = 256, /* more pieces than a receive buffer of any driver has */
	RX_POOL_IOV = 1023, /* with the one for the overflow: what readv takes (UIO_MAXIOV) */
	/* The longest segment that a guest with TSO may be handed, with all headers. */
	RX_PACKET_MAX = TAP_HEADER_BYTES + 18 + 65535,
	/* Packets in one go before the other direction gets its turn. */
	BUDGET = 64,
	ETHERNET_HEADER = 14,
	NET_FILTER_MAX = 64, /* addresses of a kind; more are all */
};

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

struct net_pair {
	struct tap *tap;
	int room_fd;  /* readable when the tap can be written; -1 none */
	struct rx rx; /* the receive queue's lock */
	struct tx tx; /* the send queue's lock */
};

/* What the driver wants to receive (5.1.6.5.1, 5.1.6.5.2); the control queue's lock. */
struct net_filter {
	bool promisc, allmulti, alluni, nomulti, nouni, nobcast;
	unsigned n_uni, n_multi;
	bool too_many_uni, too_many_multi;
	struct mac uni[NET_FILTER_MAX], multi[NET_FILTER_MAX];
};

struct net {
	struct virtio_device dev;
	struct net_pair *pairs;
	unsigned n_pairs;
	struct virtio_net_config config; /* virtio_device_change_config() */
	struct net_filter filter;
	bool over_vf;
	unsigned active;	   /* atomic: pairs that the driver uses */
	bool up, dead, announcing; /* atomic: by the user's wish; the tap has gone; to be told */
	struct virtio_net_counts {
		uint64_t rx_dropped, tx_dropped, commands, refused; /* atomic */
	} counts;
};

static inline struct net *net_of(struct virtio_device *d)
{
	return container_of(d, struct net, dev);
}

static inline void net_count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Which queue is the control queue depends on what was negotiated (5.1.2). */
static inline unsigned net_control_index(const struct net *n)
{
	return virtio_has(&n->dev, VIRTIO_NET_F_MQ) ? 2 * n->n_pairs : 2;
}

static inline struct net_pair *net_pair_of(struct net *n, const struct virtq *q)
{
	return &n->pairs[q->index / 2];
}

/* The queue's pair is in use: it is received on. */
static inline bool net_is_active(const struct net *n, const struct virtq *q)
{
	return q->index / 2 < __atomic_load_n(&n->active, __ATOMIC_SEQ_CST);
}

static inline bool net_link_is_up(const struct net *n)
{
	return __atomic_load_n(&n->up, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&n->dead, __ATOMIC_RELAXED);
}

/* ---- net-rx.c, net-tx.c: queue lock held ---- */

void net_rx_work(struct net *n, struct virtq *q);
/* There may be buffers: packets are listened for. */
void net_rx_listen(struct net *n, struct virtq *q);
void net_rx_forget(struct net *n, const struct virtq *q);
/* True: there is more, the other direction's turn first. */
bool net_tx_work(struct net *n, struct virtq *q);

/* ---- net-control.c ---- */

/* Queue lock held. True: there is more. */
bool net_control_work(struct net *n, struct virtq *q);
/* As after power-on: one pair, everything that is for the guest's address, or for all. */
void net_control_reset(struct net *n);
/* Pairs that are used from now on. */
void net_set_active(struct net *n, unsigned pairs);
unsigned net_offload_flags(uint64_t features);

/* ---- net.c ---- */

/* Tells the driver what the link is now, and whether others should hear of it. No lock but a
 * queue's. */
void net_tell_status(struct net *n);
