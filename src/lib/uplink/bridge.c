// SPDX-License-Identifier: GPL-2.0-or-later
/* A tap of our own as a port of a Linux bridge. It ends with its descriptors, and so does the port.
 */
#include "inside.h"

#include "base/str.h"
#include "host/sysfs.h"

int uplink_find_bridge(struct uplink *u, struct host_link *ret, struct problem **reterr)
{
	int index, r = host_link_index(u->host, u->to, &index);

	if (r == 0)
		r = host_link_get(u->host, index, ret);
	if (r == -ENOENT) {
		problem(reterr, r, PROBLEM_NOT_FOUND, NULL, "there is no bridge %s", u->to);
		problem_hint(reterr, "ip link add %s type bridge", u->to);
		return r;
	}
	if (r < 0)
		return uplink_blame(u->to, r, "it cannot be looked at", reterr);
	if (sysfs_exists(u->host, "class/net/%s/bridge", ret->name))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"macvtap=NETDEV goes above an ordinary interface, ovs=NAME into a switch of "
		"Open vSwitch",
		"%s is no bridge", u->to);
}

static int open_bridge(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	struct host_link_change join = { .attr = HOST_LINK_MASTER };
	struct host_link bridge;
	int r = uplink_find_bridge(u, &bridge, reterr);

	if (r == 0)
		r = uplink_make_tap(u, w, bridge.mtu, reterr);
	if (r < 0)
		return r;
	join.number = (unsigned)bridge.ifindex;
	r = host_link_set(u->host, u->ifindex, &join);
	if (r < 0)
		return uplink_blame(u->to, r, "it takes no more ports", reterr);
	r = host_link_set_up(u->host, u->ifindex, true);
	return r < 0 ? uplink_blame(u->tap, r, "it cannot be set up", reterr) : 0;
}

const struct uplink_ops uplink_bridge_ops = { .name = "bridge", .open = open_bridge };
