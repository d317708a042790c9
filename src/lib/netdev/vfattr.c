// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of VF attributes: how each is named, parsed, carried over, compared and written. */
#include "vfattr.h"
#include "vfattr-row.h"

#include "base/mac.h"
#include "base/str.h"

#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdio.h>

enum { VLAN_MAX = 4094, QOS_MAX = 7 };

/* ---- Values: 0, or -EINVAL ---- */

static int number(const char *text, uint32_t max, uint32_t *ret)
{
	uint32_t v;

	if (parse_u32(text, &v) < 0 || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* A multicast address is refused by every driver, and zero would leave the VF without one. */
static int parse_mac(const char *text, struct vfattr_wish *w)
{
	struct mac m;

	if (mac_parse(text, &m) < 0 || mac_is_zero(m) || mac_is_multicast(m))
		return -EINVAL;
	w->want.mac = m;
	return 0;
}

static int parse_vlan(const char *text, struct vfattr_wish *w)
{
	uint32_t v = 0;
	int r = str_eq(text, "none") ? 0 : number(text, VLAN_MAX, &v);

	w->want.vlan = (uint16_t)v;
	return r;
}

static int parse_qos(const char *text, struct vfattr_wish *w)
{
	uint32_t v = 0;
	int r = number(text, QOS_MAX, &v);

	w->want.qos = (uint8_t)v;
	return r;
}

static int parse_proto(const char *text, struct vfattr_wish *w)
{
	bool q = strcasecmp(text, "802.1q") == 0;

	w->want.vlan_proto = q ? ETH_P_8021Q : ETH_P_8021AD;
	return q || strcasecmp(text, "802.1ad") == 0 ? 0 : -EINVAL;
}

static int parse_min_rate(const char *text, struct vfattr_wish *w)
{
	return number(text, UINT32_MAX, &w->want.min_tx_rate);
}

static int parse_max_rate(const char *text, struct vfattr_wish *w)
{
	return number(text, UINT32_MAX, &w->want.max_tx_rate);
}

static int parse_switch(const char *text, int *ret)
{
	bool on;
	int r = parse_bool(text, &on);

	*ret = r == 0 && on;
	return r;
}

static int parse_spoofchk(const char *text, struct vfattr_wish *w)
{
	return parse_switch(text, &w->want.spoofchk);
}

static int parse_trust(const char *text, struct vfattr_wish *w)
{
	return parse_switch(text, &w->want.trust);
}

static int parse_query_rss(const char *text, struct vfattr_wish *w)
{
	return parse_switch(text, &w->want.query_rss);
}

static const char *const link_states[] = {
	[IFLA_VF_LINK_STATE_AUTO] = "auto",
	[IFLA_VF_LINK_STATE_ENABLE] = "enable",
	[IFLA_VF_LINK_STATE_DISABLE] = "disable",
};

static int parse_link_state(const char *text, struct vfattr_wish *w)
{
	bool on;

	for (unsigned i = 0; i < ARRAY_SIZE(link_states); i++)
		if (str_eq(text, link_states[i])) {
			w->want.link_state = (int)i;
			return 0;
		}
	if (parse_bool(text, &on) < 0)
		return -EINVAL;
	w->want.link_state = on ? IFLA_VF_LINK_STATE_ENABLE : IFLA_VF_LINK_STATE_DISABLE;
	return 0;
}

static int parse_node_guid(const char *text, struct vfattr_wish *w)
{
	w->want.has_guids = true;
	return guid_parse(text, &w->want.node_guid);
}

static int parse_port_guid(const char *text, struct vfattr_wish *w)
{
	w->want.has_guids = true;
	return guid_parse(text, &w->want.port_guid);
}

/* ---- One field of struct host_vf: carried over, and compared ---- */

#define FIELD(name)                                                                                \
	static void put_##name(struct host_vf *to, const struct host_vf *from)                     \
	{                                                                                          \
		to->name = from->name;                                                             \
	}                                                                                          \
	static bool same_##name(const struct host_vf *a, const struct host_vf *b)                  \
	{                                                                                          \
		return memcmp(&a->name, &b->name, sizeof(a->name)) == 0;                           \
	}
FIELD(mac)
FIELD(vlan)
FIELD(qos)
FIELD(min_tx_rate)
FIELD(max_tx_rate)
FIELD(spoofchk)
FIELD(trust)
FIELD(query_rss)
FIELD(link_state)
#undef FIELD

/* What is not told is not known to be the same. */
#define GUID(name)                                                                                 \
	static void put_##name(struct host_vf *to, const struct host_vf *from)                     \
	{                                                                                          \
		to->name = from->name;                                                             \
	}                                                                                          \
	static bool same_##name(const struct host_vf *a, const struct host_vf *b)                  \
	{                                                                                          \
		return a->has_guids && b->has_guids && a->name == b->name;                         \
	}
GUID(node_guid)
GUID(port_guid)
#undef GUID

/* A VF without VLAN may be reported without protocol. */
static uint16_t proto_of(const struct host_vf *vf)
{
	return vf->vlan_proto == ETH_P_8021AD ? ETH_P_8021AD : ETH_P_8021Q;
}

static void put_vlan_proto(struct host_vf *to, const struct host_vf *from)
{
	to->vlan_proto = from->vlan_proto;
}

static bool same_vlan_proto(const struct host_vf *a, const struct host_vf *b)
{
	return proto_of(a) == proto_of(b);
}

/* ---- Text; NULL when the driver does not report it ---- */

static char *format_mac(const struct host_vf *vf)
{
	return str_printf("%s", MAC_TEXT(vf->mac));
}

static char *format_vlan(const struct host_vf *vf)
{
	return str_printf("%u", vf->vlan);
}

static char *format_qos(const struct host_vf *vf)
{
	return str_printf("%u", vf->qos);
}

static char *format_proto(const struct host_vf *vf)
{
	return str_printf("%s", proto_of(vf) == ETH_P_8021AD ? "802.1ad" : "802.1q");
}

static char *format_min_rate(const struct host_vf *vf)
{
	return str_printf("%u", vf->min_tx_rate);
}

static char *format_max_rate(const struct host_vf *vf)
{
	return str_printf("%u", vf->max_tx_rate);
}

static char *format_switch(int v)
{
	return v < 0 ? NULL : str_printf("%s", v ? "on" : "off");
}

static char *format_spoofchk(const struct host_vf *vf)
{
	return format_switch(vf->spoofchk);
}

static char *format_trust(const struct host_vf *vf)
{
	return format_switch(vf->trust);
}

static char *format_query_rss(const struct host_vf *vf)
{
	return format_switch(vf->query_rss);
}

static char *format_link_state(const struct host_vf *vf)
{
	if (vf->link_state < 0 || vf->link_state >= (int)ARRAY_SIZE(link_states))
		return NULL;
	return str_printf("%s", link_states[vf->link_state]);
}

static char *format_guid(const struct host_vf *vf, uint64_t guid)
{
	return vf->has_guids ? str_printf("%s", GUID_TEXT(guid)) : NULL;
}

static char *format_node_guid(const struct host_vf *vf)
{
	return format_guid(vf, vf->node_guid);
}

static char *format_port_guid(const struct host_vf *vf)
{
	return format_guid(vf, vf->port_guid);
}

#define ROW(parse, field, format) parse, put_##field, same_##field, format

static const struct vfattr rows[] = {
	{ "mac", "a unicast address, 02:00:00:00:00:01", HOST_VF_MAC,
		ROW(parse_mac, mac, format_mac) },
	{ "vlan", "1 to 4094, or none", HOST_VF_VLAN, ROW(parse_vlan, vlan, format_vlan) },
	{ "qos", "0 to 7", HOST_VF_VLAN, ROW(parse_qos, qos, format_qos) },
	{ "proto", "802.1q or 802.1ad", HOST_VF_VLAN, ROW(parse_proto, vlan_proto, format_proto) },
	{ "spoofchk", "on or off", HOST_VF_SPOOFCHK,
		ROW(parse_spoofchk, spoofchk, format_spoofchk) },
	{ "trust", "on or off", HOST_VF_TRUST, ROW(parse_trust, trust, format_trust) },
	{ "min-rate", "Mb/s, 0 for none", HOST_VF_RATE,
		ROW(parse_min_rate, min_tx_rate, format_min_rate) },
	{ "max-rate", "Mb/s, 0 for no limit", HOST_VF_RATE,
		ROW(parse_max_rate, max_tx_rate, format_max_rate) },
	{ "link-state", "auto, enable or disable", HOST_VF_LINK_STATE,
		ROW(parse_link_state, link_state, format_link_state) },
	{ "query-rss", "on or off", HOST_VF_QUERY_RSS,
		ROW(parse_query_rss, query_rss, format_query_rss) },
	/* The kernel tells these back for InfiniBand functions only. */
	{ "node-guid", "00:11:22:33:44:55:66:77", HOST_VF_NODE_GUID,
		ROW(parse_node_guid, node_guid, format_node_guid) },
	{ "port-guid", "00:11:22:33:44:55:66:77", HOST_VF_PORT_GUID,
		ROW(parse_port_guid, port_guid, format_port_guid) },
};

const struct vfattr *vfattr_at(unsigned i)
{
	return i < ARRAY_SIZE(rows) ? &rows[i] : NULL;
}

const struct vfattr *vfattr_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (str_eq(rows[i].name, name))
			return &rows[i];
	return NULL;
}

const char *vfattr_name(const struct vfattr *a)
{
	return a->name;
}

const char *vfattr_help(const struct vfattr *a)
{
	return a->help;
}

char *vfattr_format(const struct vfattr *a, const struct host_vf *vf)
{
	return a->format(vf);
}

static const char *nearest(const char *name)
{
	unsigned best = 3; /* farther than that it is a guess */
	const char *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned d = str_distance(name, rows[i].name);

		if (d < best) {
			best = d;
			found = rows[i].name;
		}
	}
	return found;
}

static int unknown_key(const char *key, struct problem **reterr)
{
	autofree char *safe = str_printable(key);
	const char *near = nearest(key);
	int r = problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "there is no VF attribute \"%s\"",
		safe ? safe : "?");

	if (near)
		problem_hint(reterr, "did you mean %s?", near);
	return r;
}

int vfattr_parse(const char *text, struct vfattr_wish *ret, struct problem **reterr)
{
	const char *eq = strchr(text, '=');
	autofree char *key = eq ? strndup(text, (size_t)(eq - text)) : strdup(text);
	autofree char *value = NULL;
	struct vfattr_wish w = { 0 };

	if (!key)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	w.attr = vfattr_find(key);
	if (!w.attr)
		return unknown_key(key, reterr);
	if (eq && w.attr->parse(eq + 1, &w) == 0) {
		*ret = w;
		return 0;
	}
	value = eq ? str_printable(eq + 1) : NULL;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl set --help names all keys",
		"%s=%s: the value must be %s", key, value ? value : "", w.attr->help);
}

void vfattr_wish_done(struct vfattr_wish *w)
{
	problem_free(w->problem);
	w->problem = NULL;
}
