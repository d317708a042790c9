// SPDX-License-Identifier: GPL-2.0-or-later
#include "vfrange.h"

#include "base/str.h"

static int parse_index(const char *s, unsigned *ret)
{
	uint32_t v;

	/* parse_u32 also takes 0x…, which nobody means here. */
	if (strspn(s, "0123456789") != strlen(s) || parse_u32(s, &v) < 0 || v > VF_INDEX_MAX)
		return -EINVAL;
	*ret = v;
	return 0;
}

/* "3" or "0-3". */
static int parse_range(char *s, struct vf_range *ret)
{
	char *last = strchr(s, '-');

	if (last)
		*last++ = '\0';
	if (parse_index(s, &ret->first) < 0 || parse_index(last ? last : s, &ret->last) < 0)
		return -EINVAL;
	return ret->first <= ret->last ? 0 : -EINVAL;
}

static int parse_list(char *s, struct vf_ranges *r)
{
	char *item;

	while ((item = strsep(&s, ","))) {
		struct vf_range *more = reallocarray(r->v, r->n + 1, sizeof(*more));
		int e;

		if (!more)
			return -ENOMEM;
		r->v = more;
		e = parse_range(item, &r->v[r->n]);
		if (e < 0)
			return e;
		r->n++;
	}
	return 0;
}

int vf_ranges_parse(const char *word, struct vf_ranges *ret)
{
	const char *at = strstr(word, "/vf");
	autovf_ranges r = { 0 };
	autofree char *list = NULL;
	int e;

	if (!at || at == word)
		return 0;
	r.pf = strndup(word, (size_t)(at - word));
	list = strdup(at + strlen("/vf"));
	if (!r.pf || !list)
		return -ENOMEM;
	e = parse_list(list, &r);
	if (e < 0)
		return e;
	*ret = r;
	r = (struct vf_ranges) { 0 };
	return 1;
}

void vf_ranges_done(struct vf_ranges *r)
{
	free(r->pf);
	free(r->v);
	*r = (struct vf_ranges) { 0 };
}
