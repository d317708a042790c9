/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Somebody else who serves virtqueues: the kernel (vhost-net, vhost-vsock: linux/vhost.h) or
 * another process (vhost-user: the protocol's text in QEMU's docs/interop/vhost-user.rst). He maps
 * the guest's memory, reads doorbells from an eventfd, and signals another for interrupts.
 *
 * Not thread-safe: whoever owns it calls it from one thread at a time. A vhost whose call failed
 * with anything is of no use any more, but to be freed; vhost->why says in words what it was.
 */
#pragma once

#include "base/attr.h"
#include "vmm/memory/guest_memory.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	VHOST_RINGS_MAX = 64,
	VHOST_WHY_BYTES = 120,
};

/* A split ring, checked: its parts lie in the guest's memory. */
struct vhost_ring {
	unsigned index;
	uint16_t size;
	const void *desc, *driver, *device; /* where they are in this process */
	uint16_t base;			    /* the available index to go on from */
	int kick, call;			    /* eventfds, borrowed */
};

struct vhost;

struct vhost_ops {
	/* The features that were negotiated, and the memory; before any ring. */
	int (*set_up)(struct vhost *v, const struct guest_memory *m, uint64_t features);
	/* All about the ring; it is served once it is enabled, too. */
	int (*start)(struct vhost *v, const struct vhost_ring *r);
	/* All rings that there will be were started. */
	int (*run)(struct vhost *v);
	/* Another eventfd for the interrupts of a ring that runs. */
	int (*call)(struct vhost *v, unsigned index, int fd);
	/*
	 * Of another process also before it starts; else one that was started. A pair's, too, that
	 * the driver switches on or off while it runs.
	 */
	int (*enable)(struct vhost *v, unsigned index, bool on);
	/* Nothing is touched any more when it returns; *ret_base: where it stopped. */
	int (*stop)(struct vhost *v, unsigned index, uint16_t *ret_base);
	void (*free)(struct vhost *v);
};

struct vhost {
	const struct vhost_ops *ops;
	uint64_t features; /* that it offers, of virtio */
	unsigned rings;	   /* at most */
	char why[VHOST_WHY_BYTES];
};

static inline void vhost_free(struct vhost *v)
{
	if (v)
		v->ops->free(v);
}
DEFINE_AUTO(struct vhost, vhost_free);

/* Notes what went wrong, the first time, and returns r. */
int vhost_failed(struct vhost *v, int r, const char *what);
