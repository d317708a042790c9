// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tap of our own as a port of a switch of Open vSwitch. Its database keeps the port when the tap
 * has gone, so it is taken out by us; a tap that came later under the same name would be a port at
 * once, which is why no name is used twice.
 */
#include "inside.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <stdio.h>
#include <string.h>

enum { DEADLINE_MS = 15000, SAYS_MAX = 8192, NO_SUCH_BRIDGE = 2 };

static int blame(struct uplink *u, int status, char *says, struct problem **reterr)
{
	autofree char *text = NULL;

	if (status == -ENOENT)
		return problem(reterr, status, PROBLEM_UNSUPPORTED,
			"apt install openvswitch-switch",
			"Open vSwitch is not installed (ovs-vsctl)");
	if (status < 0)
		return problem(reterr, status, problem_kind_from_errno(status),
			"systemctl status openvswitch-switch", "ovs-vsctl: %s", strerror(-status));
	text = str_printable(str_trim(says));
	return problem(reterr, -EIO, PROBLEM_FAILED, "systemctl status openvswitch-switch",
		"%s: ovs-vsctl failed: %s", u->to, text ? text : "?");
}

#define VSCTL(u, says, size, ...)                                                                  \
	host_run((u)->host,                                                                        \
		((char *const[]) { (char[]) { "ovs-vsctl" }, (char[]) { "--timeout=10" },          \
			__VA_ARGS__, NULL }),                                                      \
		DEADLINE_MS, says, size)
#define WORD(s) ((char *)(uintptr_t)(s))

void uplink_remove_port(struct uplink *u, const char *port)
{
	char says[SAYS_MAX];

	VSCTL(u, says, sizeof(says), WORD("--if-exists"), WORD("del-port"), WORD(u->to),
		WORD(port));
}

/* Ports of ours whose taps have gone: whoever made them was killed. */
static void sweep(struct uplink *u, char *ports)
{
	char *save = NULL;

	for (char *p = strtok_r(ports, "\n", &save); p; p = strtok_r(NULL, "\n", &save))
		if (str_starts(p, UPLINK_OUR_NAMES) && uplink_is_name(p) &&
			!sysfs_exists(u->host, "class/net/%s", p))
			uplink_remove_port(u, p);
}

int uplink_find_switch(struct uplink *u, struct problem **reterr)
{
	char says[SAYS_MAX];
	int r = VSCTL(u, says, sizeof(says), WORD("br-exists"), WORD(u->to));

	if (r == NO_SUCH_BRIDGE) {
		problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "Open vSwitch has no switch %s",
			u->to);
		problem_hint(reterr, "ovs-vsctl add-br %s", u->to);
		return -ENOENT;
	}
	if (r == 0)
		r = VSCTL(u, says, sizeof(says), WORD("list-ports"), WORD(u->to));
	if (r != 0)
		return blame(u, r, says, reterr);
	sweep(u, says);
	return 0;
}

int uplink_add_port(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	char says[SAYS_MAX], mtu[32] = "external_ids:vfctl=yes";
	char mac[64] = "external_ids:vfctl=yes";
	int r;

	if (w->mtu)
		snprintf(mtu, sizeof(mtu), "mtu_request=%u", w->mtu);
	/* What controllers of such a switch know guests by. */
	if (!mac_is_zero(w->mac))
		snprintf(mac, sizeof(mac), "external_ids:attached-mac=\"%s\"", MAC_TEXT(w->mac));
	r = VSCTL(u, says, sizeof(says), WORD("add-port"), WORD(u->to), WORD(u->tap), WORD("--"),
		WORD("set"), WORD("Interface"), WORD(u->tap), WORD("external_ids:vfctl=yes"), mtu,
		mac);
	return r != 0 ? blame(u, r, says, reterr) : 0;
}

static int open_ovs(struct uplink *u, const struct uplink_wish *w, struct problem **reterr)
{
	struct host_link bridge = { 0 };
	int index, r = uplink_find_switch(u, reterr);

	if (r < 0)
		return r;
	/* The switch's own interface has its MTU; one in a network name space elsewhere has none.
	 */
	if (host_link_index(u->host, u->to, &index) == 0)
		host_link_get(u->host, index, &bridge);
	r = uplink_make_tap(u, w, bridge.mtu, reterr);
	if (r == 0)
		r = uplink_add_port(u, w, reterr);
	if (r < 0)
		return r;
	r = host_link_set_up(u->host, u->ifindex, true);
	return r < 0 ? uplink_blame(u->tap, r, "it cannot be set up", reterr) : 0;
}

/* What we add says so, also when whoever did has been killed. */
static bool is_ours(struct uplink *u, const char *port)
{
	char says[SAYS_MAX];

	return VSCTL(u, says, sizeof(says), WORD("--if-exists"), WORD("get"), WORD("Interface"),
		       WORD(port), WORD("external_ids:vfctl")) == 0 &&
	       strstr(says, "yes");
}

int uplink_whose_port(struct uplink *u, const char *port, struct problem **reterr)
{
	char says[SAYS_MAX];
	int r = VSCTL(u, says, sizeof(says), WORD("port-to-br"), WORD(port));

	if (r < 0)
		return blame(u, r, says, reterr);
	if (r > 0)
		return 0;
	if (!str_eq(str_trim(says), u->to))
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, "ovs-vsctl del-port takes it out",
			"%s is a port of the switch %s", port, str_trim(says));
	return is_ours(u, port) ? 2 : 1;
}

static void undo_ovs(struct uplink *u)
{
	if (u->ifindex)
		uplink_remove_port(u, u->tap);
}

const struct uplink_ops uplink_ovs_ops = { .name = "ovs", .open = open_ovs, .undo = undo_ovs };
