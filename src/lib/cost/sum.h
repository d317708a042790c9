/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device's work has cost between two moments: its counters and its queues', together. */
#pragma once

#include "sample.h"

struct cost_sum {
	uint64_t operations; /* requests, packets, buffers; 0 also where nobody can count them */
	uint64_t bytes;
	uint64_t user_exits;   /* accesses that were left to user space */
	uint64_t kernel_exits; /* doorbells that KVM took */
	uint64_t doorbells, doorbells_suppressed;
	uint64_t host_syscalls, wakeups;
	uint64_t injections, injections_merged, injections_kept;
	uint64_t failed;
};

/* Since `before`, which may be NULL: since the guest has started. */
void cost_sum_device(const struct cost_sample *before, const struct cost_sample *s,
	const struct cost_device *d, struct cost_sum *ret);
