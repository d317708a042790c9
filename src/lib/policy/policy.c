// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy.h"
#include "resolve.h"

#include "base/grow.h"
#include "base/str.h"

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_pfs; i++)
		policy_pf_done(&p->pfs[i]);
	free(p->pfs);
	for (size_t i = 0; p->texts && i < p->units.n; i++)
		policy_text_done(&p->texts[i]);
	free(p->texts);
	policy_units_done(&p->units);
	policy_keys_done(&p->keys);
	findings_done(&p->findings);
	free(p);
}

char *policy_line_source(const struct policy_line *l)
{
	return str_printf("%s:%u", l->file, l->pos.line);
}

static int read_units(struct host *h, struct policy *p, const struct policy_opts *opts)
{
	struct host *where = opts->files_host ? opts->files_host : h;

	if (!opts->files)
		return policy_units_load(h, &p->units, &p->findings);
	return policy_units_load_named(where, opts->cwd, opts->files, &p->units, &p->findings);
}

static int read_texts(struct policy *p)
{
	int r = 0;

	p->texts = calloc(p->units.n + 1, sizeof(*p->texts));
	if (!p->texts)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < p->units.n; i++)
		r = policy_text_read(&p->units.v[i], &p->keys, &p->texts[i], &p->findings);
	return r;
}

static void tell_overlap(struct policy *p, const struct function *f, const struct policy_text *t,
	const struct policy_text *first)
{
	struct finding *fd;

	p->findings.about = f->address;
	fd = findings_add(&p->findings, FINDING_ERROR, FINDING_OVERLAP, t->file, t->match_pos,
		"%s is also what %s:%u is about", f->address, first->file, first->match_pos.line);
	p->findings.about = NULL;
	finding_hint(fd, "one file for one PF: narrow one [Match], or make this a drop-in, %s.d/",
		first->file);
}

static bool is_about_pfs(const struct policy_text *t, struct host *h)
{
	return t->match.n && !t->match_broken && match_machine(&t->match, h);
}

/* The file that is about this PF; the others are told. A file without tests is about nothing. */
static const struct policy_text *text_for(struct check *c, const struct function *f, bool *used)
{
	const struct policy_text *found = NULL;

	for (size_t i = 0; i < c->p->units.n; i++) {
		const struct policy_text *t = &c->p->texts[i];

		if (!is_about_pfs(t, c->h) || !match_pf(&t->match, c->h, f))
			continue;
		used[i] = true;
		if (found)
			tell_overlap(c->p, f, t, found);
		else
			found = t;
	}
	return found;
}

static void tell_unused(struct check *c, const bool *used)
{
	for (size_t i = 0; i < c->p->units.n; i++) {
		const struct policy_text *t = &c->p->texts[i];
		struct finding *fd;

		if (used[i] || !is_about_pfs(t, c->h))
			continue;
		fd = findings_add(&c->p->findings, FINDING_WARNING, FINDING_NO_MATCH, t->file,
			t->match_pos, "no PF of this machine is meant");
		finding_hint(fd, "vfctl list kind=pf shows those that there are");
	}
}

static int match_pfs(struct check *c)
{
	autofree bool *used = calloc(c->p->units.n + 1, sizeof(*used));
	struct policy *p = c->p;

	if (!used)
		return -ENOMEM;
	for (size_t i = 0; p->units.n && i < c->inv->n_functions; i++) {
		const struct function *f = &c->inv->functions[i];
		const struct policy_text *t = f->kind == FUNCTION_PF ? text_for(c, f, used) : NULL;

		if (!t)
			continue;
		if (!GROW(p->pfs, p->n_pfs))
			return -ENOMEM;
		p->pfs[p->n_pfs++] = (struct policy_pf) { .f = f, .by = t };
	}
	tell_unused(c, used);
	return 0;
}

static int resolve_pfs(struct check *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->p->n_pfs; i++) {
		c->p->findings.about = c->p->pfs[i].f->address;
		r = policy_pf_resolve(&c->p->pfs[i]);
		if (r == 0)
			r = policy_check_pf(c, &c->p->pfs[i]);
	}
	c->p->findings.about = NULL;
	return r == 0 ? policy_addresses(c) : r;
}

static int sort_findings(struct policy *p)
{
	autostrv char **files = NULL;

	for (size_t i = 0; i < p->units.n; i++)
		for (size_t k = 0; k < p->units.v[i].n_files; k++)
			if (strv_add(&files, p->units.v[i].files[k].path) < 0)
				return -ENOMEM;
	findings_sort(&p->findings, files);
	return p->findings.failed ? -ENOMEM : 0;
}

int policy_load(struct host *h, const struct inventory *inv, const struct policy_opts *opts,
	struct policy **ret)
{
	CLEANUP(policy_freep) struct policy *p = calloc(1, sizeof(*p));
	struct check c = { p, h, inv, opts,
		opts->identity_dir ? opts->identity_dir : IDENTITY_DIR };
	int r = p ? policy_keys_make(&p->keys) : -ENOMEM;

	if (r == 0)
		r = read_units(h, p, opts);
	if (r == 0)
		r = read_texts(p);
	if (r == 0)
		r = match_pfs(&c);
	if (r == 0)
		r = resolve_pfs(&c);
	if (r == 0)
		r = sort_findings(p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

/* ---- For those who act ---- */

static bool is_error_for(const struct finding *f, const struct function *pf)
{
	return f->level == FINDING_ERROR && (!pf || !f->about || str_eq(f->about, pf->address));
}

static const struct finding *first_error(
	const struct policy *p, const struct function *pf, bool but_identity)
{
	for (size_t i = 0; i < p->findings.n; i++)
		if (is_error_for(&p->findings.v[i], pf) &&
			!(but_identity && p->findings.v[i].kind == FINDING_IDENTITY))
			return &p->findings.v[i];
	return NULL;
}

int policy_refuse_for(const struct policy *p, const struct function *pf, struct problem **reterr)
{
	const struct finding *f = first_error(p, pf, true);
	bool drift = !f;
	autofree char *place = NULL;

	if (!f)
		f = first_error(p, pf, false);
	if (!f)
		return 0;
	place = f->pos.line ? str_printf("%s:%u", f->file, f->pos.line) : strdup(f->file);
	problem(reterr, drift ? -ESTALE : -EINVAL, drift ? PROBLEM_DRIFT : PROBLEM_USAGE, NULL,
		"%s: %s", place ? place : f->file, f->what);
	if (p->findings.errors > 1)
		problem_hint(reterr, "that is one of %zu errors: vfctl config check shows all",
			p->findings.errors);
	else if (f->hint)
		problem_hint(reterr, "%s", f->hint);
	return drift ? -ESTALE : -EINVAL;
}

int policy_refuse(const struct policy *p, struct problem **reterr)
{
	return policy_refuse_for(p, NULL, reterr);
}
