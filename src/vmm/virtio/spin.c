// SPDX-License-Identifier: GPL-2.0-or-later
#include "spin.h"
#include "base/attr.h"

enum { WEIGHT = 8 };

void spin_idle(struct spin *s, uint64_t now_ns)
{
	s->idle_since = now_ns;
}

/*
 * A pause is no gap, but who makes many of them is trusted less each time. Nor is it one when the
 * thread or the guest has waited for a processor: of that a few times the usual counts.
 */
void spin_again(struct spin *s, uint64_t now_ns)
{
	uint64_t gap = now_ns - s->idle_since;
	uint32_t usual = s->gap_ns;

	if (gap > SPIN_MAX_NS)
		s->gap_ns = usual > SPIN_MIN_NS / SPIN_GAPS ? usual / 2 : 0;
	else if (usual)
		s->gap_ns = usual - usual / WEIGHT +
			    (uint32_t)MIN(gap, (uint64_t)usual * SPIN_GAPS) / WEIGHT;
	else
		s->gap_ns = MAX((uint32_t)gap, (uint32_t)1);
}

uint32_t spin_ns(const struct spin *s)
{
	uint32_t most = MIN(s->gap_ns * SPIN_GAPS, (uint32_t)SPIN_MAX_NS);

	if (s->trial.way != WAY_LOOK || s->alone || !s->gap_ns)
		return 0;
	return MAX(most, (uint32_t)SPIN_MIN_NS);
}
