// SPDX-License-Identifier: GPL-2.0-or-later
#include "select.h"
#include "attribute.h"
#include "name.h"
#include "vfrange.h"

#include "base/str.h"

enum { CANDIDATES_SHOWN = 8 };

void selection_done(struct selection *s)
{
	free(s->v);
	*s = (struct selection) { 0 };
}

static int add(struct selection *s, struct function *f)
{
	struct function **more;

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i] == f)
			return 0;
	more = reallocarray(s->v, s->n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->v = more;
	s->v[s->n++] = f;
	return 0;
}

static int add_all(struct selection *s, const struct inventory *inv)
{
	s->v = calloc(inv->n_functions + 1, sizeof(struct function *));
	if (!s->v)
		return -ENOMEM;
	for (size_t i = 0; i < inv->n_functions; i++)
		s->v[s->n++] = &inv->functions[i];
	return 0;
}

static int no_such_vf(
	const struct function *pf, const char *name, unsigned index, struct problem **reterr)
{
	problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "%s has no VF %u, only %zu of %u", name,
		index, pf->n_vfs, pf->sriov.total_vfs);
	if (index < pf->sriov.total_vfs)
		problem_hint(reterr, "vfctl create %s %u makes it", name, index + 1);
	else
		problem_hint(reterr, "it can have %u at most", pf->sriov.total_vfs);
	return -ENOENT;
}

static int require_pf(const struct function *f, const char *word, struct problem **reterr)
{
	if (f->kind == FUNCTION_PF)
		return 0;
	if (f->physfn)
		return problem(reterr, -ENODEV, PROBLEM_UNSUPPORTED, "name its PF instead",
			"%s is a VF (of %s), not a physical function with SR-IOV", word,
			f->physfn->address);
	return problem(reterr, -ENODEV, PROBLEM_UNSUPPORTED,
		"vfctl list kind=pf shows those that have it", "%s has no SR-IOV", word);
}

static int add_vfs(struct host *h, const struct inventory *inv, const struct vf_ranges *ranges,
	struct selection *s, struct problem **reterr)
{
	struct function *pf;
	int r;

	r = name_find(h, inv, ranges->pf, &pf, reterr);
	if (r == 0)
		r = require_pf(pf, ranges->pf, reterr);
	for (size_t i = 0; r == 0 && i < ranges->n; i++)
		for (unsigned k = ranges->v[i].first; r == 0 && k <= ranges->v[i].last; k++) {
			struct function *vf = function_vf(pf, k);

			r = vf ? add(s, vf) : no_such_vf(pf, ranges->pf, k, reterr);
		}
	return r;
}

static int add_named(struct host *h, const struct inventory *inv, const char *word,
	struct selection *s, struct problem **reterr)
{
	autovf_ranges ranges = { 0 };
	struct function *f;
	int r;

	r = vf_ranges_parse(word, &ranges);
	if (r == -EINVAL)
		return problem(reterr, r, PROBLEM_USAGE, "write PF/vf3 or PF/vf0-3,7",
			"%s: not VFs of a PF", word);
	if (r > 0)
		return add_vfs(h, inv, &ranges, s, reterr);
	if (r == 0)
		r = name_find(h, inv, word, &f, reterr);
	return r < 0 ? r : add(s, f);
}

static int start(struct host *h, const struct inventory *inv, const char *const *words, size_t n,
	struct selection *s, struct problem **reterr)
{
	bool named = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		if (attribute_is(words[i]))
			continue;
		named = true;
		r = add_named(h, inv, words[i], s, reterr);
	}
	return named || r < 0 ? r : add_all(s, inv);
}

static void keep_matching(struct host *h, const struct attribute *a, struct selection *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (attribute_matches(h, a, s->v[i]))
			s->v[kept++] = s->v[i];
	s->n = kept;
}

int select_matching(struct host *h, const struct inventory *inv, const char *const *words, size_t n,
	struct selection *ret, struct problem **reterr)
{
	autoselection s = { 0 };
	int r;

	r = start(h, inv, words, n, &s, reterr);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct attribute a;

		if (!attribute_is(words[i]))
			continue;
		r = attribute_parse(words[i], &a, reterr);
		if (r == 0)
			keep_matching(h, &a, &s);
	}
	if (r < 0)
		return r;
	*ret = s;
	s = (struct selection) { 0 };
	return 0;
}

int select_some(struct host *h, const struct inventory *inv, const char *const *words, size_t n,
	struct selection *ret, struct problem **reterr)
{
	autostrbuf all = { 0 };
	int r;

	r = select_matching(h, inv, words, n, ret, reterr);
	if (r < 0 || ret->n)
		return r;
	selection_done(ret);
	for (size_t i = 0; i < n; i++)
		strbuf_add(&all, "%s%s", i ? " " : "", words[i]);
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "vfctl list shows what is there",
		"no function matches %s", all.s ? all.s : "");
}

static int ambiguous(const struct selection *s, const char *word, struct problem **reterr)
{
	autostrbuf all = { 0 };

	for (size_t i = 0; i < s->n && i < CANDIDATES_SHOWN; i++)
		strbuf_add(&all, "%s%s", i ? ", " : "", s->v[i]->address);
	if (s->n > CANDIDATES_SHOWN)
		strbuf_add(&all, " and %zu more", s->n - CANDIDATES_SHOWN);
	problem(reterr, -ENOTUNIQ, PROBLEM_AMBIGUOUS, NULL, "%s matches %zu functions", word, s->n);
	problem_hint(reterr, "choose one of %s", all.s ? all.s : "them");
	return -ENOTUNIQ;
}

int select_one(struct host *h, const struct inventory *inv, const char *word, struct function **ret,
	struct problem **reterr)
{
	autoselection s = { 0 };
	int r;

	r = select_some(h, inv, &word, 1, &s, reterr);
	if (r < 0)
		return r;
	if (s.n > 1)
		return ambiguous(&s, word, reterr);
	*ret = s.v[0];
	return 0;
}

int select_pf(struct host *h, const struct inventory *inv, const char *word, struct function **ret,
	struct problem **reterr)
{
	struct function *f;
	int r;

	r = select_one(h, inv, word, &f, reterr);
	if (r == 0)
		r = require_pf(f, word, reterr);
	if (r < 0)
		return r;
	*ret = f;
	return 0;
}
