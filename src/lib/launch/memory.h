/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From where the guest's memory comes: from which node, from which pool of huge pages. */
#pragma once

#include "plan.h"

/*
 * Decides, and looks whether it can be had: nodes that are not there or too small, pools of huge
 * pages that have too few left (needed, free, and how to get them) are PROBLEM_NO_MEMORY. Only
 * reads; between now and the start of the guest somebody else may take what is free.
 */
int launch_memory_plan(struct host *h, const struct launch_request *r, const struct launch_plan *p,
	struct launch_memory *ret, struct problem **reterr);
