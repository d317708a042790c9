/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything about one interface, for people who look at it. From its folder in the class, so that
 * a captured machine tells as much as the live one; names and the permanent address are the
 * kernel's to tell. What a driver is asked for is read with a deadline.
 */
#pragma once

#include "netdev.h"

struct interface {
	char name[NETDEV_NAME_MAX];
	int ifindex;
	char **altnames;     /* NULL: none, or … */
	bool altnames_known; /* … false: nobody could say */
	char *mac, *permanent_mac;
	unsigned mtu;		  /* 0 unknown */
	char *state;		  /* "up", "down", "lowerlayerdown"…: RFC 2863; NULL unknown */
	int carrier;		  /* 0, 1; -1 unknown, as when the interface is down */
	int64_t speed;		  /* Mb/s; -1 unknown, as without a carrier */
	char *duplex;		  /* "full", "half"; NULL unknown */
	char *port, *switch_port; /* of a card with several ports, "p0"; the switch's identity */
};

/* What cannot be read is left unknown. -ENOMEM only. */
int interface_read(struct host *h, const struct netdev *d, struct interface *ret);
void interface_done(struct interface *i);
