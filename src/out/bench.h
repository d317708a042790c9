/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What I/O costs a guest on each path, as a table, as JSON and as a picture. */
#pragma once

#include "table.h"
#include "bench/bench.h"

/* A row is one workload on one path, or a path that was not measured; only for out_bench(). */
extern const struct out_column bench_columns[];
extern const size_t n_bench_columns;

/* The table, or {"bench":[…]}. */
int out_bench(const struct out *o, const struct bench_results *r, struct problem **reterr);
/*
 * SVG 1.1, allocated: for each workload a bar per path, as long as its time is of the host's, and
 * beside it what was counted for each operation.
 */
int out_bench_svg(const struct bench_results *r, char **ret, struct problem **reterr);
