// SPDX-License-Identifier: GPL-2.0-or-later
#include "holder.h"
#include "sources.h"

#include "base/str.h"

const char *holder_kind_name(enum holder_kind kind)
{
	static const char *const names[] = {
#define HOLDER(id, name) [HOLDER_##id] = name,
#include "kinds.def"
#undef HOLDER
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : NULL;
}

const char *holder_strength_name(enum holder_strength s)
{
	static const char *const names[] = {
		[HOLD_BOUND] = "bound",
		[HOLD_USED] = "used",
		[HOLD_BLOCKS] = "blocks",
	};

	return s < ARRAY_SIZE(names) ? names[s] : NULL;
}

/* What a holder is sorted by, so that equal ones keep the order in which they were found. */
struct rank {
	ssize_t function;
	size_t found;
	struct holder holder;
};

static int by_rank(const void *x, const void *y)
{
	const struct rank *a = x, *b = y;

	if (a->function != b->function)
		return a->function < b->function ? -1 : 1;
	if (a->holder.strength != b->holder.strength)
		return a->holder.strength > b->holder.strength ? -1 : 1;
	if (a->holder.kind != b->holder.kind)
		return a->holder.kind < b->holder.kind ? -1 : 1;
	return a->found < b->found ? -1 : a->found > b->found;
}

static int put_in_order(struct search *s)
{
	autofree struct rank *v = calloc(s->found.n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->found.n; i++)
		v[i] = (struct rank) { search_index(s, s->found.v[i].bdf), i, s->found.v[i] };
	qsort(v, s->found.n, sizeof(*v), by_rank);
	for (size_t i = 0; i < s->found.n; i++)
		s->found.v[i] = v[i].holder;
	return 0;
}

/* The driver itself, which is the least of all reasons; a VFIO driver serves nobody by itself. */
static int find_drivers(struct search *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		if (s->drivers[i] && !search_is_on_vfio(s, i))
			r = search_add(s, HOLDER_DRIVER, HOLD_BOUND, i,
				str_printf("bound to %s", s->drivers[i]));
	return r;
}

static int find(struct host *h, const struct bdf *a, size_t n,
	int (*const *sources)(struct search *), struct holders *ret)
{
	struct search s CLEANUP(search_done) = { 0 };
	int r = search_init(&s, h, a, n);

	for (size_t i = 0; r == 0 && sources[i]; i++)
		r = sources[i](&s);
	if (r == 0)
		r = put_in_order(&s);
	if (r < 0)
		return r;
	*ret = s.found;
	s.found = (struct holders) { 0 };
	return 0;
}

int holders_find(struct host *h, const struct bdf *a, size_t n, struct holders *ret)
{
	static int (*const all[])(struct search *) = { find_vfio_nodes, find_block,
		find_class_nodes, find_net, find_consoles, find_domains, find_claims, find_drivers,
		find_processes, NULL };

	return find(h, a, n, all, ret);
}

int holders_find_vfio(struct host *h, const struct bdf *a, size_t n, struct holders *ret)
{
	static int (*const vfio[])(struct search *) = { find_vfio_nodes, find_processes, NULL };

	return find(h, a, n, vfio, ret);
}

const struct holder *holders_of(const struct holders *s, struct bdf a, size_t *ret_n)
{
	size_t from = 0, to;

	while (from < s->n && !bdf_eq(s->v[from].bdf, a))
		from++;
	for (to = from; to < s->n && bdf_eq(s->v[to].bdf, a);)
		to++;
	*ret_n = to - from;
	return to > from ? &s->v[from] : NULL;
}

size_t holders_count(const struct holders *s, enum holder_strength least)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].strength >= least;
	return n;
}

char *holders_text(const struct holders *s, enum holder_strength least)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].strength >= least)
			strbuf_add(&b, "%s%s: %s", b.len ? "; " : "", BDF_TEXT(s->v[i].bdf),
				s->v[i].text);
	return b.len ? strbuf_take(&b) : NULL;
}

static bool has_claim(const struct holders *s)
{
	bool has = false;

	for (size_t i = 0; i < s->n; i++)
		has |= s->v[i].kind == HOLDER_CLAIM;
	return has;
}

int holders_refuse(const struct holders *s, const char *verb, struct problem **reterr)
{
	autofree char *text = holders_text(s, HOLD_USED);

	if (!holders_count(s, HOLD_USED))
		return 0;
	return problem(reterr, -EBUSY, PROBLEM_IN_USE,
		holders_count(s, HOLD_BLOCKS) ? "end the process that holds it"
		: has_claim(s)		      ? "vfctl release takes it back from its owner"
					      : "free it first, or use --allow-in-use",
		"cannot %s: in use by %s", verb, text ? text : "?");
}
