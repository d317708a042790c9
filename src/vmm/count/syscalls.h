/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls of this thread, so that each can be put down to the queue that it was made for. Who
 * makes one on the way of a request counts it; who serves a queue takes what has come together
 * since the last time, the wait that woke him included. What nobody takes is forgotten at the next
 * wait.
 */
#pragma once

#include "base/counter.h"

#include <stdint.h>

extern _Thread_local uint64_t syscalls_of_thread;

static inline void syscalls_count(unsigned n)
{
	COUNTED(syscalls_of_thread += n);
}

static inline uint64_t syscalls_take(void)
{
	uint64_t n = syscalls_of_thread;

	syscalls_of_thread = 0;
	return n;
}
