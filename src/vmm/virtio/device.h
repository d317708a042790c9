/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtio device without its transport (Virtual I/O Device 1.2, chapter 2): feature negotiation,
 * the status byte, reset, configuration space and queues. A front end (blk, net, rng) embeds it and
 * supplies the operations; a transport (pci.h) drives it and delivers its interrupts.
 *
 * Threads: `lock` guards negotiation, status changes and configuration space, all slow paths of
 * vCPU threads. A queue belongs to whoever holds its own lock (queue.h): the thread that serves it
 * (serve.h), or a vCPU. Order: device lock or the lock of a loop, then queue locks by index, then
 * the transport's. Nobody who holds a loop's lock takes a device's, or the other way round.
 */
#pragma once

#include "base/problem.h"
#include "queue.h"
#include "serve.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct virtio_device;
struct virtio_service;

#define VIRTIO_FEATURE(bit) (1ULL << (bit))

struct virtio_device_ops {
	/* Features are final (FEATURES_OK). Device lock held. May be NULL. */
	void (*negotiated)(struct virtio_device *d);
	/*
	 * Work on the queue: the driver rang, or has just started. Queue lock held. True: there is
	 * more to do, call again after others had their turn.
	 */
	bool (*kicked)(struct virtio_device *d, struct virtq *q);
	/*
	 * A descriptor of the back end that is this queue's, -1: none; asked once per thread that
	 * serves the queue, which sleeps on it (EPOLLIN) while it is watched, as it is at first.
	 * NULL: no queue has one. Queue lock not held.
	 */
	int (*fd)(struct virtio_device *d, struct virtq *q);
	/*
	 * Takes what the back end has ready, and gives chains back; how many. When the descriptor
	 * is readable, and at every turn while the thread polls: that costs no system call when
	 * there is nothing, or the queue is not `pollable`. Queue lock held. Called for queues that
	 * are not live, too: then what is ready is dropped, or the descriptor not watched any more.
	 */
	unsigned (*completed)(struct virtio_device *d, struct virtq *q);
	/*
	 * The thread is about to sleep: from now on the back end must signal its descriptor; or it
	 * polls from now on, and it need not. Queue lock held; may be NULL.
	 */
	void (*sleep)(struct virtio_device *d, struct virtq *q, bool asleep);
	/*
	 * Where the device has doorbells of its own, below: the thread that serves the queue sleeps
	 * in doze() from now on instead of on `fd` and the doorbell, or does not any more. Queue
	 * lock held; NULL: it cannot.
	 */
	void (*attend)(struct virtio_device *d, struct virtq *q, bool on);
	/*
	 * Sleeps until the back end has something ready, 0, or the doorbell was rung, 1; both may
	 * come for nothing. -errno: it cannot. Queue lock not held.
	 */
	int (*doze)(struct virtio_device *d, struct virtq *q);
	/*
	 * Signals eventfd number `bell` of `bells` below, in the place of the transport. Queue lock
	 * held; NULL where there are no bells.
	 */
	void (*signal)(struct virtio_device *d, struct virtq *q, unsigned bell);
	/*
	 * Changes a setting that is this kind's alone, as pci_device_ops.set; NULL: there is none.
	 * No lock is held.
	 */
	int (*set)(struct virtio_device *d, int queue, const char *key, const char *value,
		struct problem **reterr);
	/*
	 * The queue was reset, alone or with the device: forget chains that were taken from it, and
	 * touch their memory no more. Queue lock held; may be NULL.
	 */
	void (*queue_reset)(struct virtio_device *d, struct virtq *q);
	/*
	 * The driver wrote into the configuration structure, inside of it. Device lock held; NULL:
	 * nothing in there is the driver's to write.
	 */
	void (*config_written)(
		struct virtio_device *d, uint64_t offset, const void *data, size_t len);
	/* The device was reset, its queues before it. Device lock held; may be NULL. */
	void (*reset)(struct virtio_device *d);
	/*
	 * For queues that somebody else serves (vhost); each may be NULL, the device lock is held.
	 * started: DRIVER_OK stands; -errno: the device asks for a reset. stopping: before a reset,
	 * and before the device's end, also when nothing was started. rewired: interrupts go
	 * another way now, ask for virtio_device_call_fd() again.
	 */
	int (*started)(struct virtio_device *d);
	void (*stopping)(struct virtio_device *d);
	void (*rewired)(struct virtio_device *d);
	/* Threads of the device's own end, before anything that they use. No lock held; NULL. */
	void (*ending)(struct virtio_device *d);
	/* After virtio_device_stop(). Calls virtio_device_done(). */
	void (*free)(struct virtio_device *d);
	/* Counters beyond those of the queues; may be NULL. */
	void (*stats)(struct virtio_device *d,
		void (*each)(void *arg, const char *name, uint64_t v), void *arg);
	/* Words beyond those of transport and queues, as pci_device_ops.traits; may be NULL. */
	void (*traits)(struct virtio_device *d,
		void (*each)(void *arg, const char *key, const char *word), void *arg);
};

