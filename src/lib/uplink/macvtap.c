// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A macvtap above an interface of the host: the guest has an address of its own on that wire, and
 * no bridge is needed. Above a VF's interface it is the VF, virtualised once more in software: in
 * mode passthru, in which the VF's address is the guest's, since a VF usually gets no other's
 * packets.
 */
#include "inside.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/sysfs.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>

enum { NODE_TRIES = 50, NODE_WAIT_MS = 20 };

/* It does not end with its descriptors: somebody may have been killed before he removed his. */
static void sweep(struct host *h)
{
	autostrv char **names = NULL;

	if (sysfs_list(h, &names, "class/net") < 0)
		return;
	STRV_FOREACH (name, names) {
		int index;

		if (sysfs_exists(h, "class/net/%s/macvtap", *name) && uplink_is_left(h, *name) &&
			host_link_index(h, *name, &index) == 0)
			host_link_remove(h, index);
	}
}

static int find(struct uplink *u, struct host_link *ret, struct problem **reterr)
{
	int index, r = host_link_index(u->host, u->to, &index);

	if (r == 0)
		r = host_link_get(u->host, index, ret);
	return r == -ENOENT ? problem(reterr, r, PROBLEM_NOT_FOUND, "ip link shows what there is",
				      "there is no network interface %s", u->to)
	       : r < 0	    ? uplink_blame(u->to, r, "it cannot be looked at", reterr)
			    : 0;
}

static int mode_of(struct uplink *u, const struct uplink_wish *w)
{
	u->over_vf = sysfs_exists(u->host, "class/net/%s/device/physfn", u->to);
	if (w->mode)
		return w->mode;
	return u->over_vf ? HOST_MACVTAP_PASSTHRU : HOST_MACVTAP_BRIDGE;
}

static int blame_adding(struct uplink *u, int code, struct problem **reterr)
{
	if (code == -EOPNOTSUPP)
		return problem(reterr, code, PROBLEM_UNSUPPORTED, "modprobe macvtap",
			"the kernel offers no macvtaps");
	/* macvlan_common_newlink(): -EINVAL for whom passthru excludes, -EBUSY for ports. */
	if (code == -EBUSY || code == -EINVAL)
		return problem(reterr, code, PROBLEM_IN_USE,
			"a bridge's port carries none, and one in mode passthru is alone there",
			"%s: no macvtap can be put above it now", u->to);
	return uplink_blame(u->to, code, "no macvtap can be put above it", reterr);
}

/* In mode passthru it begins with the address below, and changes that: the kernel puts it back. */
static int set_address(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	const struct host_link_change c = { .attr = HOST_LINK_MAC, .mac = w->mac };
	struct host_link link;
	int r = host_link_get(u->host, u->ifindex, &link);

	if (r == 0 && !mac_is_zero(w->mac) && memcmp(&link.mac, &w->mac, sizeof(w->mac)) != 0)
		r = host_link_set(u->host, u->ifindex, &c);
	if (r == 0)
		return 0;
	problem(reterr, r, problem_kind_from_errno(r), NULL, "%s does not take the address %s: %s",
		u->to, MAC_TEXT(w->mac), strerror(-r));
	problem_hint(reterr,
		"without mac= the guest has its own; of a VF it is set by its PF: "
		"vfctl set %s mac=%s",
		u->to, MAC_TEXT(w->mac));
	return r;
}

/* What the kernel shows no carrier through, it lets nobody send through: ENETDOWN. */
static int raise_lower(struct uplink *u, const struct host_link *lower, struct problem **reterr)
{
	int r = lower->up ? 0 : host_link_set_up(u->host, lower->ifindex, true);

	if (r < 0)
		return uplink_blame(u->to, r, "it cannot be set up", reterr);
	u->raised = lower->up ? 0 : lower->ifindex;
	return 0;
}

static int make(struct uplink *u, const struct uplink_wish *w, const struct host_link *lower,
	struct problem **reterr)
{
	const struct host_macvtap what = { lower->ifindex, u->tap, w->mac,
		(enum host_macvtap_mode)mode_of(u, w) };
	const struct host_link_change all = { .attr = HOST_LINK_ALLMULTI, .number = 1 };
	const struct host_link_change mtu = { .attr = HOST_LINK_MTU, .number = w->mtu };
	int r = host_link_add_macvtap(u->host, &what, &u->ifindex);

	if (r < 0)
		return blame_adding(u, r, reterr);
	r = uplink_mark(u->host, u->ifindex);
	if (r < 0)
		return uplink_blame(u->tap, r, "it cannot be given an alias", reterr);
	r = set_address(u, w, reterr);
	if (r < 0)
		return r;
	/* Nobody tells it what groups the guest has joined; neighbours are found by them. */
	r = host_link_set(u->host, u->ifindex, &all);
	if (r < 0)
		return uplink_blame(u->tap, r, "it does not take all multicasts", reterr);
	r = w->mtu ? host_link_set(u->host, u->ifindex, &mtu) : 0;
	if (r < 0)
		return uplink_blame(u->to, r, "its MTU is smaller", reterr);
	r = host_link_set_up(u->host, u->ifindex, true);
	return r < 0 ? uplink_blame(u->tap, r, "it cannot be set up", reterr) : 0;
}

/* The guest's address has to be the macvtap's: it gets no other's packets. */
static int learn(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	struct host_link link;
	int r = host_link_get(u->host, u->ifindex, &link);

	if (r < 0)
		return uplink_blame(u->tap, r, "it cannot be looked at", reterr);
	u->mac = link.mac;
	u->fixed_mac = true;
	u->mtu = w->mtu || link.mtu != 1500 ? link.mtu : 0;
	return 0;
}

/* udev, where it makes the nodes, needs a moment. */
static int open_node(struct uplink *u)
{
	int fd = -ENOENT;

	for (unsigned i = 0; i < NODE_TRIES; i++) {
		fd = devnode_open(u->host, O_RDWR | O_NONBLOCK, "tap%d", u->ifindex);
		if (fd != -ENOENT && fd != -ENXIO && fd != -EACCES)
			break;
		host_sleep_ms(u->host, NODE_WAIT_MS);
	}
	return fd;
}

static int open_queue(struct uplink *u, bool several, struct problem **reterr)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open_node(u), r;

	if (fd < 0)
		return uplink_blame(u->tap, fd, "its device node cannot be opened", reterr);
	if (several)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	r = host_ioctl(u->host, fd, TUNSETIFF, &ifr);
	if (r < 0) {
		host_close(u->host, fd);
		return uplink_blame(u->tap, r, "it has no virtio-net header", reterr);
	}
	u->fds[u->n++] = fd;
	return 0;
}

static int open_macvtap(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	unsigned n = w->queues ? w->queues : 1;
	struct host_link lower;
	int r;

	sweep(u->host);
	r = find(u, &lower, reterr);
	if (r == 0)
		r = uplink_new_name(u->tap, reterr);
	if (r == 0)
		r = raise_lower(u, &lower, reterr);
	if (r == 0)
		r = make(u, w, &lower, reterr);
	if (r == 0)
		r = learn(u, w, reterr);
	for (unsigned i = 0; r == 0 && i < n; i++)
		r = open_queue(u, n > 1, reterr);
	return r;
}

static void undo_macvtap(struct uplink *u)
{
	if (u->ifindex)
		host_link_remove(u->host, u->ifindex);
	if (u->raised)
		host_link_set_up(u->host, u->raised, false);
}

const struct uplink_ops uplink_macvtap_ops = {
	.name = "macvtap",
	.open = open_macvtap,
	.undo = undo_macvtap,
};
