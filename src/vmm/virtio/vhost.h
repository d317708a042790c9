/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices whose queues a vhost serves (vmm/vhost): the kernel, or another process. What is
 * left here is the configuration, and the queues that no vhost knows of.
 *
 * Another process may end and come back while the guest runs. Doorbells stay in their eventfds
 * meanwhile, requests in the rings. A thread of the device (link.c) waits for its end, has it
 * dialled again, and lets it go on where the rings are: with what the old one left in memory of its
 * own (vhost_inflight) where it keeps such, else with all that the used rings do not show.
 *
 * Locks: the device's guards all; that thread alone frees a vhost of another process. Whoever asks
 * a vhost for anything holds `asking`, too, which is taken after the device's and a queue's: so the
 * control queue, worked on with neither the device's lock nor those of other queues, can have pairs
 * switched on and off.
 */
#pragma once

#include "base/mac.h"
#include "base/problem.h"
#include "device.h"
#include "vmm/vhost/user.h"
#include "vmm/vhost/vhost.h"

struct host;
struct tap;
struct vhost_link;
struct vhosted;

enum { VHOST_TIMEOUT_MS = 10000 };

/* What kinds of devices differ in. */
struct vhosted_ops {
	/*
	 * The other process is there again: what it says of the device goes into the
	 * configuration, and the driver is told if that is not what it said before. Device lock
	 * held.
	 */
	int (*look)(struct vhosted *h, struct vhost *v);
	void (*negotiated)(struct vhosted *h);
	/* Work on a queue that is served here. Queue lock held. True: there is more. */
	bool (*kicked)(struct vhosted *h, struct virtq *q);
	/* As those of a device; NULL: nothing beyond what all have. */
	void (*reset)(struct vhosted *h);
	int (*set)(struct vhosted *h, int queue, const char *key, const char *value,
		struct problem **reterr);
	void (*stats)(struct vhosted *h, void (*each)(void *arg, const char *name, uint64_t v),
		void *arg);
	void (*traits)(struct vhosted *h,
		void (*each)(void *arg, const char *key, const char *word), void *arg);
	void (*free)(struct vhosted *h);
};

struct vhosted {
	struct virtio_device dev;
	const struct vhosted_ops *kind;
	const struct guest_memory *memory;
	unsigned n_outside; /* atomic: the first so many queues are the vhost's */
	pthread_mutex_t asking;
	uint64_t known;	     /* features that are the vhost's to know, of those negotiated */
	struct vhost *v;     /* NULL: the other process is not there */
	bool lost;	     /* it is not to be asked any more: link.c frees it */
	bool running;	     /* started, as far as the driver knows */
	uint64_t served;     /* a bit per queue that is outside … */
	uint64_t started;    /* … and that the vhost knows; `asking` */
	uint64_t enabled;    /* a bit per queue that is to be served; `asking` */
	bool keeps_inflight; /* the other process does */
	struct vhost_inflight in_flight;
	bool is_process; /* and not the kernel */
	struct vhost_link *link;
	uint64_t losses, returns;    /* atomic */
	int relays[VHOST_RINGS_MAX]; /* eventfds that stand for a vector where there is none */
};

struct vhosted_params {
	const struct guest_memory *memory;
	const char *name;
	uint16_t id;
	uint64_t features; /* that the driver is offered; the ring's come from the vhost */
	uint64_t known;
	uint64_t needed; /* a driver has to take these */
	unsigned n_queues, n_outside;
	uint16_t queue_size;
	const void *config;
	size_t config_bytes;
	struct vhost *v; /* taken over, also on failure */
	/* Of another process: who dials for it; else -1. */
	int channel;
	unsigned timeout_ms;
};

/* -EPROTONOSUPPORT: the vhost knows no virtio 1. */
int vhosted_init(struct vhosted *h, const struct vhosted_ops *kind, const struct vhosted_params *p);

/* The features of the ring that the vhost lacks. */
uint64_t vhosted_without(const struct vhost *v);
/* Begins, or goes on after a loss (`again`). Device lock held; on failure h->v is of no use. */
int vhosted_start(struct vhosted *h, bool again);
/*
 * Which rings are to be served from now on, a bit each; those that are not wait. `asking` is held,
 * and between the two of a call nobody starts or stops any.
 */
void vhosted_enable(struct vhosted *h, uint64_t rings);
/* The other process is of no use any more. Device lock and `asking` held. */
void vhosted_lose(struct vhosted *h);

/* link.c */
int vhost_link_start(struct vhosted *h, int channel, unsigned timeout_ms, unsigned rings);
void vhost_link_stop(struct vhosted *h);
/* Dials, and greets: a vhost, or what was wrong in *why (VHOST_WHY_BYTES). */
int vhost_link_connect(
	int channel, unsigned timeout_ms, unsigned rings, char *why, struct vhost **ret);
