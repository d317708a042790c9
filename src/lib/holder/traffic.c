// SPDX-License-Identifier: GPL-2.0-or-later
#include "traffic.h"

#include "base/str.h"
#include "host/procfs.h"

#include <arpa/inet.h>
#include <stdio.h>

/* Bytes in the order of the network; of IPv4 four. */
struct address {
	uint8_t b[16];
	size_t len;
};

struct route {
	struct address to;
	unsigned prefix;
	char name[16];
};

struct reader {
	struct traffic_table t;
	struct route *routes;
	size_t n_routes;
};

static void reader_done(struct reader *r)
{
	traffic_done(&r->t);
	free(r->routes);
}

void traffic_done(struct traffic_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].session);
	free(t->v);
	*t = (struct traffic_table) { 0 };
}

static struct traffic *find(const struct traffic_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].name, name))
			return &t->v[i];
	return NULL;
}

const struct traffic *traffic_of(const struct traffic_table *t, const char *name)
{
	return find(t, name);
}

/* The entry of that interface, a new one if need be; NULL when memory is out. */
static struct traffic *entry(struct reader *r, const char *name)
{
	struct traffic *there = find(&r->t, name), *more;

	if (there)
		return there;
	more = reallocarray(r->t.v, r->t.n + 1, sizeof(*more));
	if (!more)
		return NULL;
	r->t.v = more;
	there = &more[r->t.n++];
	*there = (struct traffic) { 0 };
	(void)snprintf(there->name, sizeof(there->name), "%s", name);
	return there;
}

static int add_route(struct reader *r, const struct address *to, unsigned prefix, const char *name)
{
	struct traffic *t = entry(r, name);
	struct route *more = reallocarray(r->routes, r->n_routes + 1, sizeof(*more));

	if (more)
		r->routes = more;
	if (!more || !t)
		return -ENOMEM;
	more[r->n_routes] = (struct route) { .to = *to, .prefix = prefix };
	memcpy(more[r->n_routes++].name, t->name, sizeof(t->name));
	t->route_default = t->route_default || prefix == 0;
	return 0;
}

/* The kernel prints the word as the machine that has it reads it. */
static struct address address4(uint32_t word)
{
	struct address a = { .len = 4 };

	memcpy(a.b, &word, 4);
	return a;
}

/* 32 digits without colons. */
static bool parse_digits6(const char *s, struct address *ret)
{
	struct address a = { .len = 16 };

	if (strlen(s) != 32)
		return false;
	for (size_t i = 0; i < 16; i++) {
		unsigned byte;

		if (sscanf(s + 2 * i, "%2x", &byte) != 1)
			return false;
		a.b[i] = (uint8_t)byte;
	}
	*ret = a;
	return true;
}

/* "eth0 00000000 0102A8C0 0003 0 0 0 00000000 0 0 0": name, destination, …, mask. */
static int read_route4(struct reader *r, const char *line)
{
	unsigned dest, mask;
	char name[32];
	struct address to;
	int e;

	if (sscanf(line, "%31s %x %*x %*x %*d %*d %*d %x", name, &dest, &mask) != 3 ||
		strlen(name) > 15)
		return 0;
	to = address4(dest);
	e = add_route(r, &to, (unsigned)__builtin_popcount(mask), name);
	if (e == 0 && mask)
		find(&r->t, name)->address = true;
	return e;
}

/* Destination, its prefix length, source, …, flags, name; "lo" carries the refusals. */
static int read_route6(struct reader *r, const char *line)
{
	char digits[33], name[32];
	struct address to;
	unsigned prefix;

	if (sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %*s %31s", digits, &prefix, name) != 3 ||
		strlen(name) > 15 || str_eq(name, "lo") || !parse_digits6(digits, &to))
		return 0;
	return add_route(r, &to, prefix, name);
}

/* Address, index, prefix, scope, flags, name. Every interface that is up has a link-local one. */
static int read_address6(struct reader *r, const char *line)
{
	enum { SCOPE_LINK = 0x20 };
	struct traffic *t;
	unsigned scope;
	char name[32];

	if (sscanf(line, "%*32s %*x %*x %x %*x %31s", &scope, name) != 2 || strlen(name) > 15 ||
		scope == SCOPE_LINK)
		return 0;
	t = entry(r, name);
	if (t)
		t->address = true;
	return t ? 0 : -ENOMEM;
}

static bool matches(const struct route *route, const struct address *a)
{
	if (route->to.len != a->len || route->prefix > a->len * 8)
		return false;
	for (unsigned bit = 0; bit < route->prefix; bit++)
		if ((route->to.b[bit / 8] ^ a->b[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

/* The kernel's choice among several equally long ones is not known here: the first. */
static const char *interface_to(const struct reader *r, const struct address *a)
{
	const struct route *best = NULL;

	for (size_t i = 0; i < r->n_routes; i++)
		if (matches(&r->routes[i], a) && (!best || r->routes[i].prefix > best->prefix))
			best = &r->routes[i];
	return best ? best->name : NULL;
}

/* Four words as the machine reads them, or one; an IPv4 address in an IPv6 socket is IPv4. */
static bool parse_words(const char *s, struct address *ret)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct address a = { .len = strlen(s) / 2 };

	if (strlen(s) != 8 && strlen(s) != 32)
		return false;
	for (size_t i = 0; i < a.len; i += 4) {
		uint32_t word;

		if (sscanf(s + 2 * i, "%8x", &word) != 1)
			return false;
		memcpy(a.b + i, &word, 4);
	}
	if (a.len == 16 && memcmp(a.b, mapped, sizeof(mapped)) == 0) {
		memmove(a.b, a.b + 12, 4);
		a.len = 4;
	}
	*ret = a;
	return true;
}

/* "0: 0100000A:0016 0200000A:D431 01 …": number, local, remote, state. */
static int read_connection(struct reader *r, const char *line)
{
	enum { ESTABLISHED = 1, SSH = 22 };
	char far[33], text[INET6_ADDRSTRLEN];
	struct address a;
	struct traffic *t;
	unsigned port, state;
	const char *name;

	if (sscanf(line, " %*d: %*32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%*x %x", &port, far, &state) !=
			3 ||
		port != SSH || state != ESTABLISHED || !parse_words(far, &a))
		return 0;
	name = interface_to(r, &a);
	t = name ? find(&r->t, name) : NULL;
	if (!t || t->session ||
		!inet_ntop(a.len == 4 ? AF_INET : AF_INET6, a.b, text, sizeof(text)))
		return 0;
	t->session = strdup(text);
	return t->session ? 0 : -ENOMEM;
}

/* Routes come before connections, which are looked up in them. */
int traffic_read(struct host *h, struct traffic_table *ret)
{
	static const struct {
		const char *file;
		int (*read)(struct reader *r, const char *line);
	} tables[] = {
		{ "self/net/route", read_route4 },
		{ "self/net/ipv6_route", read_route6 },
		{ "self/net/if_inet6", read_address6 },
		{ "self/net/tcp", read_connection },
		{ "self/net/tcp6", read_connection },
	};
	struct reader r CLEANUP(reader_done) = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		autofree char *text = NULL;
		char *save = NULL;
		int e = procfs_read(h, &text, "%s", tables[i].file);

		for (char *l = e < 0 ? NULL : strtok_r(text, "\n", &save); l && e == 0;
			l = strtok_r(NULL, "\n", &save))
			e = tables[i].read(&r, l);
		if (e == -ENOMEM)
			return e;
	}
	*ret = r.t;
	r.t = (struct traffic_table) { 0 };
	return 0;
}
