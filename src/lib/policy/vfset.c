// SPDX-License-Identifier: GPL-2.0-or-later
#include "line.h"

#include "base/str.h"

#include <limits.h>

static int by_first(const void *a, const void *b)
{
	const struct vf_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Ranges may overlap: each VF counts once. */
static unsigned count_of(struct vf_range *v, size_t n)
{
	unsigned count = 0, next = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_first);
	for (size_t i = 0; i < n; i++) {
		unsigned first = MAX(v[i].first, next);

		if (v[i].last < first)
			continue;
		count += v[i].last - first + 1;
		next = v[i].last + 1;
	}
	return count;
}

/* "0-1, 3" as "PF/vf0-1,3", which is how selectors write it. */
static char *as_selector(const char *text)
{
	char *word = str_printf("PF/vf%s", text), *to = word;

	for (const char *from = word; from && *from; from++)
		if (*from != ' ' && *from != '\t')
			*to++ = *from;
	if (to)
		*to = '\0';
	return word;
}

int vf_set_parse(const char *text, struct vf_set *ret)
{
	autofree char *word = as_selector(text);
	struct vf_set s = { .text = strdup(text), .count = UINT_MAX };
	autovf_ranges ranges = { 0 };
	int r = 0;

	if (!word || !s.text) {
		free(s.text);
		return -ENOMEM;
	}
	if (!str_eq(text, "*")) {
		r = vf_ranges_parse(word, &ranges);
		r = r == 0 ? -EINVAL : MIN(r, 0);
		s.v = r == 0 ? TAKE_PTR(ranges.v) : NULL;
		s.n = r == 0 ? ranges.n : 0;
		s.count = count_of(s.v, s.n);
	}
	if (r < 0) {
		vf_set_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void vf_set_done(struct vf_set *s)
{
	free(s->text);
	free(s->v);
	*s = (struct vf_set) { 0 };
}

bool vf_set_has(const struct vf_set *s, unsigned index)
{
	if (s->count == UINT_MAX)
		return true;
	for (size_t i = 0; i < s->n; i++)
		if (index >= s->v[i].first && index <= s->v[i].last)
			return true;
	return false;
}

unsigned vf_set_last(const struct vf_set *s)
{
	unsigned last = 0;

	for (size_t i = 0; i < s->n; i++)
		last = MAX(last, s->v[i].last);
	return last;
}
