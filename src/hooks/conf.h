/* SPDX-License-Identifier: GPL-2.0-or-later */
/* [Hook] of vfctl.conf(5): how long libvirt may be kept waiting, and what holds without vfctld. */
#pragma once

#include "base/problem.h"
#include "host/host.h"

#include <stdbool.h>

enum { HOOK_DEADLINE_S = 10 };

struct hook_conf {
	unsigned deadline_ms;
	bool needs_daemon; /* else what is ready already may be had without a claim */
};

/*
 * Without the file, what holds by itself. PROBLEM_USAGE names the first line that is wrong; then
 * and when it cannot be read *ret is what holds by itself, too.
 */
int hook_conf_read(struct host *h, struct hook_conf *ret, struct problem **reterr);
