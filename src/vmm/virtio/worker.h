/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker serves queues: in a loop of its own, with a thread, or in the main one. In its own it
 * may poll: look at the rings and at what the back ends have ready instead of being woken.
 *
 * What keeps a request from getting lost between looking and sleeping: a queue that is not polled
 * any more is armed (the driver rings again, the back end signals) and then looked at once more, by
 * the thread that is about to sleep, and by the one that a queue is handed to.
 *
 * With a thread and but one queue, whose device can, it sleeps in that one's back end: doze.h.
 *
 * Threads: everything here but worker_new() and worker_free() holds the loop (loop_hold()).
 */
#pragma once

#include "device.h"
#include "spin.h"
#include "vmm/loop/loop.h"

struct worker;

/* Of one queue. */
struct server {
	struct virtio_device *device;
	struct virtq *q;
	int bell_fd;
	uint64_t ours; /* atomic: signals of bell_fd that the driver did not make … */
	bool poked;    /* atomic: … and one of them is to be seen */
	bool owed;     /* doorbells were read that the thread may not have seen */
	struct loop_source *bell;
	struct loop_source *back; /* NULL: there is none; the queue's lock */
	bool watched;		  /* what the device wants of it; the queue's lock */
	bool attended;		  /* neither tells: the worker dozes; the queue's lock */

	enum virtio_poll wish,
		poll;	       /* what was asked for; what it is with these threads (atomic) */
	int pin;	       /* the CPU of the thread that serves it, -1: any */
	struct worker *worker; /* NULL: nobody */
	struct server *next;   /* of the same worker */
	KEEP_APART;
};

struct worker {
	struct loop *loop;
	bool own; /* it has a thread, and may poll */
	struct server *servers;
	struct server *dozes; /* atomic: it sleeps in this one's back end; NULL: in its loop … */
	bool in_bed;	      /* atomic: … and does so now */
	bool awake;	      /* it polls now */
	bool woken;	      /* by what could have been found by looking */
	bool idle;	      /* the last look found nothing … */
	unsigned turns;
	struct spin spin;
	uint64_t done;	 /* requests, when it was last asked */
	uint64_t polled; /* atomic: requests and completions that were found by looking */
	uint64_t slept;	 /* atomic: how often it gave up */
	KEEP_APART;
};

/* With a thread of this name. */
int worker_new(const char *name, struct worker **ret);
/* In the main loop. */
int worker_new_in(struct loop *loop, struct worker **ret);
/* Nobody is in it any more. */
void worker_free(struct worker *w);

/* Takes the queue in, or lets it go; it does not poll for it any more then. */
void worker_add(struct worker *w, struct server *s);
void worker_remove(struct server *s);
/* How it is looked after from now on; who calls has it looked at then. */
void worker_set_poll(struct server *s, enum virtio_poll poll);
/* A turn of the queue, whose lock is held; how many requests are at hand. See virtio_device_turn().
 */
unsigned worker_turn(struct server *s, bool completed, bool *ret_more);
/* May ops->completed be called of it? Queue lock held. */
bool worker_completes(const struct server *s);
/*
 * Who serves it was woken: by its doorbell, or by what its back end has. The worker's thread; no
 * lock of a queue is held.
 */
void server_woken(struct server *s, bool rung);
/* Has it rung by somebody who is not the driver. */
void server_poke(struct server *s);
/* Its sources tell, or are silent, as its state demands. Queue lock held. */
void server_listen(struct server *s);
/* The queue had this much to do when its worker was woken. */
void worker_served(struct worker *w, unsigned requests);
