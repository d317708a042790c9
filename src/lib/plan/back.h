/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way back, as apply and recovery share it. */
#pragma once

#include "apply.h"

/*
 * Runs the ways back of steps[order[n - 1]] … steps[order[0]]. Goes on after failures, but not
 * where the kernel still works (-ETIMEDOUT): that PF is left. The first failure; 0 all is back.
 */
int take_back(struct host *h, const struct plan *plan, const size_t *order, size_t n,
	struct journal *j, const struct action_opts *act, struct problem **reterr);
