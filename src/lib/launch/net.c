// SPDX-License-Identifier: GPL-2.0-or-later
/* What --net is understood as, and an uplink in other options' values. */
#include "net.h"
#include "vhost-net.h"
#include "vhost.h"

#include "base/str.h"

#include <string.h>

#define HINT "--net bridge=NAME|ovs=NAME|macvtap=NETDEV|vf=FUNCTION|tap=NAME[,KEY=VALUE…]"

static int usage(const char *text, const char *what, struct problem **reterr)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE, HINT, "--net %s: %s", text, what);
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

void launch_net_done(struct launch_net *n)
{
	free(n->uplink.name);
	free(n->selector);
	*n = (struct launch_net) { 0 };
}

/* "…: why" or NULL. */
typedef const char *set_fn(struct launch_net *n, const char *value);

static const char *set_uplink(struct launch_net *n, enum uplink_kind kind, const char *name)
{
	if (n->uplink.name || n->selector)
		return "one of tap=, bridge=, ovs=, macvtap= and vf= is enough";
	if (!uplink_is_name(name))
		return "an interface's name has 1 to 15 letters, digits, \"-\", \"_\" and \".\"";
	n->uplink.kind = kind;
	n->uplink.name = strdup(name);
	return n->uplink.name ? NULL : "out of memory";
}

static const char *set_tap(struct launch_net *n, const char *v)
{
	return set_uplink(n, UPLINK_TAP, v);
}

static const char *set_bridge(struct launch_net *n, const char *v)
{
	return set_uplink(n, UPLINK_BRIDGE, v);
}

static const char *set_ovs(struct launch_net *n, const char *v)
{
	return set_uplink(n, UPLINK_OVS, v);
}

static const char *set_macvtap(struct launch_net *n, const char *v)
{
	return set_uplink(n, UPLINK_MACVTAP, v);
}

static const char *set_vf(struct launch_net *n, const char *v)
{
	if (n->uplink.name || n->selector)
		return "one of tap=, bridge=, ovs=, macvtap= and vf= is enough";
	if (!*v)
		return "which function? See vfctl list";
	n->uplink.kind = UPLINK_MACVTAP;
	n->selector = strdup(v);
	return n->selector ? NULL : "out of memory";
}

static const char *set_mac(struct launch_net *n, const char *v)
{
	return mac_parse(v, &n->uplink.mac) < 0 || mac_is_multicast(n->uplink.mac) ||
			       mac_is_zero(n->uplink.mac)
		       ? "no address that a guest could have"
		       : NULL;
}

static const char *set_mtu(struct launch_net *n, const char *v)
{
	return parse_u32(v, &n->uplink.mtu) < 0 || n->uplink.mtu < UPLINK_MTU_LEAST ||
			       n->uplink.mtu > UPLINK_MTU_MOST
		       ? "mtu= is a number from 68 to 65521"
		       : NULL;
}

static const char *set_queues(struct launch_net *n, const char *v)
{
	return parse_u32(v, &n->uplink.queues) < 0 || n->uplink.queues < 1 ||
			       n->uplink.queues > UPLINK_QUEUES_MAX
		       ? "queues= is a number from 1 to 8"
		       : NULL;
}

static const char *set_mode(struct launch_net *n, const char *v)
{
	return uplink_mode_parse(v, &n->uplink.mode) < 0
		       ? "mode= is passthru, bridge, vepa or private"
		       : NULL;
}

static const char *set_model(struct launch_net *n, const char *v)
{
	n->e1000 = str_eq(v, "e1000");
	return n->e1000 || str_eq(v, "virtio") ? NULL : "model= is virtio or e1000";
}

static const struct {
	const char *key;
	set_fn *set;
} keys[] = {
	{ "tap", set_tap },
	{ "bridge", set_bridge },
	{ "ovs", set_ovs },
	{ "macvtap", set_macvtap },
	{ "vf", set_vf },
	{ "mac", set_mac },
	{ "mtu", set_mtu },
	{ "mode", set_mode },
	{ "queues", set_queues },
	{ "model", set_model },
	{ "vhost", launch_set_vhost },
};

