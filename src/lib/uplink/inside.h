/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the room, for this room alone. */
#pragma once

#include "uplink.h"

struct uplink_ops {
	const char *name;
	/* On failure what was made is undone by `undo`, which looks at the fields. */
	int (*open)(struct uplink *u, const struct uplink_wish *w, struct problem **reterr);
	void (*undo)(struct uplink *u); /* descriptors are closed already; NULL: nothing to do */
};

extern const struct uplink_ops uplink_tap_ops, uplink_bridge_ops, uplink_ovs_ops,
	uplink_macvtap_ops;

/* Names that begin so are ours, and none is given twice. */
#define UPLINK_OUR_NAMES "vft-"
int uplink_new_name(char buf[UPLINK_NAME_MAX + 1], struct problem **reterr);
/* It is one of ours, and whoever made it (its alias tells) has ended. */
bool uplink_is_left(struct host *h, const char *name);
/* Says whose the interface is: for the above. */
int uplink_mark(struct host *h, int ifindex);
/* A link of the host could not be changed in some way ("its MTU cannot be set"). */
int uplink_blame(const char *name, int code, const char *what, struct problem **reterr);

/* ---- bridge.c, ovs.c ---- */

/* What u->to is. */
int uplink_find_bridge(struct uplink *u, struct host_link *ret, struct problem **reterr);
int uplink_find_switch(struct uplink *u, struct problem **reterr);
/* u->tap becomes its port. */
int uplink_add_port(struct uplink *u, const struct uplink_wish *w, struct problem **reterr);
void uplink_remove_port(struct uplink *u, const char *port);
/* 1: `port` is one of u->to; 2: made by us; 0: of none; -EBUSY: of another. */
int uplink_whose_port(struct uplink *u, const char *port, struct problem **reterr);

/* ---- tap.c ---- */

/* A tap of our own, with queues, down, in `u`: its MTU is as wished, or as `usual` is. */
int uplink_make_tap(
	struct uplink *u, const struct uplink_wish *w, unsigned usual, struct problem **reterr);
/* One that somebody else made and lent, and its further queues: 1; 0: nobody did. */
int uplink_take_lent(struct uplink *u, const struct uplink_wish *w, struct problem **reterr);
