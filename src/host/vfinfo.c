// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * IFLA_VFINFO_LIST, read and written attribute by attribute: libnl-route's own parsing has crashed
 * on drivers that leave attributes out, and it does not know all of them. Structures are those of
 * <linux/if_link.h>; every length is checked, a short attribute counts as absent.
 */
#include "netlink.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

enum { MAX_VFS = 65535 };

/* Copies the payload if it is long enough; *out stays as it was otherwise. */
#define PAYLOAD(attr, out)                                                                         \
	((attr) && nla_len(attr) >= (int)sizeof(*(out)) &&                                         \
		(memcpy((out), nla_data(attr), sizeof(*(out))), true))

static void parse_vlan_list(const struct nlattr *list, struct host_vf *v)
{
	const struct nlattr *a;
	int rest;

	nla_for_each_nested(a, list, rest)
	{
		struct ifla_vf_vlan_info w;

		if (nla_type(a) != IFLA_VF_VLAN_INFO || !PAYLOAD(a, &w))
			continue;
		v->vlan = (uint16_t)w.vlan;
		v->qos = (uint8_t)w.qos;
		v->vlan_proto = ntohs(w.vlan_proto);
		return; /* outer tags first; there is only one today */
	}
}

/* The kernel says "no idea" with ~0 in a setting (rtnetlink.c: rtnl_fill_vfinfo). */
static int setting(uint32_t v)
{
	return v == UINT32_MAX ? -1 : !!v;
}

static uint64_t counter(struct nlattr *const *tb, int type)
{
	uint64_t v = 0;

	return PAYLOAD(tb[type], &v) ? v : 0;
}

static bool parse_stats(struct nlattr *nest, struct host_vf_stats *s)
{
	struct nlattr *tb[IFLA_VF_STATS_MAX + 1];

	if (!nest || nla_parse_nested(tb, IFLA_VF_STATS_MAX, nest, NULL) < 0)
		return false;
	*s = (struct host_vf_stats) {
		.rx_bytes = counter(tb, IFLA_VF_STATS_RX_BYTES),
		.rx_packets = counter(tb, IFLA_VF_STATS_RX_PACKETS),
		.rx_multicast = counter(tb, IFLA_VF_STATS_MULTICAST),
		.rx_broadcast = counter(tb, IFLA_VF_STATS_BROADCAST),
		.rx_dropped = counter(tb, IFLA_VF_STATS_RX_DROPPED),
		.tx_bytes = counter(tb, IFLA_VF_STATS_TX_BYTES),
		.tx_packets = counter(tb, IFLA_VF_STATS_TX_PACKETS),
		.tx_dropped = counter(tb, IFLA_VF_STATS_TX_DROPPED),
	};
	return true;
}

/* The kernel tells both or none (rtnetlink.c: rtnl_fill_vfinfo). */
static void parse_guids(const struct nlattr *node, const struct nlattr *port, struct host_vf *v)
{
	struct ifla_vf_guid n, p;

	if (!PAYLOAD(node, &n) || !PAYLOAD(port, &p))
		return;
	v->has_guids = true;
	v->node_guid = n.guid;
	v->port_guid = p.guid;
}

static int parse_vf(struct nlattr *info, struct host_vf *ret)
{
	struct nlattr *tb[IFLA_VF_MAX + 1];
	struct host_vf v = { .spoofchk = -1, .trust = -1, .query_rss = -1, .link_state = -1 };
	struct ifla_vf_broadcast broadcast;
	struct ifla_vf_mac m;
	struct ifla_vf_vlan vlan;
	struct ifla_vf_rate rate;
	struct ifla_vf_tx_rate tx;
	struct ifla_vf_spoofchk spoof;
	struct ifla_vf_trust trust;
	struct ifla_vf_rss_query_en rss;
	struct ifla_vf_link_state state;

	if (nla_parse_nested(tb, IFLA_VF_MAX, info, NULL) < 0 || !PAYLOAD(tb[IFLA_VF_MAC], &m) ||
		m.vf > MAX_VFS)
		return -EIO;
	v.vf = m.vf;
	memcpy(v.mac.b, m.mac, sizeof(v.mac.b));
	if (PAYLOAD(tb[IFLA_VF_BROADCAST], &broadcast))
		memcpy(v.broadcast.b, broadcast.broadcast, sizeof(v.broadcast.b));
	parse_guids(tb[IFLA_VF_IB_NODE_GUID], tb[IFLA_VF_IB_PORT_GUID], &v);
	v.has_stats = parse_stats(tb[IFLA_VF_STATS], &v.stats);
	v.vlan_proto = ETH_P_8021Q;
	if (PAYLOAD(tb[IFLA_VF_VLAN], &vlan)) {
		v.vlan = (uint16_t)vlan.vlan;
		v.qos = (uint8_t)vlan.qos;
	}
	if (tb[IFLA_VF_VLAN_LIST])
		parse_vlan_list(tb[IFLA_VF_VLAN_LIST], &v);
	if (PAYLOAD(tb[IFLA_VF_TX_RATE], &tx))
		v.max_tx_rate = tx.rate;
	if (PAYLOAD(tb[IFLA_VF_RATE], &rate)) {
		v.min_tx_rate = rate.min_tx_rate;
		v.max_tx_rate = rate.max_tx_rate;
	}
	if (PAYLOAD(tb[IFLA_VF_SPOOFCHK], &spoof))
		v.spoofchk = setting(spoof.setting);
	if (PAYLOAD(tb[IFLA_VF_TRUST], &trust))
		v.trust = setting(trust.setting);
	if (PAYLOAD(tb[IFLA_VF_RSS_QUERY_EN], &rss))
		v.query_rss = setting(rss.setting);
	if (PAYLOAD(tb[IFLA_VF_LINK_STATE], &state) &&
		state.link_state <= IFLA_VF_LINK_STATE_DISABLE)
		v.link_state = (int)state.link_state;
	*ret = v;
	return 0;
}

