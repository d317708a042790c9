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
	struct net_face *f;
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

static bool set_pairs(struct command *c)
{
	uint16_t pairs;

	if (c->kind != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET || !virtio_has(c->f->dev, VIRTIO_NET_F_MQ) ||
		!sg_pull(&c->data, &pairs, sizeof(pairs)))
		return false;
	pairs = le16toh(pairs);
	if (pairs < 1 || pairs > c->f->n_pairs)
		return false;
	c->f->use_pairs(c->f, pairs);
	return true;
}

/* ---- What is received ---- */

static const struct mac broadcast = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

/*
 * The tap drops what nobody wants before it wakes anyone. It knows a list of addresses, or no
 * limits: what cannot be said to it is let through, as the specification allows.
 */
void net_apply_filter(struct net_face *face)
{
	const struct net_filter *f = &face->filter;
	bool all = f->promisc || f->alluni || f->too_many_uni;
	bool allmulti = (f->allmulti || f->too_many_multi) && !f->nomulti;
	struct mac v[2 + 2 * NET_FILTER_MAX] = { 0 };
	unsigned i = 0;

	/* Who moves packets does not look: then nothing arrives, as nobody has no address. */
	if (face->switched && !__atomic_load_n(&face->up, __ATOMIC_SEQ_CST)) {
		tap_set_filter(face->tap, v, 1, false);
		return;
	}
	memcpy(v[i++].b, face->config.mac, sizeof(v[0].b));
	for (unsigned k = 0; !f->nouni && k < f->n_uni; k++)
		v[i++] = f->uni[k];
	if (!f->nobcast)
		v[i++] = broadcast;
	for (unsigned k = 0; !f->nomulti && k < f->n_multi; k++)
		v[i++] = f->multi[k];
	/* A macvtap cannot, and is for its own address anyway. */
	tap_set_filter(face->tap, v, all ? 0 : i, allmulti);
}

static bool set_rx_mode(struct command *c)
{
	struct net_filter *f = &c->f->filter;
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

	if (c->kind >= ARRAY_SIZE(modes) || !virtio_has(c->f->dev, feature) ||
		!sg_pull(&c->data, &on, sizeof(on)))
		return false;
	*modes[c->kind] = on;
	net_apply_filter(c->f);
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
	struct net_filter f = c->f->filter;

	if (!virtio_has(c->f->dev, VIRTIO_NET_F_CTRL_RX) ||
		!pull_table(&c->data, f.uni, &f.n_uni, &f.too_many_uni) ||
		!pull_table(&c->data, f.multi, &f.n_multi, &f.too_many_multi))
		return false;
	c->f->filter = f;
	net_apply_filter(c->f);
	return true;
}

static bool set_address(struct command *c)
{
	struct mac mac;

	if (!virtio_has(c->f->dev, VIRTIO_NET_F_CTRL_MAC_ADDR) ||
		!sg_pull(&c->data, mac.b, sizeof(mac.b)) || mac_is_multicast(mac))
		return false;
	virtio_device_change_config(c->f->dev, c->f->config.mac, mac.b, sizeof(mac.b), false);
	net_apply_filter(c->f);
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
		!virtio_has(c->f->dev, VIRTIO_NET_F_GUEST_ANNOUNCE))
		return false;
	__atomic_store_n(&c->f->announcing, false, __ATOMIC_SEQ_CST);
	net_tell_status(c->f);
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
		!virtio_has(c->f->dev, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) ||
		!sg_pull(&c->data, &wanted, sizeof(wanted)))
		return false;
	wanted = le64toh(wanted);
	if (wanted & ~(c->f->dev->features & GUEST_OFFLOADS))
		return false;
	return tap_set_offload(c->f->tap, net_offload_flags(wanted)) == 0;
}

static bool obey(struct net_face *f, struct virtq_chain *chain)
{
	static bool (*const classes[])(struct command * c) = {
		[VIRTIO_NET_CTRL_RX] = set_rx_mode,
		[VIRTIO_NET_CTRL_MAC] = set_mac,
		[VIRTIO_NET_CTRL_ANNOUNCE] = acknowledge,
		[VIRTIO_NET_CTRL_MQ] = set_pairs,
		[VIRTIO_NET_CTRL_GUEST_OFFLOADS] = set_offloads,
	};
	struct virtio_net_ctrl_hdr head;
	struct command c = { .f = f };

	if (!sg_pull(&chain->out, &head, sizeof(head)) || head.class >= ARRAY_SIZE(classes) ||
		!classes[head.class])
		return false;
	c.kind = head.cmd;
	c.data = chain->out;
	return classes[head.class](&c);
}

bool net_control_work(struct net_face *f, struct virtq *q)
{
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain chain;
	unsigned done = 0;

	while (done < BUDGET && virtq_pop(q, iov, ARRAY_SIZE(iov), &chain) > 0) {
		uint8_t answer = obey(f, &chain) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;

		if (answer == VIRTIO_NET_ERR)
			net_count(&f->refused);
		net_count(&f->commands);
		virtq_push(q, &chain, sg_push(&chain.in, &answer, sizeof(answer)));
		done++;
	}
	if (done)
		virtio_device_interrupt(f->dev, q);
	return virtq_is_live(q) && !virtq_arm(q);
}

void net_control_reset(struct net_face *f)
{
	f->filter = (struct net_filter) { 0 };
	__atomic_store_n(&f->announcing, false, __ATOMIC_SEQ_CST);
	if (f->tap) {
		tap_set_filter(f->tap, NULL, 0, false);
		tap_set_offload(f->tap, 0);
	}
	f->use_pairs(f, 1);
}
