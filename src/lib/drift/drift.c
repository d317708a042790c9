// SPDX-License-Identifier: GPL-2.0-or-later
#include "drift.h"

#include "base/str.h"
#include "holder/holder.h"
#include "lease/lease.h"

struct finding_drift {
	struct host *h;
	const struct inventory *inv;
	const struct drift_opts *opts;
	const struct function *pf;
	struct holders holders;
	struct leases leases;
	struct drift drift;
};

static void difference_done(struct difference *d)
{
	free(d->function);
	free(d->wanted);
	free(d->is);
	free(d->source);
	free(d->held);
}

void drift_done(struct drift *d)
{
	for (size_t i = 0; i < d->n; i++)
		difference_done(&d->v[i]);
	free(d->v);
	free(d->decided);
	wishes_done(&d->repair);
	*d = (struct drift) { 0 };
}

char *difference_text(const struct difference *d)
{
	return str_printf("%s: %s is wanted%s%s%s%s%s%s%s", d->function, d->wanted,
		d->is ? ", there is " : "", d->is ? d->is : "", d->source ? " (" : "",
		d->source ? d->source : "", d->source ? ")" : "",
		d->held ? "; left alone, in use: " : "", d->held ? d->held : "");
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

/* ---- Who is not to be disturbed ---- */

static bool is_claimed(const struct finding_drift *d, struct bdf a)
{
	const struct lease *l = leases_find(&d->leases, a);

	return l && lease_is_of(d->h, l);
}

/* What uses it, and is no claim; NULL: nobody. */
static const char *used_by(const struct finding_drift *d, struct bdf a)
{
	size_t n;
	const struct holder *w = holders_of(&d->holders, a, &n);

	for (size_t i = 0; i < n; i++)
		if (w[i].strength >= HOLD_USED && w[i].kind != HOLDER_CLAIM)
			return w[i].text;
	return NULL;
}

static int look_for_users(struct finding_drift *d)
{
	autofree struct bdf *a = calloc(d->pf->n_vfs + 1, sizeof(*a));
	int r = a ? leases_read(d->h, &d->leases) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < d->pf->n_vfs; i++)
		a[i] = d->pf->vfs[i]->bdf;
	return r < 0 ? r : holders_find(d->h, a, d->pf->n_vfs, &d->holders);
}

/* ---- Wishes ---- */

static void vf_wish_done(struct vf_wish *w)
{
	free(w->driver);
	free(w->override);
	strv_free(w->settings);
	free(w->source);
}

/* Drops the wishes about VFs that are claimed; with `used`, about those in use as well. */
static void spare(const struct finding_drift *d, struct wishes *w, bool used)
{
	struct pf_wish *pf = w->n ? &w->v[0] : NULL;
	size_t k = 0;

	for (size_t i = 0; pf && i < pf->n_vfs; i++) {
		const struct function *vf = function_vf(d->pf, pf->vfs[i].index);

		if (vf && (is_claimed(d, vf->bdf) || (used && used_by(d, vf->bdf))))
			vf_wish_done(&pf->vfs[i]);
		else
			pf->vfs[k++] = pf->vfs[i];
	}
	if (pf)
		pf->n_vfs = k;
}

static int wishes_of(const struct finding_drift *d, const struct policy *p, bool used,
	struct wishes *ret, struct problem **reterr)
{
	autowishes w = { 0 };

	if (policy_wishes(p, &w) < 0)
		return no_memory(reterr);
	wishes_keep(&w, d->pf->bdf);
	spare(d, &w, used);
	*ret = w;
	w = (struct wishes) { 0 };
	return 0;
}

static int plan(const struct finding_drift *d, const struct wishes *w, const struct plan_opts *how,
	struct plan *ret, struct problem **reterr)
{
	autonow now = { 0 };
	int r = now_read(d->h, d->inv, w, d->opts->driver_dir, &now, reterr);

	if (r == 0 && plan_make(d->inv, &now, w, how, ret) < 0)
		r = no_memory(reterr);
	return r;
}

/* ---- Differences ---- */

/* Steps that are only on the way to others. */
static bool is_a_means(const struct step *s)
{
	return s->stage == STAGE_LINK || s->stage == STAGE_UNBIND || s->stage == STAGE_RELEASE ||
	       s->stage == STAGE_AUTOPROBE_BACK;
}

