// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control queue (5.1.6.5): what the driver tells about the interface as a whole. A command that
 * is not understood, was not negotiated or says nonsense is answered with an error, and changes
 * nothing.
 */
#include "net-inside.h"
#include "base/str.h"

#include <endian.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <string.h>

/* What a command has to say, as it is read out of the guest's memory. */
struct command {
	struct net *n;
	uint8_t kind; /* within its class */
	struct sg data;
};

unsigned net_offload_flags(uint64_t features)
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

/* ---- Pairs ---- */

/*
 * Attached before it counts as active, and inactive before it is detached: who reads meanwhile and
 * is refused looks again whether it should have read at all.
 */
void net_set_active(struct net *n, unsigned pairs)
{
	unsigned before = __atomic_load_n(&n->active, __ATOMIC_SEQ_CST);

	for (unsigned i = before; i < pairs; i++)
		tap_set_queue(n->pairs[i].tap, true);
	__atomic_store_n(&n->active, pairs, __ATOMIC_SEQ_CST);
	for (unsigned i = pairs; i < before; i++)
		tap_set_queue(n->pairs[i].tap, false);
	for (unsigned i = before; i < pairs; i++)
		virtio_device_poke(&n->dev, &n->dev.queues[2 * i]);
}

static bool set_pairs(struct command *c)
{
	uint16_t pairs;

	if (c->kind != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
		!virtio_has(&c->n->dev, VIRTIO_NET_F_MQ) ||
		!sg_pull(&c->data, &pairs, sizeof(pairs)))
		return false;
	pairs = le16toh(pairs);
	if (pairs < 1 || pairs > c->n->n_pairs)
		return false;
	net_set_active(c->n, pairs);
	return true;
}

/* ---- What is received ---- */

static const struct mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/*
 * The tap drops what nobody wants before it wakes anyone. It knows a list of addresses, or no
 * limits: what cannot be said to it is let through, as the specification allows.
 */
static void apply_filter(struct net *n)
{
	const struct net_filter *f = &n->filter;
	bool all = f->promisc || f->alluni || f->too_many_uni;
	bool allmulti = (f->allmulti || f->too_many_multi) && !f->nomulti;
	struct mac v[2 + 2 * NET_FILTER_MAX];
	unsigned i = 0;

	memcpy(v[i++].b, n->config.mac, sizeof(v[0].b));
	for (unsigned k = 0; !f->nouni && k < f->n_uni; k++)
		v[i++] = f->uni[k];
	if (!f->nobcast)
		v[i++] = broadcast;
	for (unsigned k = 0; !f->nomulti && k < f->n_multi; k++)
		v[i++] = f->multi[k];
	/* A macvtap cannot, and is for its own address anyway. */
	tap_set_filter(n->pairs[0].tap, v, all ? 0 : i, allmulti);
}

static bool set_rx_mode(struct command *c)
{
	struct net_filter *f = &c->n->filter;
	bool *const modes[] = {
		[VIRTIO_NET_CTRL_RX_PROMISC] = &f->promisc,
		[VIRTIO_NET_CTRL_RX_ALLMULTI] = &f->allmulti,
		[VIRTIO_NET_CTRL_RX_ALLUNI] = &f->alluni,
		[VIRTIO_NET_CTRL_RX_NOMULTI] = &f->nomulti,
		[VIRTIO_NET_CTRL_RX_NOUNI] = &f->nouni,
		[VIRTIO_NET_CTRL_RX_NOBCAST] = &f->nobcast,
	};
	unsigned feature = c->kind > VIRTIO_NET_CTRL_RX_ALLMULTI ? VIRTIO_NET_F_CTRL_RX_EXTRA
								 : VIRTIO_NET_F_CTRL_RX;
	uint8_t on;

	if (c->kind >= ARRAY_SIZE(modes) || !virtio_has(&c->n->dev, feature) ||
		!sg_pull(&c->data, &on, sizeof(on)))
		return false;
	*modes[c->kind] = on;
	apply_filter(c->n);
	return true;
}

/* A number, and so many addresses. More than we keep are all there are. */
static bool pull_table(struct sg *data, struct mac *v, unsigned *ret_n, bool *ret_too_many)
{
	uint32_t n;

	if (!sg_pull(data, &n, sizeof(n)))
		return false;
	n = le32toh(n);
	if (n > data->len / sizeof(v->b))
		return false;
	*ret_too_many = n > NET_FILTER_MAX;
	*ret_n = *ret_too_many ? 0 : n;
	for (unsigned i = 0; i < *ret_n; i++)
		sg_pull(data, v[i].b, sizeof(v[i].b));
	if (*ret_too_many)
		sg_skip(data, n * sizeof(v->b));
	return true;
}

