/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How well functions are. */
#pragma once

#include "json.h"
#include "table.h"
#include "health/health.h"

struct health_row {
	const struct function *f;
	const struct health *health;
};

/* The rows are `const struct health_row *`. */
extern const struct out_column health_columns[];
extern const size_t n_health_columns;

/* `all`: the table has every finding, not the worst of each function alone. JSON has all. */
int out_healths(const struct out *o, const struct health_row *v, size_t n, bool all,
	struct problem **reterr);

/* "health" of a function: its state, why, and the evidence. */
void health_json(struct json *j, json_object *to, const char *key, const struct health *health);
