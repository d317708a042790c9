// SPDX-License-Identifier: GPL-2.0-or-later
#include "batch.h"

#include "base/attr.h"

enum { WEIGHT = 4, PATIENCE = 2 };

/* What it is on the average of late; never 0. */
static void learn(uint32_t *average, uint64_t ns)
{
	uint32_t n = (uint32_t)MIN(ns, (uint64_t)BATCH_NS) + 1;

	*average = *average ? *average - *average / WEIGHT + n / WEIGHT : n;
}

/* In how much time they are worth waiting for. */
static uint32_t worth_ns(const struct batch *b)
{
	return (uint32_t)MIN((uint64_t)b->effort_ns * BATCH_WORTH, (uint64_t)BATCH_NS);
}

bool batch_is_deep(const struct batch *b, unsigned under_way)
{
	return MAX(under_way, b->depth) >= BATCH_DEEP;
}

/* Those that he slept for in vain are not to come. */
static void measure(struct batch *b, unsigned under_way)
{
	if (b->late && b->came <= b->size)
		b->depth /= 2;
	b->depth = MAX(b->depth, under_way);
	b->came = 0;
}

unsigned batch_begin(struct batch *b, unsigned under_way, unsigned begun, uint64_t now_ns)
{
	unsigned most = 1;

	b->came += begun;
	measure(b, under_way);
	if (batch_is_deep(b, 0)) {
		if (b->works)
			learn(&b->effort_ns, now_ns - b->woken_ns);
		if (b->pace_ns && !b->stalled)
			most = MIN(b->depth / BATCH_SHARE, worth_ns(b) / b->pace_ns);
	} else {
		b->depth = 0;
	}
	b->works = false;
	b->size = MAX(most, 1U);
	return b->size;
}

void batch_skip(struct batch *b)
{
	b->size = 1;
}

uint32_t batch_ns(const struct batch *b)
{
	return b->pace_ns * b->size * PATIENCE;
}

void batch_woken(
	struct batch *b, unsigned under_way, unsigned ready, unsigned done, uint64_t now_ns)
{
	b->came += done;
	b->late = b->size > 1 && ready < b->size;
	b->stalled = b->late && !ready;
	if (!done)
		return;
	b->works = batch_is_deep(b, under_way);
	if (b->works && b->woken_ns)
		learn(&b->pace_ns, (now_ns - b->woken_ns) / done);
	b->woken_ns = b->works ? now_ns : 0;
}