struct virtio_transport_ops {
	/* True if an interrupt was sent: a queue's, or one about configuration and status. */
	bool (*interrupt)(void *transport, uint16_t vector);
	void (*config_interrupt)(void *transport);
	/* Interrupts are off and vectors forgotten, as after power-on. */
	void (*reset)(void *transport);
	/* The same where the device signals itself: which of its bells, -1: none is to be rung. */
	int (*bell)(void *transport, uint16_t vector);
	/* See virtio_device_call_fd(). */
	int (*call_fd)(void *transport, uint16_t vector);
	/* Something the user should know, in one line. */
	void (*note)(void *transport, const char *text);
};

struct virtio_device {
	const struct virtio_device_ops *ops;
	const char *name; /* for messages: "virtio-blk0" */
	uint16_t id;	  /* VIRTIO_ID_* */
	struct virtq *queues;
	unsigned n_queues;
	struct virtio_service *service; /* who serves the queues */
	const int *bells; /* eventfds that the device writes to, to be the transport's vectors … */
	unsigned n_bells;     /* … set before it has one; 0: the transport signals */
	const int *doorbells; /* eventfds of the device's own for each queue; NULL: the service's */
	const void *config;   /* the device's configuration structure … */
	size_t config_bytes;
	uint32_t generation; /* atomic: counts its changes */

	pthread_mutex_t config_lock; /* of the two; taken last of all but the transport's */

	pthread_mutex_t lock;
	uint64_t offered;  /* feature bits */
	uint64_t needed;   /* of them: without these FEATURES_OK is not to be had */
	uint64_t wanted;   /* what the driver wrote */
	uint64_t features; /* negotiated: `wanted` once FEATURES_OK stands, 0 before */
	uint8_t status;	   /* atomic: read anywhere */
	unsigned breaks;   /* atomic: how often a queue broke */

	const struct virtio_transport_ops *transport_ops;
	void *transport;
};

struct virtio_device_params {
	const struct virtio_device_ops *ops;
	const char *name; /* copied */
	uint16_t id;
	uint64_t features; /* of the device; those of the ring and VERSION_1 are added … */
	uint64_t without;  /* … but for these: what a back end that works on the rings lacks */
	uint64_t needed;   /* of them: who does not take these cannot drive the device */
	unsigned n_queues;
	uint16_t queue_size;
	const int *doorbells; /* see virtio_device; live as long as the device */
	const void *config;   /* lives as long as the device */
	size_t config_bytes;
};

/* What somebody wishes of a device's rings; zeroes: as is usual. */
struct virtio_rings {
	bool no_packed;
	int in_order;  /* 1: offered, -1: not, 0: where the device finishes in order anyway */
	uint16_t size; /* the most entries that a queue may have, a power of two */
};
/* Before a transport has it. */
void virtio_device_set_rings(struct virtio_device *d, const struct virtio_rings *r);

/*
 * What a front end is made with. Front ends have constructors, virtio_KIND_device_new(), of which
 * all of this holds: `name` is copied; *ret is the caller's until virtio_pci_add() takes it, or
 * frees it; -ENOMEM, -EMFILE; on failure nothing is left behind. Nobody serves the queues yet:
 * virtio_device_serve().
 */