static bool set_table(struct command *c)
{
	struct net_filter f = c->n->filter;

	if (!virtio_has(&c->n->dev, VIRTIO_NET_F_CTRL_RX) ||
		!pull_table(&c->data, f.uni, &f.n_uni, &f.too_many_uni) ||
		!pull_table(&c->data, f.multi, &f.n_multi, &f.too_many_multi))
		return false;
	c->n->filter = f;
	apply_filter(c->n);
	return true;
}

static bool set_address(struct command *c)
{
	struct mac mac;

	if (!virtio_has(&c->n->dev, VIRTIO_NET_F_CTRL_MAC_ADDR) ||
		!sg_pull(&c->data, mac.b, sizeof(mac.b)) || mac_is_multicast(mac))
		return false;
	virtio_device_change_config(&c->n->dev, c->n->config.mac, mac.b, sizeof(mac.b), false);
	apply_filter(c->n);
	return true;
}

static bool set_mac(struct command *c)
{
	switch (c->kind) {
	case VIRTIO_NET_CTRL_MAC_TABLE_SET:
		return set_table(c);
	case VIRTIO_NET_CTRL_MAC_ADDR_SET:
		return set_address(c);
	}
	return false;
}

/* ---- The rest ---- */

static bool acknowledge(struct command *c)
{
	if (c->kind != VIRTIO_NET_CTRL_ANNOUNCE_ACK ||
		!virtio_has(&c->n->dev, VIRTIO_NET_F_GUEST_ANNOUNCE))
		return false;
	__atomic_store_n(&c->n->announcing, false, __ATOMIC_SEQ_CST);
	net_tell_status(c->n);
	return true;
}

#define GUEST_OFFLOADS                                                                             \
	(VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |       \
		VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN))

/* What was negotiated can be switched off, and on again. */
static bool set_offloads(struct command *c)
{
	uint64_t wanted;

	if (c->kind != VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET ||
		!virtio_has(&c->n->dev, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) ||
		!sg_pull(&c->data, &wanted, sizeof(wanted)))
		return false;
	wanted = le64toh(wanted);
	if (wanted & ~(c->n->dev.features & GUEST_OFFLOADS))
		return false;
	return tap_set_offload(c->n->pairs[0].tap, net_offload_flags(wanted)) == 0;
}

static bool obey(struct net *n, struct virtq_chain *chain)
{
	static bool (*const classes[])(struct command * c) = {
		[VIRTIO_NET_CTRL_RX] = set_rx_mode,
		[VIRTIO_NET_CTRL_MAC] = set_mac,
		[VIRTIO_NET_CTRL_ANNOUNCE] = acknowledge,
		[VIRTIO_NET_CTRL_MQ] = set_pairs,
		[VIRTIO_NET_CTRL_GUEST_OFFLOADS] = set_offloads,
	};
	struct virtio_net_ctrl_hdr head;
	struct command c = { .n = n };

	if (!sg_pull(&chain->out, &head, sizeof(head)) || head.class >= ARRAY_SIZE(classes) ||
		!classes[head.class])
		return false;
	c.kind = head.cmd;
	c.data = chain->out;
	return classes[head.class](&c);
}

bool net_control_work(struct net *n, struct virtq *q)
{
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain chain;
	unsigned done = 0;

	while (done < BUDGET && virtq_pop(q, iov, ARRAY_SIZE(iov), &chain) > 0) {
		uint8_t answer = obey(n, &chain) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;

		if (answer == VIRTIO_NET_ERR)
			net_count(&n->counts.refused);
		net_count(&n->counts.commands);
		virtq_push(q, &chain, sg_push(&chain.in, &answer, sizeof(answer)));
		done++;
	}
	if (done)
		virtio_device_interrupt(&n->dev, q);
	return virtq_is_live(q) && !virtq_arm(q);
}

void net_control_reset(struct net *n)
{
	n->filter = (struct net_filter) { 0 };
	__atomic_store_n(&n->announcing, false, __ATOMIC_SEQ_CST);
	tap_set_filter(n->pairs[0].tap, NULL, 0, false);
	tap_set_offload(n->pairs[0].tap, 0);
	net_set_active(n, 1);
}
