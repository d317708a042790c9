// SPDX-License-Identifier: GPL-2.0-or-later
#include "rule.h"

#include "base/str.h"

#include <stddef.h>
#include <stdlib.h>

static const struct {
	size_t field;
	unsigned ns;
	const char *what;
} costs[] = {
#define COST(field, ns, what) { offsetof(struct cost_sum, field), ns, what },
#include "rule.def"
};

_Static_assert(ARRAY_SIZE(costs) <= COST_KINDS_MAX, "there is room for all");

struct rule {
	size_t field;
	enum cost_path_id path;
	const char *key, *word, *what_to_do, *why;
};

static const struct rule rules[] = {
#define RULE(field, path, key, word, what_to_do, why)                                              \
	{ offsetof(struct cost_sum, field), COST_PATH_##path, key, word, what_to_do, why },
#include "rule.def"
};

static bool fits(const struct rule *r, size_t field, const struct cost_device *d,
	const struct cost_path *path)
{
	const char *said = r->key ? cost_trait(d, r->key) : NULL;

	if (r->field != field || r->path != path->id)
		return false;
	if (!r->key)
		return true;
	if (!said)
		return false;
	return r->word[0] == '!' ? !str_eq(said, r->word + 1) : str_eq(said, r->word);
}

static void advise(struct cost_part *part, size_t field, const struct cost_device *d,
	const struct cost_path *path)
{
	for (size_t i = 0; path && i < ARRAY_SIZE(rules); i++) {
		if (!fits(&rules[i], field, d, path))
			continue;
		part->what_to_do = rules[i].what_to_do;
		part->why = rules[i].why;
		return;
	}
}

/* Exits to user space by the thousand, to set a device up, are no cost of its work. */
static double weight(const struct cost_sum *sum, size_t i, double *ret_per_operation)
{
	uint64_t n = *(const uint64_t *)(const void *)((const char *)sum + costs[i].field);

	*ret_per_operation = (double)n / (double)sum->operations;
	return *ret_per_operation * costs[i].ns;
}

double cost_ns(const struct cost_sum *sum)
{
	double all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(costs); i++)
		all += (double)*(
			       const uint64_t *)(const void *)((const char *)sum + costs[i].field) *
		       costs[i].ns;
	return all;
}

static int dearest_first(const void *a, const void *b)
{
	const struct cost_part *x = a, *y = b;

	return x->share < y->share ? 1 : x->share > y->share ? -1 : 0;
}

size_t cost_parts(const struct cost_device *d, const struct cost_path *path,
	const struct cost_sum *sum, struct cost_part ret[COST_KINDS_MAX])
{
	double all = 0, per;
	size_t n = 0;

	if (!sum->operations)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(costs); i++)
		all += weight(sum, i, &per);
	for (size_t i = 0; i < ARRAY_SIZE(costs); i++) {
		double w = weight(sum, i, &per);

		if (w <= 0)
			continue;
		ret[n] = (struct cost_part) {
			.what = costs[i].what,
			.n = *(const uint64_t *)(const void *)((const char *)sum + costs[i].field),
			.per_operation = per,
			.share = (unsigned)(100 * w / all + 0.5),
		};
		advise(&ret[n++], costs[i].field, d, path);
	}
	qsort(ret, n, sizeof(*ret), dearest_first);
	return n;
}

char *cost_advice(const char *text, const char *guest, const char *device)
{
	autostrbuf b = { 0 };

	for (; *text; text++) {
		const char *with = NULL;

		if (str_starts(text, "{guest}"))
			with = guest;
		else if (str_starts(text, "{device}"))
			with = device;
		if (!with) {
			strbuf_add_bytes(&b, text, 1);
			continue;
		}
		strbuf_add(&b, "%s", with);
		text = strchr(text, '}');
	}
	return strbuf_take(&b);
}
