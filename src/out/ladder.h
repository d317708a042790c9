/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What could be done for a function that is not well. */
#pragma once

#include "table.h"
#include "health/health.h"
#include "recovery/recovery.h"

struct ladder_of {
	const struct function *f;
	const struct health *health;
	struct ladder ladder;
};

extern const struct out_column ladder_columns[];
extern const size_t n_ladder_columns;

int out_ladders(const struct out *o, const struct ladder_of *v, size_t n, struct problem **reterr);
