/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtqueue (Virtual I/O Device 1.2, 2.6 to 2.8) as the device sees it: chains of guest buffers
 * come out, used lengths go back. The layout of the ring is behind a table of operations.
 *
 * The guest owns every byte of the rings and changes them when it likes. Each field is read once
 * into memory of ours, checked there and used from there: indices, the length of a chain (never
 * more than the queue size, so that loops end), and each buffer's address and length, which must
 * lie wholly in RAM. What cannot be obeyed breaks the queue: `broken` says why, nothing more is
 * taken from it or given back until the driver resets, and the device asks for that reset.
 *
 * Threads: whoever holds `lock` owns the queue: an I/O thread or vCPU that works on it, or the
 * transport that configures, resets or stops it. All functions here want it held except those that
 * say otherwise.
 */
#pragma once

#include "base/attr.h"
#include "base/sg.h"
#include "vmm/memory/guest_memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct vring_avail;
struct vring_desc;
struct vring_packed_desc;
struct vring_used;
struct virtq;

enum { VIRTQ_SIZE_MAX = 1024 };

/* One request: what the device reads, then what it writes. */
struct virtq_chain {
	uint16_t head;	   /* its name until it is given back: below the queue's size, and unique */
	struct sg out, in; /* guest memory; their iovecs are in the array given to virtq_pop() */
};

/*
 * What the queue has cost: base/counter.def says what each means. Written by the queue's owner
 * alone, so that virtq_stats_get() may be called at any time from anywhere, and a count costs no
 * locked instruction. Once the device has told whom it gives a chain back to, and unless the kernel
 * or another process serves the queue: requests = injections + injections_merged + injections_kept.
 */
struct virtq_stats {
#define QUEUE_COUNTER(field, name, unit, what) uint64_t field;
#include "base/counter.def"
};

/*
 * Chains that are given back by one used entry, which names the last of them (2.7.9, 2.8.9); only
 * in order are there several.
 */
struct virtq_batch {
	unsigned chains, entries; /* entries: of the ring, of all chains */
	uint16_t head;		  /* of the last one */
	uint32_t written;	  /* into the last one; into the others all that they can take */
};

struct virtq_ops {
	bool (*size_is_possible)(uint16_t size);
	/* Checks where the driver put the rings; -EINVAL when they cannot be there. */
	int (*enable)(struct virtq *q);
	/* How many entries of the ring the chain took; 0: none is there. `head` is checked. */
	int (*pop)(struct virtq *q, struct iovec *iov, unsigned room, struct virtq_chain *ret);
	/* Writes one used entry, in the place of the first chain that it stands for. */
	void (*fill)(struct virtq *q, const struct virtq_batch *b);
	void (*publish)(struct virtq *q);
	bool (*arm)(struct virtq *q);
	void (*disarm)(struct virtq *q);
	/* Nothing is there, as far as a look without a barrier can tell. */
	bool (*is_empty)(struct virtq *q);
	bool (*wants_interrupt)(struct virtq *q);
};

/* The split ring's state (2.7). Pointers are into guest memory. */
struct virtq_split {
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next_avail; /* free-running, as the ring's own indices */
	uint16_t next_used;  /* filled up to here … */
	uint16_t published;  /* … and shown to the driver up to here */
	uint16_t signalled;  /* `published` when an interrupt was last considered */
};

/* The packed ring's state (2.8). Each side has a position and a counter that flips when it wraps.
 */
struct virtq_packed {
	struct vring_packed_desc *desc;
	const uint32_t
		*driver_event;	/* what the driver wants to be told, offset and flags in one */
	uint32_t *device_event; /* what we want to be told */
	uint32_t asked;		/* what stands there */
	uint16_t next_avail, next_used;
	bool avail_wrap, used_wrap;
	unsigned taken;	  /* entries of chains in flight */
	unsigned unshown; /* entries filled; the first one's flags are written last and show all */
	uint16_t first, first_flags;
	unsigned unsignalled; /* entries shown since an interrupt was last considered */
};

/* A chain in flight, by its head. */
struct virtq_slot {
	uint16_t entries; /* of the ring; 0: not in flight */
	bool done;	  /* in order: complete, and waits for those before it */
	uint32_t written;
	uint32_t room; /* what can be written; more than 32 bits hold: UINT32_MAX */
};

struct virtq {
	const struct virtq_ops *ops;
	const struct guest_memory *memory;
	pthread_mutex_t lock;
	unsigned waiters; /* atomic: who waits for it, so that a thread that polls makes way */
	unsigned index;
	uint16_t size_max;
	bool polled;   /* somebody looks at the ring all the time: the driver need not ring */
	bool pollable; /* the device's word: to look costs no system call; true at first */
	/*
	 * The device's word: each chain has a used entry, in order, too. Of a network's received
	 * packets: drivers (DPDK's) read how long each buffer's part is, also where all but the
	 * last must be full, and a packet is seldom more than one buffer.
	 */
	bool singly;

