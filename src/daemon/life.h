/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's loop, its signals, and what the service manager is told.
 *
 * The watchdog is armed while something is done and not while nothing is: an idle daemon has no
 * timer and is never woken.
 */
#pragma once

#include "manager.h"

/* SIGTERM and SIGINT end it in order, SIGHUP makes it look again. */
int life_prepare(struct manager *m);
/* Until the end. The exit status. */
int life_run(struct manager *m);
