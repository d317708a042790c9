/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fake kernel in real time, for benches: what a write costs passes on the clock, under the
 * locks that the kernel holds meanwhile (a function's device lock; one for all of rtnetlink).
 * Several threads may ask at once. What is written also goes to a real file through the live host,
 * so that the caller's own way of writing (a helper process, or not) costs what it costs.
 */
#pragma once

#include "fake/fake.h"

struct slow_costs {
	unsigned vf_us;	       /* sriov_numvfs, for each VF that comes */
	unsigned bind_us;      /* bind and unbind */
	unsigned attribute_us; /* any other attribute */
	unsigned netlink_us;   /* an attribute of a VF */
};

/* Takes over `fake`. `scratch` is an existing file, borrowed, that writes also go to. */
struct host *slow_kernel_new(
	struct host *fake, const struct slow_costs *costs, const char *scratch);
/* How many writes there were, both kinds. */
unsigned slow_writes(struct host *h);
