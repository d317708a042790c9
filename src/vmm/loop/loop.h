/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event loop over file descriptors (epoll): the VMM's main loop and the devices' I/O threads are
 * instances of it. Callbacks of one loop never run at the same time. Sources may be added, changed
 * and removed from any thread, and from callbacks, their own included.
 *
 * A loop may poll instead of sleeping: loop_set_poll(). Whoever wants its lock meanwhile gets it.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;
struct loop_source;

/* events: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP that are ready. */
typedef void (*loop_fn)(void *arg, uint32_t events);

/* Without a thread: loop_run() lends one, or loop_start_thread() makes one. -ENOMEM, -EMFILE. */
int loop_new(struct loop **ret);
/* Stops and joins the loop's thread if it has one. Sources that are left are freed. */
void loop_free(struct loop *l);
DEFINE_AUTO(struct loop, loop_free);

/* The fd stays the caller's and must stay open until the source is removed. */
int loop_add(
	struct loop *l, int fd, uint32_t events, loop_fn fn, void *arg, struct loop_source **ret);
/* 0 = the source sleeps. */
int loop_source_set_events(struct loop_source *s, uint32_t events);
/*
 * After this the callback does not run (any more): from another thread it waits for a running one.
 * Do not hold a lock that the callback takes. NULL is fine.
 */
void loop_remove(struct loop_source *s);

/*
 * An eventfd as a source: the counter is read before the callback runs, so each callback stands for
 * at least one signal. The usual shape for doorbells and for calls between threads.
 */
int loop_add_eventfd(struct loop *l, int fd, loop_fn fn, void *arg, struct loop_source **ret);

/* No callback of this loop runs in another thread between the two. */
void loop_hold(struct loop *l);
void loop_release(struct loop *l);

enum loop_next {
	LOOP_SLEEP, /* wait for events */
	LOOP_LOOK,  /* take the events that are there, and come again */
	LOOP_SPIN,  /* come again, without a system call */
};
/* Before each time that the loop would sleep, in its thread and as one of its callbacks. */
typedef enum loop_next (*loop_poll_fn)(void *arg);
/* While the loop does not run. */
void loop_set_poll(struct loop *l, loop_poll_fn fn, void *arg);

/*
 * Where the loop's thread sleeps instead of in the loop: called without the loop's lock, in place
 * of a wait for events; false: it could not, and the loop waits. `poke` ends such a wait, once,
 * also one that is about to begin; the loop is held then. While the loop does not run.
 */
struct loop_sleeper {
	bool (*sleep)(void *arg);
	void (*poke)(void *arg);
};
void loop_set_sleeper(struct loop *l, const struct loop_sleeper *sleeper, void *arg);
/* It looks again where to sleep, if it sleeps in the loop. From any thread. */
void loop_wake(struct loop *l);

/* Runs in the calling thread until loop_quit(); returns its value, or a negative errno. */
int loop_run(struct loop *l);
/* From any thread, not from a signal handler; the value of the first call counts. */
void loop_quit(struct loop *l, int value);

/* Runs the loop in an I/O thread of its own, named `name` (at most 15 characters). */
int loop_start_thread(struct loop *l, const char *name);
/* That thread runs on this CPU only. -EINVAL: there is none such, or it may not be used. */
int loop_pin(struct loop *l, unsigned cpu);
/* … or where the calling one may. */
int loop_unpin(struct loop *l);
/* Quits and joins. */
void loop_stop_thread(struct loop *l);
/* How often it slept and was woken. */
uint64_t loop_wakeups(const struct loop *l);
/* epoll_wait calls: those, and looks without sleeping. */
uint64_t loop_waits(const struct loop *l);
