// SPDX-License-Identifier: GPL-2.0-or-later
#include "times.h"

int times_begin(struct times *t, size_t max)
{
	*t = (struct times) { .ns = calloc(max + 1, sizeof(*t->ns)), .max = max };
	t->start = times_now();
	return t->ns ? 0 : -ENOMEM;
}

void times_add(struct times *t, uint64_t ns)
{
	if (t->n < t->max)
		t->ns[t->n++] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

struct bench_times times_end(struct times *t)
{
	t->end = times_now();
	if (!t->n)
		return (struct bench_times) { 0 };
	qsort(t->ns, t->n, sizeof(*t->ns), compare);
	return (struct bench_times) {
		.mean = (double)(t->end - t->start) / (double)t->n,
		.p50 = t->ns[t->n / 2],
		.p99 = t->ns[t->n * 99 / 100],
	};
}

void times_done(struct times *t)
{
	free(t->ns);
	*t = (struct times) { 0 };
}
