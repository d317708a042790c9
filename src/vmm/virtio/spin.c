/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "spin.h"
#include "base/attr.h"

enum { ONE = 256, WEIGHT = 8, REQUESTS_MAX = 1 << 16 };

void spin_served(struct spin *s, unsigned requests)
{
	uint32_t now = MIN(requests, (unsigned)REQUESTS_MAX) * ONE;

	s->depth = s->depth - s->depth / WEIGHT + now / WEIGHT;
	if (s->depth >= SPIN_DEEP * ONE)
		s->deep = true;
	else if (s->depth < SPIN_SHALLOW * ONE)
		s->deep = false;
}

void spin_idle(struct spin *s, uint64_t now_ns)
{
	s->idle_since = now_ns;
}

void spin_woken(struct spin *s, uint64_t now_ns)
{
	if (now_ns - s->idle_since > SPIN_MAX_NS)
		s->budget_ns = s->budget_ns > SPIN_START_NS ? s->budget_ns / 2 : 0;
	else
		s->budget_ns = s->budget_ns ? MIN(s->budget_ns * 2, (uint32_t)SPIN_MAX_NS)
					    : (uint32_t)SPIN_START_NS;
}

uint32_t spin_ns(const struct spin *s)
{
	return s->deep || s->alone ? 0 : s->budget_ns;
}
