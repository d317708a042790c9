// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interfaces that somebody's connection depends on: their own routes and addresses, and those of
 * whatever is stacked on them (eth0 → bond0 → br0). The kernel links an interface to those above
 * it as "upper_NAME", and to the one it is a port of also as "master".
 */
#include "sources.h"
#include "traffic.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "netdev/netdev.h"

enum { MAX_STACK = 8 }; /* the kernel's own limit of nested interfaces */

struct stack {
	struct search *s;
	const struct traffic_table *traffic;
	size_t function;
	const char *names[MAX_STACK]; /* from the function's own interface up */
	size_t n;
};

/* "eth0 → bond0", printable. */
static char *chain(const struct stack *k)
{
	autostrbuf b = { 0 };
	autofree char *raw = NULL;

	for (size_t i = 0; i < k->n; i++)
		strbuf_add(&b, "%s%s", i ? " → " : "", k->names[i]);
	raw = strbuf_take(&b);
	return raw ? str_printable(raw) : NULL;
}

static int look_at_traffic(struct stack *k)
{
	const struct traffic *t = traffic_of(k->traffic, k->names[k->n - 1]);
	autofree char *name = chain(k);
	int r = 0;

	if (!name)
		return -ENOMEM;
	if (t && t->session)
		r = search_add(k->s, HOLDER_SESSION, HOLD_USED, k->function,
			str_printf("an ssh session from %s comes in through %s", t->session, name));
	if (r == 0 && t && t->route_default)
		r = search_add(k->s, HOLDER_ROUTE, HOLD_USED, k->function,
			str_printf("%s carries the default route", name));
	else if (r == 0 && t && t->address)
		r = search_add(k->s, HOLDER_ADDRESS, HOLD_USED, k->function,
			str_printf("%s has addresses", name));
	return r;
}

/* "bridge", "bond", "vlan": what the kernel calls that kind; NULL when it does not say. */
static char *kind_of(struct host *h, const char *name)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (str_eq(name, "ovs-system"))
		return strdup("Open vSwitch");
	if (sysfs_read(h, &text, "class/net/%s/uevent", name) < 0)
		return NULL;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (str_starts(l, "DEVTYPE="))
			return str_printable(l + strlen("DEVTYPE="));
	return NULL;
}

static int add_upper(struct stack *k, const char *upper, bool is_master)
{
	autofree char *below = chain(k), *name = str_printable(upper);
	autofree char *kind = kind_of(k->s->h, upper);
	const char *open = kind ? " (" : "", *close = kind ? ")" : "";

	if (!below || !name)
		return -ENOMEM;
	if (is_master)
		return search_add(k->s, HOLDER_MASTER, HOLD_USED, k->function,
			str_printf("%s is a port of %s%s%s%s", below, name, open, kind ? kind : "",
				close));
	return search_add(k->s, HOLDER_UPPER, HOLD_USED, k->function,
		str_printf("%s%s%s%s is on %s", name, open, kind ? kind : "", close, below));
}

static bool is_in_stack(const struct stack *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (str_eq(k->names[i], name))
			return true;
	return false;
}

static int look_at(struct stack *k, const char *name);

static int look_above(struct stack *k, const char *name)
{
	autostrv char **entries = NULL;
	autofree char *master = NULL;
	bool master_seen = false;
	int r = 0;

	if (sysfs_link_name(k->s->h, &master, "class/net/%s/master", name) == -ENOMEM ||
		sysfs_list(k->s->h, &entries, "class/net/%s", name) == -ENOMEM)
		return -ENOMEM;
	for (char **e = entries; r == 0 && e && *e; e++) {
		const char *upper = *e + strlen("upper_");

		if (!str_starts(*e, "upper_") || is_in_stack(k, upper))
			continue;
		master_seen = master_seen || str_eq(upper, master);
		r = add_upper(k, upper, str_eq(upper, master));
		if (r == 0)
			r = look_at(k, upper);
	}
	/* In a captured machine the links to those above may be missing. */
	if (r == 0 && master && !master_seen && !is_in_stack(k, master)) {
		r = add_upper(k, master, true);
		if (r == 0)
			r = look_at(k, master);
	}
	return r;
}

static int look_at(struct stack *k, const char *name)
{
	int r;

	if (k->n == MAX_STACK)
		return 0;
	k->names[k->n++] = name;
	r = look_at_traffic(k);
	if (r == 0)
		r = look_above(k, name);
	k->n--;
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
	struct traffic_table traffic CLEANUP(traffic_done) = { 0 };
	struct stack k = { .s = s, .traffic = &traffic };
	autofree struct netdev *devs = NULL;
	size_t n;
	int r = netdevs_list(s->h, &devs, &n);

	if (r < 0)
		return r == -ENOMEM ? r : search_unknown(s, "network interfaces", r);
	r = traffic_read(s->h, &traffic);
	for (size_t i = 0; r == 0 && i < n; i++) {
		ssize_t at = search_index(s, devs[i].bdf);

		if (at < 0)
			continue;
		k.function = (size_t)at;
		r = look_at(&k, devs[i].name);
	}
	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = look_elsewhere(s, i);
	return r;
}
