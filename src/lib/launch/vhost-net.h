/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/vhost-net for interfaces of a guest: the kernel moves their packets. */
#pragma once

#include "request.h"

#include "host/host.h"

/* Of one interface; `why` it has none, if nobody asked for that. */
struct launch_kernel_net {
	int fds[UPLINK_QUEUES_MAX]; /* one for each pair of queues */
	unsigned n;
	struct problem *why;
};

/* vhost= of --net: NULL, or what is wrong with the value. */
const char *launch_set_vhost(struct launch_net *n, const char *value);
/* After all keys: what the kernel cannot do is refused beside vhost=on. NULL, or why. */
const char *launch_check_vhost(const struct launch_net *n);
/* It is to be served by the kernel, if that can be: auto is not beside what only the VMM can do. */
bool launch_wants_vhost(const struct launch_net *n);
/*
 * A descriptor for each of `pairs`; *used counts those of all interfaces so far. With auto what is
 * not there is no failure, but the reason in ret->why.
 */
int launch_open_vhost(struct host *h, const struct launch_net *n, unsigned pairs, unsigned *used,
	struct launch_kernel_net *ret, struct problem **reterr);
void launch_kernel_net_done(struct host *h, struct launch_kernel_net *k);

/* "vhost-net#1", the second that a guest needs: as somebody else is asked for it. Allocated. */
char *launch_vhost_name(unsigned number) NODISCARD;
/* This process may not open it, which is there. */
bool launch_vhost_is_denied(struct host *h);
