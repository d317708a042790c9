// SPDX-License-Identifier: GPL-2.0-or-later
/* Interfaces that somebody's connection depends on: routes, addresses, bridges. */
#include "sources.h"

#include "base/str.h"
#include "host/procfs.h"
#include "host/sysfs.h"
#include "netdev/netdev.h"

#include <stdio.h>

/* What the tables of routes and addresses say about one interface. */
struct traffic {
	bool route_default, address;
};

/* "eth0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0": name, destination, …, mask. */
static void scan_routes4(char *text, const char *name, struct traffic *t)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		unsigned dest, mask;
		char iface[32];

		if (sscanf(l, "%31s %x %*x %*x %*d %*d %*d %x", iface, &dest, &mask) != 3 ||
			!str_eq(iface, name))
			continue;
		if (dest == 0 && mask == 0)
			t->route_default = true;
		else
			t->address = true;
	}
}

/* Destination, its prefix length, source, …, flags, name; "lo" carries the refusals. */
static void scan_routes6(char *text, const char *name, struct traffic *t)
{
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		unsigned prefix;
		char iface[32];

		if (sscanf(l, "%*32s %x %*s %*s %*s %*s %*s %*s %*s %31s", &prefix, iface) == 2 &&
			str_eq(iface, name) && prefix == 0)
			t->route_default = true;
	}
}

/* Address, index, prefix, scope, flags, name. Every interface that is up has a link-local one. */
static void scan_addresses6(char *text, const char *name, struct traffic *t)
{
	enum { SCOPE_LINK = 0x20 };
	char *save = NULL;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		unsigned scope;
		char iface[32];

		if (sscanf(l, "%*32s %*x %*x %x %*x %31s", &scope, iface) == 2 &&
			str_eq(iface, name) && scope != SCOPE_LINK)
			t->address = true;
	}
}

static struct traffic traffic_of(struct host *h, const char *name)
{
	static const struct {
		const char *file;
		void (*scan)(char *text, const char *name, struct traffic *t);
	} tables[] = {
		{ "self/net/route", scan_routes4 },
		{ "self/net/ipv6_route", scan_routes6 },
		{ "self/net/if_inet6", scan_addresses6 },
	};
	struct traffic t = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		autofree char *text = NULL;

		if (procfs_read(h, &text, "%s", tables[i].file) >= 0)
			tables[i].scan(text, name, &t);
	}
	return t;
}

static int look_at(struct search *s, size_t i, const struct netdev *d)
{
	struct traffic t = traffic_of(s->h, d->name);
	autofree char *name = str_printable(d->name), *master = NULL;
	int r = 0;

	if (!name)
		return -ENOMEM;
	if (t.route_default)
		r = search_add(s, HOLDER_ROUTE, HOLD_USED, i,
			str_printf("%s carries the default route", name));
	else if (t.address)
		r = search_add(
			s, HOLDER_ADDRESS, HOLD_USED, i, str_printf("%s has addresses", name));
	if (r == 0 && sysfs_link_name(s->h, &master, "class/net/%s/master", d->name) == 0)
		r = search_add(s, HOLDER_MASTER, HOLD_USED, i,
			str_printf("%s is a port of %s", name, master));
	return r;
}

/* The folder shows the interfaces of our own namespace only, but it is there while any exists. */
static int look_elsewhere(struct search *s, size_t i)
{
	autostrv char **names = NULL;

	if (sysfs_list(s->h, &names, "bus/pci/devices/%s/net", BDF_TEXT(s->a[i])) < 0 ||
		strv_len(names))
		return 0;
	return search_add(s, HOLDER_NETNS, HOLD_USED, i,
		str_printf("its interface is in another network namespace"));
}

int find_net(struct search *s)
{
	autofree struct netdev *devs = NULL;
	size_t n;
	int r = netdevs_list(s->h, &devs, &n);

	if (r < 0)
		return r == -ENOMEM ? r : search_unknown(s, "network interfaces", r);
	for (size_t i = 0; r == 0 && i < n; i++) {
		ssize_t at = search_index(s, devs[i].bdf);

		r = at < 0 ? 0 : look_at(s, (size_t)at, &devs[i]);
	}
	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = look_elsewhere(s, i);
	return r;
}
