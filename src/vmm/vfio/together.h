/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that cannot be reset alone are reset with all that share their bus, if all of those are
 * this guest's: before it starts and after it has ended, when none of them is at work.
 */
#pragma once

#include "session.h"

/* What cannot be reset is noted, with who stands in the way; `note` may be NULL. */
void vfio_reset_together(
	struct vfio_session *s, void (*note)(void *arg, const char *text), void *arg);
/*
 * One that comes while the others are at work; 0 as well when it can be reset alone.
 * PROBLEM_IN_USE: not without the others.
 */
int vfio_reset_newcomer(struct vfio_session *s, struct vfio_device *d, struct problem **reterr);
