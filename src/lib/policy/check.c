// SPDX-License-Identifier: GPL-2.0-or-later
/* What can only be wrong with a PF at hand. */
#include "resolve.h"

#include "base/str.h"

#include <limits.h>

static struct finding *wrong_line(struct check *c, enum finding_level level, enum finding_kind kind,
	const struct policy_line *l, const char *what)
{
	struct findings *f = &c->p->findings;

	/* The same line may be wrong for many PFs and VFs: once is enough. */
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == kind && f->v[i].pos.line == l->value_pos.line &&
			str_eq(f->v[i].file, l->file))
			return NULL;
	return findings_add(f, level, kind, l->file, l->value_pos, "%s", what ? what : "?");
}

/* ---- Numbers of VFs ---- */

static void check_count(struct check *c, const struct policy_pf *pf)
{
	const struct policy_value *v = policy_target_get(&pf->self, "VirtualFunctions");
	autofree char *what = NULL;
	uint32_t n;

	if (!v || parse_u32(v->text, &n) < 0 || n <= pf->f->sriov.total_vfs)
		return;
	what = str_printf("VirtualFunctions=%u, but %s can have %u at most", n, pf->f->address,
		pf->f->sriov.total_vfs);
	wrong_line(c, FINDING_ERROR, FINDING_RANGE, v->from, what);
}

static const struct policy_line *first_line_of(const struct policy_text *t, size_t set)
{
	for (size_t i = 0; i < t->n_lines; i++)
		if (t->lines[i].key->section == POLICY_VF && t->lines[i].vfs == set)
			return &t->lines[i];
	return NULL;
}

static void check_set(struct check *c, const struct policy_pf *pf, size_t i)
{
	const struct vf_set *set = &pf->by->sets[i];
	const struct policy_line *l = first_line_of(pf->by, i);
	unsigned last = vf_set_last(set), total = pf->f->sriov.total_vfs;
	autofree char *what = NULL;
	struct finding *fd;

	if (!l || set->count == UINT_MAX)
		return;
	if (last >= total) {
		what = str_printf("[VF %s]: %s has no VF %u", set->text, pf->f->address, last);
		fd = wrong_line(c, FINDING_ERROR, FINDING_RANGE, l, what);
		if (total)
			finding_hint(fd, "it can have %u, 0 to %u", total, total - 1);
	} else if (last >= pf->n_vfs) {
		what = str_printf("[VF %s]: of VF %u nothing will be seen, %s gets %zu only",
			set->text, last, pf->f->address, pf->n_vfs);
		wrong_line(c, FINDING_WARNING, FINDING_RANGE, l, what);
	}
}

/* ---- What its driver can do ---- */

/* A VF that is still to come, for questions that its PF answers. */
static struct function vf_to_be(const struct check *c, const struct policy_pf *pf, int index)
{
	struct function f = { .kind = FUNCTION_VF,
		.id = pf->f->id,
		.class_word = pf->f->class_word,
		.iommu_group = -1,
		.numa_node = pf->f->numa_node,
		.physfn = inventory_find_bdf(c->inv, pf->f->bdf),
		.vf_index = index };

	f.bdf = pf->f->bdf;
	memcpy(f.address, pf->f->address, sizeof(f.address));
	return f;
}

static void not_supported(
	struct check *c, const struct policy_value *v, const struct function *pf, const char *why)
{
	autofree char *what = str_printf("%s=: not for %s (%s)%s%s", v->key->name, pf->address,
		pf->driver ? pf->driver : "no driver", why ? ": " : "", why ? why : "");

	wrong_line(c, FINDING_ERROR, FINDING_UNSUPPORTED, v->from, what);
}

static int check_value(struct check *c, const struct policy_value *v, const struct function *f,
	const struct function *pf, const struct setting_states *states)
{
	autofree char *word = NULL, *why = NULL;
	autoproblem *p = NULL;
	const char *words[1];

	if (v->key->goal != GOAL_SETTING)
		return 0;
	word = str_printf("%s=%s", v->key->setting->name, v->text);
	if (!word)
		return -ENOMEM;
	words[0] = word;
	if (settings_suit(f, words, 1, &p) < 0) {
		why = p ? problem_text(p) : NULL;
		not_supported(c, v, pf, why);
		return 0;
	}
	for (size_t i = 0; i < states->n; i++)
		if (states->v[i].key == v->key->setting &&
			states->v[i].support == SETTING_UNSUPPORTED)
			not_supported(c, v, pf, states->v[i].why);
	return 0;
}

/* What a driver can do for one of its VFs it can do for all: only the first that exists is asked.
 */
static int check_support(struct check *c, const struct policy_pf *pf)
{
	const struct function *any = pf->f->n_vfs ? pf->f->vfs[0] : NULL;
	autosettings of_pf = { 0 }, of_vf = { 0 };
	int r = settings_supported(c->h, pf->f, c->opts->learned_dir, &of_pf);

	if (r == 0 && any)
		r = settings_supported(c->h, any, c->opts->learned_dir, &of_vf);
	for (size_t k = 0; r == 0 && k < pf->self.n; k++)
		r = check_value(c, &pf->self.v[k], pf->f, pf->f, &of_pf);
	for (size_t i = 0; r == 0 && i < pf->n_vfs; i++) {
		const struct function vf = vf_to_be(c, pf, (int)i);

		for (size_t k = 0; r == 0 && k < pf->vfs[i].n; k++)
			r = check_value(c, &pf->vfs[i].v[k], any ? any : &vf, pf->f, &of_vf);
	}
	return r;
}

/* ---- Which card it is ---- */

static int check_identity(struct check *c, struct policy_pf *pf)
{
	autoidentity found = { 0 };
	autoproblem *p = NULL;
	int r = identity_verify(c->h, c->identity_dir, pf->f->bdf, &found, &p);
	autofree char *text = p ? problem_text(p) : NULL;
	struct finding *fd;

	if (r == -ENOMEM)
		return r;
	pf->known = r == 0;
	if (r < 0) {
		fd = findings_add(&c->p->findings, FINDING_ERROR, FINDING_IDENTITY, pf->by->file,
			pf->by->match_pos, "%s", text ? text : strerror(-r));
		if (p && problem_best_hint(p))
			finding_hint(fd, "%s", problem_best_hint(p));
	} else if (found.verdict == IDENTITY_MOVED) {
		findings_add(&c->p->findings, FINDING_WARNING, FINDING_IDENTITY, pf->by->file,
			pf->by->match_pos,
			"the card at %s was configured at %s before: it has moved, and what was "
			"recorded of it goes along",
			pf->f->address, BDF_TEXT(found.from));
	}
	return 0;
}

int policy_check_pf(struct check *c, struct policy_pf *pf)
{
	int r;

	check_count(c, pf);
	for (size_t i = 0; i < pf->by->n_sets; i++)
		check_set(c, pf, i);
	r = check_support(c, pf);
	return r < 0 ? r : check_identity(c, pf);
}
