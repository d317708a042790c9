/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker process as the daemon has it, at the other end of a socket: an order goes there as one
 * line, news come back line by line, and the end of the stream is the worker's end. Whatever the
 * daemon says after the order, or that it goes away, means: take back what you have begun.
 *
 * With `workers` (the socket of vfctld-worker.socket) the service manager starts each worker with
 * the rights that it needs, and the daemon has none. Without, the daemon starts them itself.
 */
#pragma once

#include "manager.h"

struct child;

struct child_calls {
	void (*line)(void *arg, const char *line);
	/* It has ended, and all lines are told. */
	void (*ended)(void *arg);
};

/* `order`: JSON without line feeds. The calls come from the loop, never from within this. */
int child_start(struct manager *m, const char *order, const struct child_calls *calls, void *arg,
	struct child **ret);
void child_cancel(struct child *c);
/* The descriptors that have come with its lines so far: they stay the child's. */
size_t child_fds(struct child *c, const int **ret);
/* It said that it has: should a helper of it hang in the kernel, nobody waits for the stream. */
void child_has_ended(struct child *c);
/* Forgets it; if it lives it takes back what it has begun. */
void child_free(struct child *c);
DEFINE_AUTO(struct child, child_free);
