/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of a plan as VFIO opens them, and by which of its back ends. */
#pragma once

#include "plan.h"

/* Borrows from the choice, which is a function. */
struct vfio_target launch_target(const struct launch_choice *c);
/* Of all functions that are to be assigned; the array is the caller's. NULL: no memory. */
struct vfio_target *launch_targets(const struct launch_plan *p, size_t *ret_n);

/*
 * By which back end they would be opened; only looks, and who may open what shows later. NULL when
 * there is no function.
 */
const char *launch_backend(
	struct host *h, const struct launch_request *r, const struct launch_plan *p);
/*
 * What to ask of somebody who opens them for this process: NULL when that is for him to choose, who
 * knows nothing of tokens.
 */
const char *launch_wish(
	struct host *h, const struct launch_request *r, const struct launch_plan *p);
/*
 * Is there what the request wishes for? If not, every function that is to be assigned falls back,
 * or the problem is told.
 */
int launch_check_backend(struct host *h, const struct launch_request *r, struct launch_plan *p,
	struct problem **reterr);
