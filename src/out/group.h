/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups as a table and as JSON. */
#pragma once

#include "json.h"
#include "table.h"
#include "topology/topology.h"

/* The rows are `const struct group_verdict *`. */
extern const struct out_column group_columns[];
extern const size_t n_group_columns;

int out_groups(const struct out *o, const struct group_verdict *const *v, size_t n,
	struct problem **reterr);

/* The keys of one group, added to the object `to`. */
void group_json(struct json *j, json_object *to, const struct iommu_group *g);
/* The same, and what it is good for. */
void group_verdict_json(struct json *j, json_object *to, const struct group_verdict *v);
/* A libsmartcols colour; NULL: nothing to point out. */
const char *group_verdict_color(const struct group_verdict *v);
