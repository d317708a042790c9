/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio-net (Virtual I/O Device 1.2, 5.1): queue pairs in front of a tap (vmm/net), and a control
 * queue. */
#pragma once

#include "base/mac.h"
#include "device.h"

struct tap;

enum { VIRTIO_NET_RX, VIRTIO_NET_TX, VIRTIO_NET_PAIRS_MAX = 8 };

struct virtio_net_setup {
	struct tap *const *taps; /* a queue pair each; the first is always in use */
	unsigned n_taps;
	struct mac mac; /* zero: a random, locally administered one */
	bool fixed_mac; /* nothing arrives for another: the guest cannot choose one */
	/*
	 * Offers itself as standby of another interface with the same address (5.1.3,
	 * VIRTIO_NET_F_STANDBY); with `needed` a driver that does not take that cannot have it.
	 */
	bool standby, standby_needed;
	bool over_vf; /* the taps lead to a VF of the host: to be told */
	uint16_t mtu; /* 0: the guest is not told */
};

struct vmm_services;
struct virtio_net_params; /* virtio.h */
/* A tap for each of p->fds, which stay the caller's; `taps` has room for them. On failure none
 * is left open. */
int virtio_net_open_taps(const struct vmm_services *s, const struct virtio_net_params *p,
	struct tap **taps, struct problem **reterr);
/* What is asked of an interface that the VMM, or the kernel, serves. Borrows `taps`. */
struct virtio_net_setup virtio_net_setup_of(
	const struct virtio_net_params *p, struct tap *const *taps);

/* Takes the taps over, also on failure. */
int virtio_net_device_new(const struct guest_memory *m, const char *name,
	const struct virtio_net_setup *s, struct virtio_device **ret);
/*
 * Pulls the plug, or puts it in: the driver is told, and what comes and goes meanwhile is lost.
 * When it comes back the guest is asked to announce itself. Any thread.
 */
void virtio_net_device_set_link(struct virtio_device *d, bool up);
bool virtio_net_device_link(struct virtio_device *d);
