/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On which of the ways (path.def) a device's I/O goes: from what it says of itself, and its
 * counters. */
#pragma once

#include "sum.h"

#include <stdbool.h>

enum cost_path_id {
	COST_PATH_NONE, /* it does no I/O, or does not say */
#define PATH(number, id, what, request, work, completion) COST_PATH_##id,
#include "path.def"
};

struct cost_path {
	enum cost_path_id id;
	unsigned number; /* 1 to 12 */
	const char *what, *request, *work, *completion;
};

/* All of them, by number. */
extern const struct cost_path cost_paths[];
extern const size_t n_cost_paths;

/*
 * NULL: none of them. `is_vf` of an assigned function: whether it is a virtual one. Where both
 * sides could poll, the counters tell whether they do.
 */
const struct cost_path *cost_path_of(
	const struct cost_device *d, const struct cost_sum *sum, bool is_vf);