int virtio_device_init(struct virtio_device *d, const struct guest_memory *m,
	const struct virtio_device_params *params);
/* Threads end; no callbacks after this. */
void virtio_device_stop(struct virtio_device *d);
void virtio_device_done(struct virtio_device *d);

/* What the driver reads and writes. */
uint8_t virtio_device_status(const struct virtio_device *d);
/* 0 resets; other bits are only ever added, and only where the specification's order allows. */
void virtio_device_set_status(struct virtio_device *d, uint8_t status);
/* `half` 0: bits 0–31, 1: bits 32–63, others read 0 and ignore writes. */
uint32_t virtio_device_offered(const struct virtio_device *d, uint32_t half);
uint32_t virtio_device_wanted(struct virtio_device *d, uint32_t half);
void virtio_device_want(struct virtio_device *d, uint32_t half, uint32_t bits);
void virtio_device_read_config(struct virtio_device *d, uint64_t offset, void *buf, size_t len);
/*
 * Writes into the configuration structure, and tells the driver by an interrupt if it is to know.
 * From anywhere, also with a queue's lock held.
 */
void virtio_device_change_config(
	struct virtio_device *d, void *field, const void *value, size_t len, bool tell);
/* The interrupt alone. */
void virtio_device_tell_config(struct virtio_device *d);
/* The driver's. */
void virtio_device_write_config(
	struct virtio_device *d, uint64_t offset, const void *data, size_t len);
void virtio_device_reset(struct virtio_device *d);
/* One queue alone, where that was negotiated (2.6.1); it can be set up again. */
void virtio_device_reset_queue(struct virtio_device *d, struct virtq *q);

static inline bool virtio_has(const struct virtio_device *d, unsigned bit)
{
	return d->features & VIRTIO_FEATURE(bit);
}

/* The driver is ready and nothing is broken: queues may be worked on. */
bool virtio_device_runs(const struct virtio_device *d);
/*
 * The driver rang `times`; works on the queue in the calling thread. `woken`: the thread was
 * sleeping and woke for it. Queue lock not held. True: call again soon, with times 0.
 */
bool virtio_device_ring(struct virtio_device *d, struct virtq *q, uint64_t times, bool woken);
/*
 * Back pressure: whether the back end's descriptor wakes the thread that serves the queue. Queue
 * lock held.
 */
void virtio_device_watch(struct virtio_device *d, struct virtq *q, bool on);
/*
 * One turn of a queue, whose lock is held: what the back end has ready if `completed`, then what
 * the driver added. How many chains were taken or given back; *ret_more (may be NULL): as
 * ops->kicked.
 */
unsigned virtio_device_turn(
	struct virtio_device *d, struct virtq *q, bool completed, bool *ret_more);
/* After publishing: interrupts if the driver wants it. Queue lock held. */
void virtio_device_interrupt(struct virtio_device *d, struct virtq *q);
/*
 * After working on a queue elsewhere than in ops->kicked: if it broke, the device asks for a reset.
 * Queue lock held.
 */
void virtio_device_check(struct virtio_device *d, const struct virtq *q);
/*
 * The eventfd that interrupts for a queue that is served elsewhere, until ops->rewired: with MSI-X
 * the vector's own, which is KVM's irqfd and holds what comes while it is masked. -ENOENT: without
 * MSI-X, or a vector, somebody has to listen and to call virtio_device_relay(). Device lock held.
 */
int virtio_device_call_fd(struct virtio_device *d, struct virtq *q);
/* An interrupt for a queue that is served elsewhere. Queue lock held. */
void virtio_device_relay(struct virtio_device *d, struct virtq *q);
/* For the transport: a vector, or what vectors are worth, has changed. No lock held. */
void virtio_device_rewire(struct virtio_device *d);
/* What was done elsewhere cannot go on: the device asks for a reset. */
void virtio_device_needs_reset(struct virtio_device *d);
/* Tells the user one line; NULL is nothing to tell. */
void virtio_device_note(struct virtio_device *d, const char *text);
