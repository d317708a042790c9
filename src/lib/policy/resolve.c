// SPDX-License-Identifier: GPL-2.0-or-later
#include "resolve.h"

#include "base/grow.h"
#include "base/str.h"

static void target_done(struct policy_target *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].text);
		free(t->v[i].instead);
	}
	free(t->v);
}

void policy_pf_done(struct policy_pf *pf)
{
	target_done(&pf->self);
	for (size_t i = 0; i < pf->n_vfs; i++)
		target_done(&pf->vfs[i]);
	free(pf->vfs);
	*pf = (struct policy_pf) { 0 };
}

static struct policy_value *value_of(struct policy_target *t, const struct policy_key *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].key == key)
			return &t->v[i];
	return NULL;
}

const struct policy_value *policy_target_get(const struct policy_target *t, const char *key)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].key->name, key))
			return &t->v[i];
	return NULL;
}

/* Fewer VFs are more specific; between equals the later line wins. */
static bool wins(const struct policy_text *by, const struct policy_line *later,
	const struct policy_line *now)
{
	if (later->key->section != POLICY_VF)
		return true;
	return by->sets[later->vfs].count <= by->sets[now->vfs].count;
}

static int consider(
	struct policy_target *t, const struct policy_text *by, const struct policy_line *l)
{
	struct policy_value *v = value_of(t, l->key);
	const struct policy_line *loser = l;

	if (!v) {
		if (!GROW(t->v, t->n))
			return -ENOMEM;
		t->v[t->n++] = (struct policy_value) { .key = l->key, .from = l };
		return 0;
	}
	if (wins(by, l, v->from)) {
		loser = v->from;
		v->from = l;
	}
	if (!GROW(v->instead, v->n_instead))
		return -ENOMEM;
	v->instead[v->n_instead++] = loser;
	return 0;
}

/* "Key=" takes back what others say: then there is no value. */
static int finish(struct policy_target *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].from->value)
			t->v[kept++] = t->v[i];
		else
			free(t->v[i].instead);
	t->n = kept;
	for (size_t i = 0; i < t->n; i++) {
		t->v[i].text = strdup(t->v[i].from->value);
		if (!t->v[i].text)
			return -ENOMEM;
	}
	return 0;
}

static int resolve(struct policy_target *t, const struct policy_text *by)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < by->n_lines; i++) {
		const struct policy_line *l = &by->lines[i];

		if (t->vf < 0 ? l->key->section == POLICY_PF
			      : l->key->section == POLICY_VF &&
					vf_set_has(&by->sets[l->vfs], (unsigned)t->vf))
			r = consider(t, by, l);
	}
	return r == 0 ? finish(t) : r;
}

/* Those that there shall be; without a number, those that there are. */
static size_t count_vfs(const struct policy_pf *pf)
{
	const struct policy_value *v = policy_target_get(&pf->self, "VirtualFunctions");
	uint32_t n;

	if (!v || parse_u32(v->text, &n) < 0)
		return pf->f->n_vfs;
	return MIN(n, pf->f->sriov.total_vfs);
}

int policy_pf_resolve(struct policy_pf *pf)
{
	size_t n;
	int r;

	pf->self.vf = -1;
	r = resolve(&pf->self, pf->by);
	n = r == 0 ? count_vfs(pf) : 0;
	pf->vfs = r == 0 ? calloc(n + 1, sizeof(*pf->vfs)) : NULL;
	if (r == 0 && !pf->vfs)
		return -ENOMEM;
	for (; r == 0 && pf->n_vfs < n; pf->n_vfs++) {
		pf->vfs[pf->n_vfs].vf = (int)pf->n_vfs;
		r = resolve(&pf->vfs[pf->n_vfs], pf->by);
	}
	return r;
}
