/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that another process serves (vhost-user), and sockets to the guest that the kernel does
 * (vhost-vsock).
 */
#pragma once

#include "handles.h"

/* "vhost-user=SOCKET" begins so; of --net "mac=" and "mtu=" may follow. */
bool launch_is_vhost_user(const char *text);
int launch_add_vhost_user(
	struct launch_request *r, bool disk, const char *text, struct problem **reterr);
void launch_vhosts_done(struct launch_request *r);

/*
 * Who dials for each of them: a process that has nothing but the socket's path. Before anything is
 * open that it must not hold. NOT_FOUND where there is no socket.
 */
int launch_open_dialers(
	const struct launch_request *r, struct launch_handles *io, struct problem **reterr);
/* /dev/vhost-vsock, if it is wanted. */
int launch_open_vsock(struct host *h, const struct launch_request *r, struct launch_handles *io,
	struct problem **reterr);