int vfinfo_parse(const struct nlattr *list, struct host_vf **ret, size_t *ret_n)
{
	autofree struct host_vf *vfs = NULL;
	struct nlattr *a;
	size_t n = 0;
	int rest, e;

	if (list) {
		nla_for_each_nested(a, list, rest) n += nla_type(a) == IFLA_VF_INFO;
	}
	vfs = calloc(n ? n : 1, sizeof(*vfs));
	if (!vfs)
		return -ENOMEM;
	n = 0;
	if (list) {
		nla_for_each_nested(a, list, rest)
		{
			if (nla_type(a) != IFLA_VF_INFO)
				continue;
			e = parse_vf(a, &vfs[n++]);
			if (e < 0)
				return e;
		}
	}
	*ret = TAKE_PTR(vfs);
	*ret_n = n;
	return 0;
}

static int put_vlan(struct nl_msg *msg, const struct host_vf *to)
{
	struct ifla_vf_vlan_info info = {
		.vf = to->vf,
		.vlan = to->vlan,
		.qos = to->qos,
		.vlan_proto = htons(to->vlan_proto),
	};
	struct ifla_vf_vlan plain = { .vf = to->vf, .vlan = to->vlan, .qos = to->qos };
	struct nlattr *list;

	/* Old kernels know the plain form only, and it means 802.1Q. */
	if (!to->vlan_proto || to->vlan_proto == ETH_P_8021Q)
		return nla_put(msg, IFLA_VF_VLAN, sizeof(plain), &plain);
	list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
	if (!list || nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(info), &info) < 0)
		return -1;
	nla_nest_end(msg, list);
	return 0;
}

static int put_mac(struct nl_msg *msg, const struct host_vf *to)
{
	struct ifla_vf_mac m = { .vf = to->vf };

	memcpy(m.mac, to->mac.b, sizeof(to->mac.b));
	return nla_put(msg, IFLA_VF_MAC, sizeof(m), &m);
}

static int put_rate(struct nl_msg *msg, const struct host_vf *to)
{
	struct ifla_vf_rate rate = {
		.vf = to->vf,
		.min_tx_rate = to->min_tx_rate,
		.max_tx_rate = to->max_tx_rate,
	};

	return nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate);
}

/* Spoof check, trust, RSS query and link state share one layout: two words. */
static int put_setting(struct nl_msg *msg, int type, unsigned vf, int value)
{
	struct ifla_vf_spoofchk s = { .vf = vf, .setting = (uint32_t)value };

	return nla_put(msg, type, sizeof(s), &s);
}

static int put_guid(struct nl_msg *msg, int type, unsigned vf, uint64_t guid)
{
	struct ifla_vf_guid g = { .vf = vf, .guid = guid };

	return nla_put(msg, type, sizeof(g), &g);
}

static int put_change(struct nl_msg *msg, const struct host_vf_change *c)
{
	switch (c->attr) {
	case HOST_VF_MAC:
		return put_mac(msg, &c->to);
	case HOST_VF_VLAN:
		return put_vlan(msg, &c->to);
	case HOST_VF_RATE:
		return put_rate(msg, &c->to);
	case HOST_VF_SPOOFCHK:
		return put_setting(msg, IFLA_VF_SPOOFCHK, c->to.vf, c->to.spoofchk);
	case HOST_VF_TRUST:
		return put_setting(msg, IFLA_VF_TRUST, c->to.vf, c->to.trust);
	case HOST_VF_QUERY_RSS:
		return put_setting(msg, IFLA_VF_RSS_QUERY_EN, c->to.vf, c->to.query_rss);
	case HOST_VF_LINK_STATE:
		return put_setting(msg, IFLA_VF_LINK_STATE, c->to.vf, c->to.link_state);
	case HOST_VF_NODE_GUID:
		return put_guid(msg, IFLA_VF_IB_NODE_GUID, c->to.vf, c->to.node_guid);
	case HOST_VF_PORT_GUID:
		return put_guid(msg, IFLA_VF_IB_PORT_GUID, c->to.vf, c->to.port_guid);
	}
	return -1;
}

int vfinfo_put(struct nl_msg *msg, const struct host_vf_change *change)
{
	struct nlattr *list = nla_nest_start(msg, IFLA_VFINFO_LIST), *info;

	if (!list)
		return -ENOMEM;
	info = nla_nest_start(msg, IFLA_VF_INFO);
	if (!info || put_change(msg, change) < 0)
		return -ENOMEM;
	nla_nest_end(msg, info);
	nla_nest_end(msg, list);
	return 0;
}
