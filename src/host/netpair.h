/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tap, and a packet socket at its other end, in a network namespace that nobody else is in: what
 * goes over it disturbs no network of the host's, and no firewall of the host's disturbs it. Both
 * live as long as their descriptors.
 */
#pragma once

#include <stdint.h>

struct netpair {
	int tap;  /* frames carry a virtio-net header (IFF_VNET_HDR); does not block */
	int ns;	  /* the name space; -1: this one */
	int peer; /* sends and receives whole Ethernet frames of one type; blocks */
};

/*
 * Only frames of `ethertype` (host order) come to the peer. -EPERM: that takes CAP_SYS_ADMIN and
 * CAP_NET_ADMIN; -ENOENT: the kernel offers no taps.
 */
int netpair_new(uint16_t ethertype, struct netpair *ret);
/* A peer's end alone, on an interface of this thread's network, which has to be up. */
int netpair_open_peer(uint16_t ethertype, const char *interface);
/* From now on the calling thread, and whom it starts, is in that network. */
int netpair_enter(const struct netpair *p);
void netpair_done(struct netpair *p);
#define NETPAIR_NONE                                                                               \
	(struct netpair)                                                                           \
	{                                                                                          \
		-1, -1, -1                                                                         \
	}
