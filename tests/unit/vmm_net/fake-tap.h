/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap without a kernel interface: one end of a packet socket for the VMM, the other for the
 * test, and a host whose ioctls answer as a tap's.
 */
#pragma once

#include "base/attr.h"
#include "host/host.h"

#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct fake_tap {
	struct host host;
	struct host_ops ops;
	int fd, other; /* the VMM's, the test's */
	short flags;
	int header_bytes;
	unsigned offload, offload_known; /* what it does, what it would do */
	unsigned offload_calls;
	bool detached;	   /* by TUNSETQUEUE */
	unsigned filtered; /* addresses in the filter; 0: there is none */
	unsigned filter_flags, filter_calls;
	uint8_t filter[130][6];
};

static int fake_tap_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct fake_tap *t = container_of(h, struct fake_tap, host);
	unsigned flags = (unsigned)(uintptr_t)arg;

	if (fd != t->fd)
		return -EBADF;
	if (request == TUNGETIFF) {
		strcpy(((struct ifreq *)arg)->ifr_name, "tap7");
		((struct ifreq *)arg)->ifr_flags = t->flags;
	} else if (request == TUNSETVNETHDRSZ) {
		t->header_bytes = *(int *)arg;
	} else if (request == TUNSETOFFLOAD) {
		t->offload_calls++;
		if (flags & ~t->offload_known)
			return -EINVAL;
		t->offload = flags;
	} else if (request == TUNSETQUEUE) {
		bool detach = ((struct ifreq *)arg)->ifr_flags & IFF_DETACH_QUEUE;

		if (t->detached == detach)
			return -EINVAL;
		t->detached = detach;
	} else if (request == TUNSETTXFILTER) {
		const struct tun_filter *filter = arg;

		t->filter_calls++;
		t->filtered = filter->count;
		t->filter_flags = filter->flags;
		memcpy(t->filter, filter->addr, 6U * filter->count);
	} else {
		return -ENOTTY;
	}
	return 0;
}

static inline void fake_tap_open(struct fake_tap *t)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		abort();
	*t = (struct fake_tap) { .fd = fds[0],
		.other = fds[1],
		.flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
		.offload_known = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
		.ops = { .ioctl = fake_tap_ioctl } };
	t->host.ops = &t->ops;
}

static inline void fake_tap_close(struct fake_tap *t)
{
	close(t->fd);
	close(t->other);
}
