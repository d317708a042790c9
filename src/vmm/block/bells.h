/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts without a system call. A bell is an eventfd that KVM turns into an interrupt of the
 * guest (an irqfd); a ring of bells has a thread of the kernel's write to them
 * (IORING_SETUP_SQPOLL), so that who gives requests back calls nobody. It may do nothing else:
 * IORING_OP_WRITE, to these eventfds.
 *
 * The thread costs a processor while there is something to ring, and sleeps after RING_IDLE_MS. To
 * wake it is a system call like the write that it saves, so that it is woken only for who rings
 * again within that time; else the eventfd is written here, and the thread goes on sleeping.
 *
 * What the caller stored before bells_ring() is seen by whoever the bell wakes. Used by one thread
 * at a time.
 */
#pragma once

#include <stdbool.h>

struct bells;

/*
 * Rings fds[0 … n), which stay the caller's. `share` and *ret_what as in ring.h; -EOPNOTSUPP:
 * Linux is older than 5.17, and would report each write's success, for which a sleeper would wake.
 */
int bells_new(const int *fds, unsigned n, int share, struct bells **ret, const char **ret_what);
/* For another one's `share`. */
int bells_fd(const struct bells *b);
/* The kernel is done with all that was rung. */
void bells_settle(struct bells *b);
void bells_free(struct bells *b);

/* fds[i] is written to, here or by the kernel's thread; rings that meet come to one or more. */
void bells_ring(struct bells *b, unsigned i);
/* Rings here what the kernel could not; costs nothing when there is none. */
void bells_mend(struct bells *b);
