// SPDX-License-Identifier: GPL-2.0-or-later
#include "exits.h"

#include "base/str.h"

#include <stdlib.h>

static const struct {
	const char *counter, *what, *what_to_do;
} kinds[] = {
#define EXIT(counter, what, what_to_do) { counter, what, what_to_do },
#include "exits.def"
};

_Static_assert(ARRAY_SIZE(kinds) < COST_EXITS_MAX, "there is room for all and for the rest");

/* By how much it has grown; false: there is no such counter. */
static bool growth(const struct cost_sample *before, const struct cost_sample *now, int cpu,
	const char *name, uint64_t *ret)
{
	for (size_t i = 0; i < now->n; i++)
		if (now->counts[i].of == COUNTER_CPU && now->counts[i].index == cpu &&
			str_eq(now->counts[i].name, name)) {
			*ret = cost_growth(before, now, i);
			return true;
		}
	return false;
}

static int most_first(const void *a, const void *b)
{
	const struct cost_exit *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : 0;
}

/* Numbers that come from a guest's VMM: a share is of what they are together, if that is more. */
static void add_shares(struct cost_exits *e, uint64_t sum)
{
	double all = (double)(sum > e->all ? sum : e->all);

	for (size_t i = 0; i < e->n; i++)
		e->v[i].share = (unsigned)(100 * (double)e->v[i].n / all + 0.5);
}

bool cost_exits_of(const struct cost_sample *before, const struct cost_sample *now, int cpu,
	struct cost_exits *ret)
{
	struct cost_exits e = { 0 };
	uint64_t sum = 0, n;

	if (!growth(before, now, cpu, "user_exits", &n))
		return false;
	growth(before, now, cpu, "kvm_exits", &e.all);
	for (size_t i = 0; e.all && i < ARRAY_SIZE(kinds); i++) {
		if (!growth(before, now, cpu, kinds[i].counter, &n) || !n)
			continue;
		sum = n > UINT64_MAX - sum ? UINT64_MAX : sum + n;
		e.v[e.n++] = (struct cost_exit) {
			.what = kinds[i].what, .what_to_do = kinds[i].what_to_do, .n = n
		};
	}
	if (e.all > sum)
		e.v[e.n++] = (struct cost_exit) { .what = "others: doorbells, timers, registers",
			.n = e.all - sum };
	qsort(e.v, e.n, sizeof(*e.v), most_first);
	add_shares(&e, sum);
	*ret = e;
	return true;
}
