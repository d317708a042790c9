/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a device's work costs most, and which switch would remove it (rule.def). */
#pragma once

#include "path.h"

enum { COST_KINDS_MAX = 8 };

/* One kind of cost of a device. */
struct cost_part {
	const char *what; /* "wake-ups of a thread" */
	uint64_t n;	  /* how many there were */
	double per_operation;
	unsigned share;		      /* percent of what all parts typically take */
	const char *what_to_do, *why; /* NULL: nothing that is known */
};

/*
 * Dearest first, those that did not happen left out. Returns how many; none where nobody counted
 * operations.
 */
size_t cost_parts(const struct cost_device *d, const struct cost_path *path,
	const struct cost_sum *sum, struct cost_part ret[COST_KINDS_MAX]);
/* What all of it typically takes, in nanoseconds: to compare devices, not to be told. */
double cost_ns(const struct cost_sum *sum);
/* {guest} and {device} replaced; allocated. */
char *cost_advice(const char *text, const char *guest, const char *device);
