/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a CPU has left its guest, as far as KVM tells (exits.def). */
#pragma once

#include "sample.h"

#include <stdbool.h>

enum { COST_EXITS_MAX = 10 };

struct cost_exit {
	const char *what;
	const char *what_to_do; /* NULL: nothing is known */
	uint64_t n;
	unsigned share; /* percent of all */
};

struct cost_exits {
	uint64_t all;			    /* 0: KVM does not tell, or there were none */
	struct cost_exit v[COST_EXITS_MAX]; /* most first */
	size_t n;
};

/* Of one CPU since `before`, which may be NULL: since the guest has started. False: no such CPU. */
bool cost_exits_of(const struct cost_sample *before, const struct cost_sample *now, int cpu,
	struct cost_exits *ret);
