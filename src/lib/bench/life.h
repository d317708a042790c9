/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One life of the bench guest: what it said, and what its VMM counted. */
#pragma once

#include "bench.h"
#include "pair.h"

struct life {
	const struct bench_wish *wish;
	const struct bench_path *path;
	const struct bench_workload *workload;
	uint64_t ops;
	int fd;			 /* of the disk, borrowed; -1: a function, or a pair */
	const struct pair *pair; /* of the network; NULL: none */
	int channel;		 /* to who dials for the process that serves the disk; -1: none */
};

struct life_result {
	struct bench_times times;
	uint64_t ops;
	double counted[BENCH_FIGURES]; /* negative: the VMM does not count that */
};

/* A native guest's, which does `ops` operations and ends. */
int life_run(
	struct host *h, const struct life *l, struct life_result *ret, struct problem **reterr);
/*
 * A Linux guest's, with all of its work: *ret_least has no times, but what was counted for the
 * least of it.
 */
int life_run_linux(struct host *h, const struct life *l, struct life_result *ret_least,
	struct life_result *ret_all, struct problem **reterr);

/* Of lines "count KEY N", as guests and programs say them; `ops` must be what was to be done. */
int life_times(const char *said, uint64_t ops, struct bench_times *ret);

/* Of the VMM's line of JSON: the figures that it counts of this device. */
int figures_read(const char *report, const char *device, double *ret, struct problem **reterr);
/* Those of queues that the VMM does not serve are unknown, and not zero. */
void figures_forget_queues(double *ret);
