/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups as a table and as JSON. */
#pragma once

#include "json.h"
#include "table.h"
#include "iommu/group.h"

/* The rows are `const struct iommu_group *`. */
extern const struct out_column group_columns[];
extern const size_t n_group_columns;

int out_groups(
	const struct out *o, const struct iommu_group *const *v, size_t n, struct problem **reterr);

/* The keys of one group, added to the object `to`. */
void group_json(struct json *j, json_object *to, const struct iommu_group *g);