static const char *set_key(struct launch_net *n, char *word)
{
	char *value = strchr(word, '=');
	const char *why;

	if (!value)
		return "not understood";
	*value++ = '\0';
	if (launch_serve_set(&n->serve, word, value, &why))
		return why;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (str_eq(word, keys[i].key))
			return keys[i].set(n, value);
	return "there is no such key";
}

int launch_parse_net(struct launch_net *n, const char *text, struct problem **reterr)
{
	autofree char *copy = strdup(text);
	char *save = NULL;
	const char *why;

	if (!copy)
		return no_memory(reterr);
	for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		why = set_key(n, w);

		if (why)
			return usage(text, why, reterr);
	}
	if (!n->uplink.name && !n->selector)
		return usage(text, "tap=, bridge=, ovs=, macvtap= or vf= is missing", reterr);
	if (n->e1000 && (n->serve.packed || n->serve.in_order || n->serve.queue_size))
		return usage(text, "packed=, in-order= and queue-size= are of virtio", reterr);
	if (n->e1000 && n->uplink.queues > 1)
		return usage(text, "model=e1000 has one queue", reterr);
	if (n->e1000)
		n->uplink.queues = 1;
	if (n->uplink.mode && n->uplink.kind != UPLINK_MACVTAP)
		return usage(text, "mode= is of a macvtap", reterr);
	why = launch_check_vhost(n);
	return why ? usage(text, why, reterr) : 0;
}

const char *launch_parse_uplink(struct launch_net *n, const char *spec)
{
	char word[16] = "";
	const char *colon = strchr(spec, ':');
	enum uplink_kind kind = UPLINK_TAP;

	if (!colon)
		return set_uplink(n, UPLINK_TAP, spec);
	if ((size_t)(colon - spec) < sizeof(word))
		memcpy(word, spec, (size_t)(colon - spec));
	if (uplink_kind_parse(word, &kind) < 0)
		return "an uplink is TAP, bridge:NAME, ovs:NAME or macvtap:NETDEV";
	return set_uplink(n, kind, colon + 1);
}

int launch_add_net(struct launch_request *r, const char *text, struct problem **reterr)
{
	struct launch_net *v;

	if (launch_is_vhost_user(text))
		return launch_add_vhost_user(r, false, text, reterr);
	v = reallocarray(r->nets, r->n_nets + 1, sizeof(*v));
	if (!v)
		return no_memory(reterr);
	r->nets = v;
	v[r->n_nets] = (struct launch_net) { 0 };
	return launch_parse_net(&v[r->n_nets++], text, reterr);
}

/* ---- Interfaces of functions ---- */

static int find_one(
	struct host *h, const struct inventory *inv, struct launch_net *n, struct problem **reterr)
{
	const char *word = n->selector;
	autoselection s = { 0 };
	int r = select_some(h, inv, &word, 1, &s, reterr);

	if (r < 0)
		return r;
	if (s.n != 1)
		return problem(reterr, -EINVAL, PROBLEM_AMBIGUOUS, "name one of them",
			"--net vf=%s: that are %zu functions", word, s.n);
	if (!s.v[0]->n_netdevs) {
		problem(reterr, -ENODEV, PROBLEM_NOT_FOUND, NULL,
			"--net vf=%s: no driver of the host has made a network interface of %s",
			word, s.v[0]->address);
		problem_hint(
			reterr, "vfctl unbind %s gives it back to its driver", s.v[0]->address);
		return -ENODEV;
	}
	n->uplink.name = strdup(s.v[0]->netdevs[0].name);
	return n->uplink.name ? 0 : no_memory(reterr);
}

int launch_find_nets(struct host *h, const struct inventory *inv, struct launch_request *r,
	struct problem **reterr)
{
	for (size_t i = 0; i < r->n_nets; i++) {
		struct launch_net *n = &r->nets[i];
		int e = n->selector && !n->uplink.name ? find_one(h, inv, n, reterr) : 0;

		if (e < 0)
			return e;
	}
	return 0;
}