static int put(char **to, const char *text)
{
	*to = text ? str_printable(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static const char *source_of(const struct wishes *w, const struct action *a)
{
	const struct pf_wish *pf = w->n ? &w->v[0] : NULL;

	for (size_t i = 0; pf && a->vf >= 0 && i < pf->n_vfs; i++)
		if (pf->vfs[i].index == (unsigned)a->vf && pf->vfs[i].source)
			return pf->vfs[i].source;
	return pf ? pf->source : NULL;
}

static struct difference *append(struct drift *d)
{
	struct difference *more = reallocarray(d->v, d->n + 1, sizeof(*more));

	if (!more)
		return NULL;
	d->v = more;
	more[d->n] = (struct difference) { 0 };
	return &more[d->n++];
}

static int add_step(struct finding_drift *d, const struct wishes *w, const struct step *s)
{
	const struct function *vf =
		s->todo.vf >= 0 ? function_vf(d->pf, (unsigned)s->todo.vf) : NULL;
	autofree char *target = action_target(&s->todo), *text = action_text(&s->todo);
	struct difference *to = append(&d->drift);

	if (!to || !target || !text)
		return -ENOMEM;
	to->function = TAKE_PTR(target);
	to->wanted = TAKE_PTR(text);
	if (put(&to->is, s->was) < 0 || put(&to->source, source_of(w, &s->todo)) < 0 ||
		put(&to->held, vf ? used_by(d, vf->bdf) : NULL) < 0)
		return -ENOMEM;
	return 0;
}

/* What would take a held VF away has no steps, only its refusal. */
static int add_refusal(struct finding_drift *d, const struct wishes *w, const struct problem *no)
{
	const struct pf_wish *pf = w->n ? &w->v[0] : NULL;
	struct difference *to = append(&d->drift);

	if (!to)
		return -ENOMEM;
	to->function = strdup(d->pf->address);
	if (pf && pf->num_vfs >= 0 && (size_t)pf->num_vfs != d->pf->n_vfs) {
		to->wanted = str_printf("%d VFs", pf->num_vfs);
		to->is = str_printf("%zu", d->pf->n_vfs);
	} else {
		to->wanted = strdup("what the configuration says");
	}
	if (!to->function || !to->wanted || put(&to->source, pf ? pf->source : NULL) < 0 ||
		put(&to->held, no->what) < 0)
		return -ENOMEM;
	return 0;
}

/* With `used` spared: then the rest can be seen although something is held. 1: refused. */
static int compare(
	struct finding_drift *d, const struct policy *p, bool used, struct problem **reterr)
{
	static const struct plan_opts all = { .allow_destroy = true, .allow_in_use = true };
	const struct problem *no;
	autowishes w = { 0 };
	autoplan found = { 0 };
	int r = wishes_of(d, p, used, &w, reterr);

	if (r == 0)
		r = plan(d, &w, &all, &found, reterr);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < found.n; i++)
		if (!is_a_means(&found.steps[i]))
			r = add_step(d, &w, &found.steps[i]);
	no = plan_refusal(&found);
	if (r == 0 && no && !used)
		r = add_refusal(d, &w, no);
	return r < 0 ? no_memory(reterr) : no != NULL;
}

/* Without any force: what would destroy or disturb is refused, and then nothing is repaired. */
static int find_repair(struct finding_drift *d, const struct policy *p, struct problem **reterr)
{
	static const struct plan_opts careful = { 0 };
	autoplan found = { 0 };
	int r = wishes_of(d, p, true, &d->drift.repair, reterr);

	if (r == 0)
		r = plan(d, &d->drift.repair, &careful, &found, reterr);
	if (r == 0)
		d->drift.can_repair = found.n && !plan_refusal(&found);
	return r;
}

static enum drift_mode mode_of(const struct policy_pf *pf)
{
	const struct policy_value *v = policy_target_get(&pf->self, "Reconcile");

	return !v			   ? DRIFT_REPORTED
	       : str_eq(v->text, "no")	   ? DRIFT_IGNORED
	       : str_eq(v->text, "repair") ? DRIFT_REPAIRED
					   : DRIFT_REPORTED;
}

static void finding_done(struct finding_drift *d)
{
	holders_done(&d->holders);
	leases_done(&d->leases);
	drift_done(&d->drift);
}

static int find(struct finding_drift *d, const struct policy *p, struct problem **reterr)
{
	int r = look_for_users(d);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot find out who uses the VFs of %s: %s", d->pf->address, strerror(-r));
	r = compare(d, p, false, reterr);
	if (r > 0)
		r = compare(d, p, true, reterr);
	if (r < 0 || !d->drift.n)
		return r;
	if (history_decided(d->opts->places, d->pf->bdf, &d->drift.decided) < 0)
		return no_memory(reterr);
	return d->drift.mode == DRIFT_REPAIRED && !d->drift.decided ? find_repair(d, p, reterr) : 0;
}

int drift_find(struct host *h, const struct inventory *inv, const struct policy *p, struct bdf pf,
	const struct drift_opts *opts, struct drift *ret, struct problem **reterr)
{
	CLEANUP(finding_done)
	struct finding_drift d = { .h = h, .inv = inv, .opts = opts, .drift = { .pf = pf } };
	const struct policy_pf *by = NULL;
	int r = 0;

	for (size_t i = 0; i < p->n_pfs; i++)
		if (bdf_eq(p->pfs[i].f->bdf, pf))
			by = &p->pfs[i];
	if (by) {
		d.pf = by->f;
		d.drift.mode = mode_of(by);
	}
	if (d.drift.mode != DRIFT_IGNORED)
		r = find(&d, p, reterr);
	if (r < 0)
		return r;
	*ret = d.drift;
	d.drift = (struct drift) { 0 };
	return 0;
}
