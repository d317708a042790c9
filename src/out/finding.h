/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong with a configuration, as compilers tell it: FILE:LINE:COLUMN: error: … */
#pragma once

#include "json.h"
#include "policy/policy.h"

/*
 * The findings and a line that sums them up, or {"findings":[…],"errors":…,"warnings":…,
 * "files":[…],"pfs":[…]}. Returns the exit code: that of PROBLEM_USAGE when there are errors.
 */
int out_findings(const struct out *o, const struct policy *p, struct problem **reterr);
/* One finding as text to `to`. */
void out_finding(const struct out *o, FILE *to, const struct finding *f);
