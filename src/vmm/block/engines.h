/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the engines share; see engine.h for what the operations mean. */
#pragma once

#include "engine.h"

#include <stdatomic.h>

struct disk_channel_ops {
	int (*start)(struct disk_channel *c, const char *name);
	void (*stop)(struct disk_channel *c);
	void (*submit)(struct disk_channel *c, struct disk_request *r);
	void (*kick)(struct disk_channel *c);
	/* `wait`: until there is one; something is in flight. */
	struct disk_request *(*reap)(struct disk_channel *c, bool wait);
	/* True: something is done. */
	bool (*sleep)(struct disk_channel *c, bool asleep);
	void (*free)(struct disk_channel *c);
	/* See disk_attend(), disk_doze_begin() …; all NULL: nobody can. */
	void (*attend)(struct disk_channel *c, bool on);
	int (*doze_begin)(struct disk_channel *c);
	int (*doze)(struct disk_channel *c, unsigned n);
	int (*doze_end)(struct disk_channel *c, int slept);
};

struct disk_channel {
	const struct disk_channel_ops *ops;
	struct disk *disk; /* NULL between two machines */
	int fd;		   /* to be watched; -1: there is nothing */
	int doorbell;	   /* the channel's; -1: see disk_engine_doorbells() */
	unsigned in_flight;
	bool dropping;	     /* disk_drop() */
	bool awake;	     /* somebody looks at it all the time: disk_sleep() */
	bool attended;	     /* somebody sleeps in it, disk_attend() … */
	bool deferring;	     /* … is up now, and begins what is submitted when he lies down */
	struct bells *bells; /* NULL: signals are written to … */
	const int *bell_fds; /* … these */
	atomic_uint_fast64_t requests, bounced, errors;
};

/*
 * -errno, and what the kernel did not give in *ret_what. `share`: the descriptor of a channel whose
 * polling thread is to serve this one too, or -1.
 */
int disk_uring_new(int fd, unsigned depth, bool sqpoll, int share, struct disk_channel **ret,
	const char **ret_what);
int disk_pool_new(struct disk_channel **ret);
int disk_sync_new(struct disk_channel **ret);

/* Carried out at once, in the calling thread, by the disk's own operations. */
void disk_request_do(struct disk_channel *c, struct disk_request *r);

static inline void disk_count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}
