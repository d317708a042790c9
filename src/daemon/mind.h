/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon makes of what it hears: when functions have been quiet for a second after
 * something happened to them, a worker looks how healthy they are and whether they are still as the
 * configuration says. What is new is told; what the configuration wants repaired becomes a job.
 *
 * However many events there are, what is remembered of them are some addresses of PFs, or that it
 * was too many: then all are looked at. Between events there is no timer.
 */
#pragma once

#include "manager.h"

/* Looks at the health of all functions: for a beginning, and when any may have suffered. */
void mind_begin(struct manager *m);
/* Something has happened to that PF (or other function), or to its VFs. */
void mind_touch(struct manager *m, struct bdf pf);
/* Nobody knows to which. */
void mind_touch_all(struct manager *m);
/* What was told is told anew, and what was given up is tried again. */
void mind_forget(struct manager *m);
void mind_done(struct manager *m);
