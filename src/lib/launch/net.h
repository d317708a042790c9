/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --net, and uplinks in the values of other options. */
#pragma once

#include "request.h"

#include "host/host.h"
#include "inventory/inventory.h"
#include "select/select.h"

/* The value of --net. USAGE, with the key that is wrong. launch_net_done() is due either way. */
int launch_parse_net(struct launch_net *n, const char *text, struct problem **reterr);
/* "tap0", "bridge:br0": NULL, or why not. */
const char *launch_parse_uplink(struct launch_net *n, const char *spec);
void launch_net_done(struct launch_net *n);
/* vf=: the interface of each function that was named. Only looks. */
int launch_find_nets(struct host *h, const struct inventory *inv, struct launch_request *r,
	struct problem **reterr);
