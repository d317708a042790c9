/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a disk's requests are carried out without waiting for them: an engine has a channel for each
 * queue of the device, and a channel has many requests in flight.
 *
 *	uring         a ring shared with the kernel; a batch of requests costs one system call
 *	uring-sqpoll  the same, and a thread of the kernel's looks for requests: they cost none
 *	threads       a few threads per channel that do the disk's blocking operations
 *	sync          none: who submits a request does it, one after the other; nothing to watch
 *
 * An engine is made before the process locks itself up: what a ring may do, and to which file, is
 * settled with the kernel then (IORING_REGISTER_RESTRICTIONS), so that who breaks out of the guest
 * gains nothing from it. It outlives the machines that are built inside. disk_channel_start() gives
 * it the disk, and disk_channel_stop() takes it back.
 *
 * Threads: a channel is used by one thread at a time, which one may change: the queue's lock.
 * disk_channel_stats() may be called from anywhere. System calls are counted for the thread that
 * uses the channel (vmm/count), those that another one made for its requests included.
 */
#pragma once

#include "disk.h"

#include <stddef.h>

struct disk_channel;
struct disk_engine;

enum disk_engine_kind {
	/* uring, or threads where the kernel gives none; sync for a file in memory */
	DISK_ENGINE_AUTO,
	DISK_ENGINE_URING,
	DISK_ENGINE_SQPOLL,
	DISK_ENGINE_THREADS,
	DISK_ENGINE_SYNC,
};

enum disk_work { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_ZERO };

/* The caller's from before disk_submit() until it comes out of disk_reap(). */
struct disk_request {
	enum disk_work work;
	bool may_unmap;	 /* DISK_ZERO: it need not keep its space */
	struct sg sg;	 /* DISK_READ, DISK_WRITE: consumed; the iovecs stay where they are */
	uint64_t offset; /* inside the disk, as disk_holds() has it */
	uint64_t len;	 /* DISK_DISCARD, DISK_ZERO */
	int result;	 /* 0 or -errno, when it is done */

	/* The channel's. */
	struct disk_request *next;
	unsigned tries;
	uint8_t stage;
	struct disk_bounce *bounce; /* it goes by way of memory of ours */
	uint64_t syscalls;	    /* of another thread, for it */
};

/*
 * How the guest is interrupted for what is done: by a system call for each interrupt, or by a ring
 * that a thread of the kernel's looks at (bells.h). That thread wants a processor.
 */
enum disk_signals {
	/* By a ring where the engine has that thread anyway, or `polled` and processors to spare.
	 */
	DISK_SIGNALS_AUTO,
	DISK_SIGNALS_RING,
	DISK_SIGNALS_WRITE,
};

struct disk_channel_stats {
	uint64_t requests; /* done */
	uint64_t bounced; /* transfers that went through memory of ours, as they were not aligned */
	uint64_t errors;  /* requests that ended in one */
};

struct disk_engine_params {
	enum disk_engine_kind kind;
	int fd; /* the file or block device; the caller's, open as long as the engine lives */
	unsigned channels;
	unsigned depth; /* requests in flight on a channel, at most */
	unsigned bells; /* interrupts that the device may have; 0: nobody is signalled */
	enum disk_signals signals;
	bool polled; /* a thread looks at the queues all the time */
};

/*
 * UNSUPPORTED: the kernel gives no engine of that kind, but for DISK_ENGINE_AUTO, which takes what
 * there is. NO_MEMORY.
 */
int disk_engine_new(
	const struct disk_engine_params *p, struct disk_engine **ret, struct problem **reterr);
/* Channels are stopped. */
void disk_engine_free(struct disk_engine *e);
DEFINE_AUTO(struct disk_engine, disk_engine_free);
/* "uring", "uring-sqpoll", "threads", "sync", "auto"; -EINVAL */
int disk_engine_parse(const char *text, enum disk_engine_kind *ret);
const char *disk_engine_kind_name(enum disk_engine_kind kind);
/* What it came to be, and why it is not what was best; NULL: it is. */
const char *disk_engine_name(const struct disk_engine *e);
const char *disk_engine_why(const struct disk_engine *e);
/*
 * The eventfds that disk_signal() writes to without a system call, *ret_n of them, to be made
 * interrupts of the guest: the engine's. NULL: signals are written, and why they are although a
 * ring was to be thought of.
 */
const int *disk_engine_bells(const struct disk_engine *e, unsigned *ret_n);
const char *disk_engine_why_written(const struct disk_engine *e);
/*
 * An eventfd for each channel, the engine's, that ends disk_doze(); NULL: nobody can sleep in this
 * engine's channels.
 */
const int *disk_engine_doorbells(const struct disk_engine *e);
unsigned disk_engine_channels(const struct disk_engine *e);
unsigned disk_engine_depth(const struct disk_engine *e);
struct disk_channel *disk_engine_channel(struct disk_engine *e, unsigned i);

/* The disk lies on the engine's file. `name` is for threads. */
int disk_channel_start(struct disk_channel *c, struct disk *d, const char *name);
/* Nothing is in flight. */
void disk_channel_stop(struct disk_channel *c);

/* Takes a request on; at most `depth`. It begins at the next disk_kick(), if not before. */
void disk_submit(struct disk_channel *c, struct disk_request *r);
/* What was submitted begins: one system call for all of it, or none. */
void disk_kick(struct disk_channel *c);
/* The next that is done, or NULL; a system call only where an error has to be mended. */
struct disk_request *disk_reap(struct disk_channel *c);
/* Waits until one is done: NULL when nothing is in flight. */
struct disk_request *disk_wait(struct disk_channel *c);
/*
 * The same when nobody wants the results any more: what is not done is not tried again, and errors
 * do not count.
 */
struct disk_request *disk_drop(struct disk_channel *c);
/* Signals the eventfd `bell`, after all that was stored before. The engine has bells. */
void disk_signal(struct disk_channel *c, unsigned bell);
unsigned disk_in_flight(const struct disk_channel *c);

/*
 * Readable (level) while something is done that was not reaped, as long as somebody sleeps:
 * disk_sleep(c, true) says so, and true comes back when something is done already, so that there
 * is no reason to. A new channel is asleep.
 */
int disk_channel_fd(const struct disk_channel *c);
bool disk_sleep(struct disk_channel *c, bool asleep);

/*
 * A thread may sleep in the channel instead of on its descriptor, until something is done or the
 * channel's doorbell is rung: one system call for that and for what was submitted.
 *
 *	disk_attend(c, true)		who does so
 *	n = disk_doze_begin(c)		-1: there is something already
 *	slept = disk_doze(c, n)		by him alone, and without what guards the channel
 *	rung = disk_doze_end(c, slept)	was the doorbell rung? whether or not he slept. From now on
 *					disk_kick() leaves the beginning to his next sleep
 *
 * -EOPNOTSUPP of disk_doze_end(): the kernel cannot watch a doorbell; he is not to try again.
 */
void disk_attend(struct disk_channel *c, bool on);
int disk_doze_begin(struct disk_channel *c);
int disk_doze(struct disk_channel *c, unsigned n);
int disk_doze_end(struct disk_channel *c, int slept);
struct disk_channel_stats disk_channel_stats(const struct disk_channel *c);
