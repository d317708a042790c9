/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine's tables of routes, addresses and connections say about each interface, read
 * once. The tables are those of our own network namespace.
 */
#pragma once

#include "host/host.h"

struct traffic {
	char name[16];
	bool route_default; /* it carries a default route */
	bool address;	    /* it has an address beyond the link-local one, or a route */
	char *session;	    /* whom an ssh session that comes in through it is with; NULL: none */
};

struct traffic_table {
	struct traffic *v;
	size_t n;
};

int traffic_read(struct host *h, struct traffic_table *ret);
void traffic_done(struct traffic_table *t);
/* NULL: nothing is known of that interface. */
const struct traffic *traffic_of(const struct traffic_table *t, const char *name);