	/* Set by the driver before it enables the queue; the transport writes them. */
	uint16_t size;
	struct gpa desc, driver, device; /* descriptor table, driver area, device area */
	uint16_t vector;		 /* VIRTIO_MSI_NO_VECTOR = none */

	bool enabled;
	bool outside; /* atomic: somebody else serves it (vhost); nothing here touches the rings */
	bool event_idx, indirect, in_order; /* negotiated */
	const char *broken;		    /* why, NULL while all is well */
	bool quiet;			    /* disarmed: the driver is not to ring */
	bool filled;			    /* something, and not shown yet */
	bool shown;			    /* something, since an interrupt was last considered */
	unsigned in_flight;		    /* chains taken and not given back */
	union {
		struct virtq_split split;
		struct virtq_packed packed;
	};

	struct virtq_stats stats;
	uint64_t taken;	    /* chains, for doorbells_suppressed */
	uint64_t undecided; /* chains given back since the driver was last interrupted or not */

	struct virtq_slot slots[VIRTQ_SIZE_MAX];
	/* In order (6.2): the heads in flight as they came, the oldest at `oldest`. */
	uint16_t order[VIRTQ_SIZE_MAX];
	unsigned oldest;
	struct virtq_batch batch; /* given back, and not in the ring yet */
	KEEP_APART;
};

/* The queue's lock. Short waits only: somebody may be polling with it. */
static inline void virtq_lock(struct virtq *q)
{
	__atomic_fetch_add(&q->waiters, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&q->lock);
	__atomic_fetch_sub(&q->waiters, 1, __ATOMIC_RELAXED);
}

static inline void virtq_unlock(struct virtq *q)
{
	pthread_mutex_unlock(&q->lock);
}

/* size_max is a power of two, at most VIRTQ_SIZE_MAX. */
void virtq_init(struct virtq *q, const struct guest_memory *m, unsigned index, uint16_t size_max);
void virtq_done(struct virtq *q);

/*
 * The driver says that the queue is ready. `features` are the negotiated ones. -EINVAL: size or
 * addresses are impossible; the queue is broken then.
 */
int virtq_enable(struct virtq *q, uint64_t features);
/* Back to the state after virtq_init(), statistics kept. Chains taken are forgotten. */
void virtq_reset(struct virtq *q);
static inline bool virtq_is_live(const struct virtq *q)
{
	return q->enabled && !q->broken;
}
static inline bool virtq_is_outside(const struct virtq *q)
{
	return __atomic_load_n(&q->outside, __ATOMIC_SEQ_CST);
}

/*
 * Takes the next chain: 1, or 0 when there is none or the queue is not live, or -EPROTO when it
 * just broke. The pieces go to iov[0 … room): a chain has at most q->size of them, and room is not
 * less than that.
 */
int virtq_pop(struct virtq *q, struct iovec *iov, unsigned room, struct virtq_chain *ret);
/*
 * Before the device sleeps, or works on what is the last chain as far as it knows: asks the driver
 * to ring for whatever it adds from now on. True: nothing is there and the bell will ring. False:
 * there is more already. While the queue is polled nobody is asked to ring.
 */
bool virtq_arm(struct virtq *q);
/* Somebody looks at the queue all the time: the driver need not ring until virtq_arm(). */
void virtq_disarm(struct virtq *q);

/*
 * Gives a chain back with the number of bytes written into it. fill prepares, publish shows all
 * that was filled at once; push is both. Where order was negotiated, chains that overtook others
 * wait here for them, and one used entry stands for as many as it can: the driver takes those that
 * it skips for wholly written (2.7.9), so that a chain with less than it could take ends one. A
 * head that is not in flight is passed over: what it names was reset away.
 */
void virtq_fill(struct virtq *q, uint16_t head, uint32_t written);
void virtq_publish(struct virtq *q);
void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written);
/*
 * After publishing: does the driver want an interrupt for what was shown since the last question?
 * A no is counted, unless nothing was shown; a yes is followed by one of virtq_count_injection()
 * and virtq_count_kept().
 */
bool virtq_wants_interrupt(struct virtq *q);

/* The driver rang `times`; `woken`: a thread had to be woken for it. Needs no lock. */
void virtq_count_doorbells(struct virtq *q, uint64_t times, bool woken);
/* An interrupt was sent for what was given back, or the driver got none. */
void virtq_count_injection(struct virtq *q);
void virtq_count_kept(struct virtq *q);
/* System calls made for the queue. */
void virtq_count_syscalls(struct virtq *q, uint64_t n);
/* A copy; needs no lock. */
struct virtq_stats virtq_stats_get(const struct virtq *q);
/* Marks the queue broken; `why` is static. Returns -EPROTO. */
int virtq_break(struct virtq *q, const char *why);

extern const struct virtq_ops virtq_split_ops, virtq_packed_ops;
