// SPDX-License-Identifier: GPL-2.0-or-later
#include "interface.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"

/* No link is faster, and "unknown" comes as -1 or as a wrapped 4294967295. */
#define SPEED_PLAUSIBLE_MB UINT64_C(10000000)

void interface_done(struct interface *i)
{
	strv_free(i->altnames);
	free(i->mac);
	free(i->permanent_mac);
	free(i->state);
	free(i->duplex);
	free(i->port);
	free(i->switch_port);
}

static char *read_text(struct folder *f, const char *name)
{
	char text[128], *trimmed;

	if (folder_read_text(f, name, text, sizeof(text)) < 0)
		return NULL;
	trimmed = str_trim(text);
	return *trimmed ? str_printable(trimmed) : NULL;
}

static void read_plain(struct folder *f, struct interface *i)
{
	uint64_t mtu;

	i->mac = read_text(f, "address");
	i->state = read_text(f, "operstate");
	if (folder_read_u64(f, "mtu", &mtu) == 0 && mtu <= UINT32_MAX)
		i->mtu = (unsigned)mtu;
}

static char *asked_text(struct locked_read *r)
{
	char *s = r->result == 0 ? str_trim(r->text) : NULL;

	return s && *s ? str_printable(s) : NULL;
}

static int64_t asked_number(struct locked_read *r, uint64_t max)
{
	uint64_t v;

	if (r->result < 0 || parse_u64(str_trim(r->text), &v) < 0 || v > max)
		return -1;
	return (int64_t)v;
}

/* These wait for the lock of all of networking, and some for the driver and its firmware. */
static void ask_driver(struct host *h, struct interface *i)
{
	enum { CARRIER, SPEED, DUPLEX, PORT, SWITCH };
	struct locked_read r[] = {
		[CARRIER] = { .attribute = "carrier", .interface = i->name },
		[SPEED] = { .attribute = "speed", .interface = i->name },
		[DUPLEX] = { .attribute = "duplex", .interface = i->name },
		[PORT] = { .attribute = "phys_port_name", .interface = i->name },
		[SWITCH] = { .attribute = "phys_switch_id", .interface = i->name },
	};

	locked_read_all(h, r, ARRAY_SIZE(r));
	i->carrier = (int)asked_number(&r[CARRIER], 1);
	i->speed = asked_number(&r[SPEED], SPEED_PLAUSIBLE_MB);
	i->duplex = asked_text(&r[DUPLEX]);
	if (str_eq(i->duplex, "unknown")) {
		free(i->duplex);
		i->duplex = NULL;
	}
	i->port = asked_text(&r[PORT]);
	i->switch_port = asked_text(&r[SWITCH]);
}

static int ask_kernel(struct host *h, struct interface *i)
{
	struct host_link link;
	int r = host_link_altnames(h, i->ifindex, &i->altnames);

	i->altnames_known = r == 0;
	if (r == 0 && i->altnames && !*i->altnames) {
		free(i->altnames);
		i->altnames = NULL;
	}
	if (r == -ENOMEM)
		return r;
	if (host_link_get(h, i->ifindex, &link) == 0 && !mac_is_zero(link.permanent_mac))
		i->permanent_mac = str_printf("%s", MAC_TEXT(link.permanent_mac));
	return 0;
}

int interface_read(struct host *h, const struct netdev *d, struct interface *ret)
{
	struct interface i = { .ifindex = d->ifindex, .carrier = -1, .speed = -1 };
	autofolder f;
	int r;

	memcpy(i.name, d->name, sizeof(i.name));
	folder_init(&f, h);
	if (sysfs_enter(&f, "class/net/%s", i.name) == 0)
		read_plain(&f, &i);
	ask_driver(h, &i);
	r = ask_kernel(h, &i);
	if (r < 0)
		interface_done(&i);
	else
		*ret = i;
	return r;
}
