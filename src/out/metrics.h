/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests have counted, for collectors: the text format of OpenMetrics 1.0
 * (prometheus/OpenMetrics, specification/OpenMetrics.md). Families come in the order of
 * base/counter.def, then those that nobody has explained, as vfctl_other_…; names of guests and
 * devices are labels.
 */
#pragma once

#include "out.h"

#include "cost/sample.h"

struct metrics_guest {
	const char *name;
	const struct cost_sample *sample;
};

int out_metrics(
	const struct out *o, const struct metrics_guest *v, size_t n, struct problem **reterr);
