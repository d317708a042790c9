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
	KEEP_APART;
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

/*
 * What the driver says of an interface as a whole and is told of it, whoever moves its packets: the
 * queues of this process (struct net), or somebody else (vhost-net.c).
 */
struct net_face {
	struct virtio_device *dev;
	struct virtio_net_config config; /* virtio_device_change_config() */
	struct tap *tap; /* of the first pair: offloads and addresses are all pairs'; NULL: none */
	unsigned n_pairs;
	struct net_filter filter;
	bool over_vf;
	unsigned active;	    /* atomic: pairs that the driver uses */
	bool up, dead, announcing;  /* atomic: by the user's wish; the tap has gone; to be told */
	uint64_t commands, refused; /* atomic */
	/* Makes `pairs` the active ones. A queue's lock is held, or the device's. */
	void (*use_pairs)(struct net_face *f, unsigned pairs);
	/* `up` has changed; the control queue's lock is held. NULL: who moves packets looks. */
	void (*switched)(struct net_face *f);
};

struct net {
	struct virtio_device dev;
	struct net_face face;
	struct net_pair *pairs;
	struct virtio_net_counts {
		uint64_t rx_dropped, tx_dropped; /* atomic */
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
static inline unsigned net_control_index(const struct net_face *f)
{
	return virtio_has(f->dev, VIRTIO_NET_F_MQ) ? 2 * f->n_pairs : 2;
}

static inline struct net_pair *net_pair_of(struct net *n, const struct virtq *q)
{
	return &n->pairs[q->index / 2];
}

/* The queue's pair is in use: it is received on. */
static inline bool net_is_active(const struct net *n, const struct virtq *q)
{
	return q->index / 2 < __atomic_load_n(&n->face.active, __ATOMIC_SEQ_CST);
}

static inline bool net_link_is_up(const struct net_face *f)
{
	return __atomic_load_n(&f->up, __ATOMIC_RELAXED) &&
	       !__atomic_load_n(&f->dead, __ATOMIC_RELAXED);
}

/* ---- net-rx.c, net-tx.c: queue lock held ---- */

/* A turn: packets of the tap into the driver's buffers; the driver is interrupted if it wants. */
void net_rx_work(struct net *n, struct virtq *q);
/* There may be buffers: packets are listened for. */
void net_rx_listen(struct net *n, struct virtq *q);
/* The queue was reset: its buffers are nobody's. */
void net_rx_forget(struct net *n, const struct virtq *q);
/* True: there is more, the other direction's turn first. */
bool net_tx_work(struct net *n, struct virtq *q);

/* ---- net-control.c ---- */

/* Queue lock held. True: there is more. */
bool net_control_work(struct net_face *f, struct virtq *q);
/* As after power-on: one pair, everything that is for the guest's address, or for all. */
void net_control_reset(struct net_face *f);
/* What arrives is what the driver wants, and nothing while the link is down; queue lock held. */
void net_apply_filter(struct net_face *f);
unsigned net_offload_flags(uint64_t features);

/* ---- net-face.c ---- */

/* The tap, n_pairs and the functions are there; the device is not yet. */
void net_face_init(struct net_face *f, const struct virtio_net_setup *s);
/* What is the interface's, and not of who moves packets: to be offered. */
uint64_t net_face_features(const struct net_face *f, const struct virtio_net_setup *s);
/* Tells the driver what the link is now, and whether others should hear of it. No lock but a
 * queue's. */
void net_tell_status(struct net_face *f);
void net_set_link(struct net_face *f, bool up);
/* As the operations of a device. */
int net_face_set(
	struct net_face *f, int queue, const char *key, const char *value, struct problem **reterr);
void net_face_stats(
	struct net_face *f, void (*each)(void *arg, const char *name, uint64_t v), void *arg);
void net_face_traits(const struct net_face *f,
	void (*each)(void *arg, const char *key, const char *word), void *arg);
