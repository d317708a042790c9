/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event loop over file descriptors (epoll): the VMM's main loop and the devices' I/O threads are
 * instances of it. Callbacks of one loop never run at the same time. Sources may be added, changed
 * and removed from any thread, and from callbacks, their own included.
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

/* Runs in the calling thread until loop_quit(); returns its value, or a negative errno. */
int loop_run(struct loop *l);
/* From any thread, not from a signal handler; the value of the first call counts. */
void loop_quit(struct loop *l, int value);

/* Runs the loop in an I/O thread of its own, named `name` (at most 15 characters). */
int loop_start_thread(struct loop *l, const char *name);
/* Quits and joins. */
void loop_stop_thread(struct loop *l);
/* epoll_wait calls that returned events: the thread's wake-ups. */
uint64_t loop_wakeups(const struct loop *l);
