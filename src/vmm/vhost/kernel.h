/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vhost in the kernel: /dev/vhost-net, /dev/vhost-vsock (linux/vhost.h). */
#pragma once

#include "base/problem.h"
#include "vhost.h"

enum { VHOST_PAIRS_MAX = VHOST_RINGS_MAX / 2 };

/*
 * An open /dev/vhost-net and a queue of the tap for each pair of rings. Descriptors stay the
 * caller's. The tap's frames have a header of 12 bytes.
 */
int vhost_net_new(struct host *h, const int *fds, const int *taps, unsigned pairs,
	struct vhost **ret, struct problem **reterr);
/*
 * An open /dev/vhost-vsock, for the guest with that number; two rings, the events are not its.
 * PROBLEM_IN_USE when another guest has the number.
 */
int vhost_vsock_new(
	struct host *h, int fd, uint64_t cid, struct vhost **ret, struct problem **reterr);
