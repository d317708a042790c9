/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same reads and writes without a guest. */
#pragma once

#include "bench.h"

/* *ret_by says how: "pread", "pwrite", or of many at a time "io_uring" where that can be had. */
int hostdisk_run(int fd, uint64_t size, const struct bench_workload *w, size_t ops,
	struct bench_times *ret, const char **ret_by, struct problem **reterr);
