/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration: the values that hold and their lines, the files as they are, the pools. */
#pragma once

#include "json.h"
#include "table.h"
#include "policy/policy.h"

/* A value, and the VFs that have it from the same line. */
struct policy_row {
	const struct policy_pf *pf;
	const struct policy_value *value;
	char *vfs; /* "0-1,3"; NULL: the PF's own */
};

/* The rows are `const struct policy_row *`. */
extern const struct out_column policy_columns[];
extern const size_t n_policy_columns;
/* The rows are `const struct policy_member *`. */
extern const struct out_column pool_columns[];
extern const size_t n_pool_columns;

/* `only`: the PFs that are asked for; n_only 0: all. */
int out_policy(const struct out *o, const struct policy *p, const struct function *const *only,
	size_t n_only, struct problem **reterr);
/* `names`: the pools that are asked for; n 0: all. PROBLEM_NOT_FOUND. */
int out_pools(const struct out *o, const struct policy_pools *p, const char *const *names, size_t n,
	struct problem **reterr);
/* As they are, each below its path; what a terminal could obey is escaped. */
int out_policy_files(const struct out *o, const struct policy *p, struct problem **reterr);
