/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends of a wire: what a guest's network interface goes to, and where vfctl answers. */
#pragma once

#include "bench.h"

#include "base/mac.h"
#include "host/netpair.h"

struct uplink;

struct pair {
	struct netpair ends;
	struct mac tap,
		peer; /* their addresses: frames go from one to the other, and to nobody else */
	struct uplink *uplink; /* NULL: a tap in a network of its own */
	int vhost;	       /* an open /dev/vhost-net; -1: none */
};
#define PAIR_NONE                                                                                  \
	(struct pair)                                                                              \
	{                                                                                          \
		.ends = { -1, -1, -1 }, .vhost = -1                                                \
	}

/* A new one: whoever had it before leaves settings behind. As the path and the wish have it. */
int pair_new(struct host *h, const struct bench_wish *w, const struct bench_path *p,
	struct pair *ret, struct problem **reterr);
void pair_done(struct pair *p);
#define autopair CLEANUP(pair_done) struct pair
