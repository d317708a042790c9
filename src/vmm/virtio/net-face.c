// SPDX-License-Identifier: GPL-2.0-or-later
/* An interface as a whole, as its user and its driver see it, whoever moves its packets. */
#include "net-inside.h"
#include "base/str.h"

#include <endian.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/random.h>

#define OFFLOADS                                                                                   \
	(VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) |       \
		VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN))

/* ---- making one ---- */

static void choose_mac(struct virtio_net_config *config, struct mac mac)
{
	if (mac_is_zero(mac) && getrandom(mac.b, sizeof(mac.b), 0) == sizeof(mac.b))
		mac.b[0] = (uint8_t)((mac.b[0] & 0xfc) | 2);
	memcpy(config->mac, mac.b, sizeof(config->mac));
}

void net_face_init(struct net_face *f, const struct virtio_net_setup *s)
{
	f->up = true;
	f->over_vf = s->over_vf;
	f->config = (struct virtio_net_config) {
		.status = htole16(VIRTIO_NET_S_LINK_UP),
		.max_virtqueue_pairs = htole16((uint16_t)f->n_pairs),
		.mtu = htole16(s->mtu),
	};
	choose_mac(&f->config, s->mac);
}

/* Addresses are filtered by the tap; offer only what it will do. */
static uint64_t tap_features(const struct net_face *f, const struct virtio_net_setup *s)
{
	uint64_t all =
		VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_RX_EXTRA);

	/* As with an address that is somebody else's, too. */
	if (!s->fixed_mac && !s->standby)
		all |= VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_MAC_ADDR);
	if (tap_set_offload(f->tap, net_offload_flags(OFFLOADS)) == 0) {
		all |= OFFLOADS | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS);
		tap_set_offload(f->tap, 0);
	}
	return all;
}

uint64_t net_face_features(const struct net_face *f, const struct virtio_net_setup *s)
{
	uint64_t all = VIRTIO_FEATURE(VIRTIO_NET_F_MAC) | VIRTIO_FEATURE(VIRTIO_NET_F_STATUS) |
		       VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) |
		       VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ANNOUNCE);

	if (s->mtu)
		all |= VIRTIO_FEATURE(VIRTIO_NET_F_MTU);
	if (f->n_pairs > 1)
		all |= VIRTIO_FEATURE(VIRTIO_NET_F_MQ);
	if (s->standby)
		all |= VIRTIO_FEATURE(VIRTIO_NET_F_STANDBY);
	return f->tap ? all | tap_features(f, s) : all;
}

/* ---- the link ---- */

void net_tell_status(struct net_face *f)
{
	uint16_t status = net_link_is_up(f) ? VIRTIO_NET_S_LINK_UP : 0;

	if (__atomic_load_n(&f->announcing, __ATOMIC_SEQ_CST))
		status |= VIRTIO_NET_S_ANNOUNCE;
	status = htole16(status);
	virtio_device_change_config(f->dev, &f->config.status, &status, sizeof(status), true);
}

/* Who moves packets is switched before the driver hears that it may, and after that it may not. */
static void switch_over(struct net_face *f)
{
	unsigned index = MIN(net_control_index(f), f->dev->n_queues - 1);
	struct virtq *control = &f->dev->queues[index];

	if (!f->switched)
		return;
	virtq_lock(control);
	f->switched(f);
	virtq_unlock(control);
}

void net_set_link(struct net_face *f, bool up)
{
	bool was = __atomic_exchange_n(&f->up, up, __ATOMIC_SEQ_CST);

	if (up && !was) {
		__atomic_store_n(&f->announcing, virtio_has(f->dev, VIRTIO_NET_F_GUEST_ANNOUNCE),
			__ATOMIC_SEQ_CST);
		switch_over(f);
	}
	net_tell_status(f);
	if (was && !up)
		switch_over(f);
}

/* ---- what its user may set and see ---- */

static int set_link(struct net_face *f, const char *value, struct problem **reterr)
{
	bool up = str_eq(value, "up");

	if (!up && !str_eq(value, "down"))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "link is up or down");
	if (up && __atomic_load_n(&f->dead, __ATOMIC_RELAXED))
		return problem(reterr, -ENODEV, PROBLEM_VANISHED, NULL,
			"%s: its tap has gone, the link stays down", f->dev->name);
	net_set_link(f, up);
	return 0;
}

/* 5.1.4: where it was offered at all. A driver reads it when it starts, and when it is told. */
static int set_mtu(struct net_face *f, const char *value, struct problem **reterr)
{
	uint32_t mtu;
	uint16_t le;

	if (parse_u32(value, &mtu) < 0 || mtu < 68 || mtu > UINT16_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "mtu is a number from 68 on");
	if (!(f->dev->offered & VIRTIO_FEATURE(VIRTIO_NET_F_MTU)))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"start the guest with mtu= for this interface",
			"%s was made without an MTU that its driver is told", f->dev->name);
	le = htole16((uint16_t)mtu);
	virtio_device_change_config(f->dev, &f->config.mtu, &le, sizeof(le), true);
	return 0;
}

int net_face_set(
	struct net_face *f, int queue, const char *key, const char *value, struct problem **reterr)
{
	if (queue < 0 && str_eq(key, "link"))
		return set_link(f, value, reterr);
	if (queue < 0 && str_eq(key, "mtu"))
		return set_mtu(f, value, reterr);
	return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s has no setting \"%s\"",
		f->dev->name, key);
}

void net_face_stats(
	struct net_face *f, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	each(arg, "commands", __atomic_load_n(&f->commands, __ATOMIC_RELAXED));
	each(arg, "commands-refused", __atomic_load_n(&f->refused, __ATOMIC_RELAXED));
}

void net_face_traits(const struct net_face *f,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	if (f->dev->offered & VIRTIO_FEATURE(VIRTIO_NET_F_STANDBY))
		each(arg, "standby", "on");
	if (f->over_vf)
		each(arg, "over", "vf");
}
