/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named ports of a guest's virtio-console, each behind a socket of this host. */
#pragma once

#include "handles.h"

/*
 * "name=NAME,socket=PATH": one more port. USAGE: a key, name or path that is none, a name or socket
 * that another port has, or a port too many.
 */
int launch_add_port(struct launch_request *r, const char *text, struct problem **reterr);
void launch_ports_done(struct launch_request *r);

/*
 * Listens at all of them, for this user alone. IN_USE: somebody else does. Those that are open stay
 * in `io`, also on failure: launch_remove_ports().
 */
int launch_open_ports(
	const struct launch_request *r, struct launch_handles *io, struct problem **reterr);
/* The descriptors alone; what is listened at stays. */
void launch_close_ports(struct launch_handles *io);
/* Nobody finds them any more. */
void launch_remove_ports(struct launch_handles *io);
