// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's end of a VF's wire. With the card's switch in switchdev mode each VF has an interface
 * on the host, its representor: what the VF sends comes out there, as long as no rule of the card's
 * own forwards it. As a port of a bridge or of Open vSwitch it has the VF take part in that as a
 * tap would, and the card is taught by those what it can do by itself.
 */
#include "inside.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <stdio.h>
#include <string.h>

static int raise_port(struct uplink *u, const struct host_link *port, struct problem **reterr)
{
	int r = port->up ? 0 : host_link_set_up(u->host, port->ifindex, true);

	if (r < 0)
		return uplink_blame(u->tap, r, "it cannot be set up", reterr);
	u->raised = port->up ? 0 : port->ifindex;
	return 0;
}

/* 1: it is a port of that bridge; 0: of none. */
static int has_master(struct uplink *u, struct problem **reterr)
{
	autofree char *master = NULL;
	int r = sysfs_link_name(u->host, &master, "class/net/%s/master", u->tap);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return uplink_blame(u->tap, r, "it cannot be looked at", reterr);
	if (str_eq(master, u->to))
		return 1;
	problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL, "%s is a port of %s", u->tap, master);
	problem_hint(reterr, "ip link set %s nomaster", u->tap);
	return -EBUSY;
}

static int join_bridge(struct uplink *u, const struct host_link *port, struct problem **reterr)
{
	struct host_link_change join = { .attr = HOST_LINK_MASTER };
	struct host_link bridge;
	int r = uplink_find_bridge(u, &bridge, reterr);

	if (r == 0)
		r = has_master(u, reterr);
	if (r != 0)
		return MIN(r, 0);
	join.number = (unsigned)bridge.ifindex;
	r = host_link_set(u->host, port->ifindex, &join);
	if (r < 0)
		return uplink_blame(u->to, r, "it does not take the representor", reterr);
	u->ifindex = port->ifindex;
	return 0;
}

static void leave_bridge(struct uplink *u)
{
	const struct host_link_change leave = { .attr = HOST_LINK_MASTER };

	if (u->ifindex)
		host_link_set(u->host, u->ifindex, &leave);
	if (u->raised)
		host_link_set_up(u->host, u->raised, false);
}

static int join_switch(struct uplink *u, const struct uplink_wish *w, const struct host_link *port,
	struct problem **reterr)
{
	int r = uplink_find_switch(u, reterr);

	if (r == 0)
		r = uplink_whose_port(u, u->tap, reterr);
	if (r < 0 || r == 1)
		return MIN(r, 0);
	/* From here on it is taken out, whatever the addition comes to. */
	u->ifindex = port->ifindex;
	return r == 2 ? 0 : uplink_add_port(u, w, reterr);
}

static void leave_switch(struct uplink *u)
{
	if (u->ifindex)
		uplink_remove_port(u, u->tap);
	if (u->raised)
		host_link_set_up(u->host, u->raised, false);
}

static const struct uplink_ops on_bridge = { .name = "bridge", .undo = leave_bridge };
static const struct uplink_ops on_switch = { .name = "ovs", .undo = leave_switch };

int uplink_join(struct host *h, const struct uplink_wish *w, const char *netdev,
	struct uplink **ret, struct problem **reterr)
{
	CLEANUP(uplink_freep) struct uplink *u = calloc(1, sizeof(*u));
	bool bridge = w->kind == UPLINK_BRIDGE;
	struct host_link port;
	int index, r;

	if (!u)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	u->host = h;
	u->ops = bridge ? &on_bridge : &on_switch;
	snprintf(u->tap, sizeof(u->tap), "%s", netdev);
	snprintf(u->to, sizeof(u->to), "%s", w->name);
	r = host_link_index(h, netdev, &index);
	if (r == 0)
		r = host_link_get(h, index, &port);
	if (r < 0)
		return uplink_blame(netdev, r, "it cannot be looked at", reterr);
	r = bridge ? join_bridge(u, &port, reterr) : join_switch(u, w, &port, reterr);
	if (r == 0)
		r = raise_port(u, &port, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(u);
	return 0;
}
