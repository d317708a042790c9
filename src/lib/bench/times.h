/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long each operation took on the host's side. */
#pragma once

#include "bench.h"

#include <time.h>

struct times {
	uint32_t *ns; /* of each; longer than four seconds is four seconds */
	size_t n, max;
	uint64_t start, end;
};

static inline uint64_t times_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Room for `max` operations; the clock runs from now on. -ENOMEM. */
int times_begin(struct times *t, size_t max);
void times_add(struct times *t, uint64_t ns);
/* After the last one: what they come to. */
struct bench_times times_end(struct times *t);
void times_done(struct times *t);
#define autotimes CLEANUP(times_done) struct times
