// SPDX-License-Identifier: GPL-2.0-or-later
#include "wishes.h"

#include "base/str.h"
#include "identity/identity.h"

#include <stdio.h>

struct vfctl_loss {
	struct blast blast;
	char address[BDF_TEXT_MAX];
};

struct vfctl_plan {
	struct wishes wishes;
	bool configured; /* as of the wishes */
	struct plan_opts how;
	unsigned flags;
	struct plan plan;
	struct vfctl_step *steps;
	struct vfctl_loss *losses; /* they borrow from the plan */
	size_t n_losses;
	struct vfctl_error **refusals;
	size_t n_refusals;
};

enum { PLAN_FLAGS = VFCTL_ALLOW_IN_USE | VFCTL_ALLOW_DESTROY };

/* ---- Words ---- */

void step_texts_free(struct vfctl_step *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].target);
		free(v[i].action);
		free(v[i].was);
		free(v[i].undo);
	}
	free(v);
}

static int actions_text(const struct actions *all, char **ret)
{
	autostrbuf b = { 0 };

	if (!all->n)
		return 0;
	for (size_t i = 0; i < all->n; i++) {
		autofree char *text = action_text(&all->v[i]);

		if (!text)
			return -ENOMEM;
		strbuf_add(&b, "%s%s", i ? "; " : "", text);
	}
	*ret = strbuf_take(&b);
	return *ret ? 0 : -ENOMEM;
}

int step_texts(const struct plan *plan, struct vfctl_step **ret)
{
	struct vfctl_step *v = calloc(plan->n + 1, sizeof(*v));
	bool ok = v;

	for (size_t i = 0; ok && i < plan->n; i++) {
		const struct step *s = &plan->steps[i];

		v[i].target = action_target(&s->todo);
		v[i].action = action_text(&s->todo);
		v[i].was = s->was ? strdup(s->was) : NULL;
		ok = v[i].target && v[i].action && (v[i].was || !s->was) &&
		     actions_text(&s->back, &v[i].undo) == 0;
	}
	if (!ok) {
		step_texts_free(v, plan->n);
		return -ENOMEM;
	}
	*ret = v;
	return 0;
}

static int add_losses(struct vfctl_plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->plan.n_groups; i++)
		n += p->plan.groups[i].n_blast;
	p->losses = calloc(n + 1, sizeof(*p->losses));
	for (size_t i = 0; p->losses && i < p->plan.n_groups; i++)
		for (size_t k = 0; k < p->plan.groups[i].n_blast; k++) {
			struct vfctl_loss *l = &p->losses[p->n_losses++];

			l->blast = p->plan.groups[i].blast[k];
			snprintf(l->address, sizeof(l->address), "%s", BDF_TEXT(l->blast.bdf));
		}
	return p->losses ? 0 : -ENOMEM;
}

static int add_refusals(struct vfctl_plan *p)
{
	p->refusals = calloc(p->plan.n_groups + 1, sizeof(struct vfctl_error *));
	for (size_t i = 0; p->refusals && i < p->plan.n_groups; i++) {
		const struct problem *no = p->plan.groups[i].refusal;
		autofree char *text = no ? problem_text(no) : NULL;
		struct problem *copy = NULL;

		if (!no)
			continue;
		problem(&copy, no->code, no->kind, problem_best_hint(no), "%s", text ? text : "?");
		api_error(&p->refusals[p->n_refusals], copy, no->code);
		if (!p->refusals[p->n_refusals++])
			return -ENOMEM;
	}
	return p->refusals ? 0 : -ENOMEM;
}

/* ---- Making ---- */

void vfctl_plan_free(struct vfctl_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_refusals; i++)
		vfctl_error_free(p->refusals[i]);
	free(p->refusals);
	free(p->losses);
	step_texts_free(p->steps, p->plan.n);
	plan_done(&p->plan);
	wishes_done(&p->wishes);
	free(p);
}

int api_plan_new(struct vfctl_host *host, struct wishes *w, unsigned flags, struct vfctl_plan **ret,
	struct problem **reterr)
{
	struct vfctl_plan *p;
	int r;

	if (flags & ~(unsigned)PLAN_FLAGS)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "unknown flags %#x", flags);
	p = calloc(1, sizeof(*p));
	if (!p)
		return api_no_memory(reterr);
	p->flags = flags;
	p->how = (struct plan_opts) { .allow_destroy = flags & VFCTL_ALLOW_DESTROY,
		.allow_in_use = flags & VFCTL_ALLOW_IN_USE };
	r = run_plan(host, w, &p->how, &p->plan, reterr);
	if (r == 0 &&
		(step_texts(&p->plan, &p->steps) < 0 || add_losses(p) < 0 || add_refusals(p) < 0))
		r = api_no_memory(reterr);
	if (r < 0) {
		vfctl_plan_free(p);
		return r;
	}
	p->wishes = *w;
	*w = (struct wishes) { 0 };
	*ret = p;
	return 0;
}

int vfctl_plan_make(struct vfctl_host *host, const struct vfctl_wishes *wishes, unsigned flags,
	struct vfctl_plan **ret, struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	autowishes w = { 0 };
	int r = wishes_copy(&wishes->w, &w);

	if (r == 0)
		r = api_plan_new(host, &w, flags, ret, &p);
	if (r < 0)
		return api_error(reterr, p, r);
	(*ret)->configured = wishes->configured;
	return 0;
}

/* ---- Looking ---- */

size_t vfctl_plan_steps(const struct vfctl_plan *p)
{
	return p->plan.n;
}

const struct vfctl_step *vfctl_plan_step(const struct vfctl_plan *p, size_t i)
{
	return i < p->plan.n ? &p->steps[i] : NULL;
}

const char *vfctl_step_target(const struct vfctl_step *s)
{
	return s->target;
}

const char *vfctl_step_action(const struct vfctl_step *s)
{
	return s->action;
}

const char *vfctl_step_was(const struct vfctl_step *s)
{
	return s->was;
}

const char *vfctl_step_undo(const struct vfctl_step *s)
{
	return s->undo;
}

size_t vfctl_plan_losses(const struct vfctl_plan *p)
{
	return p->n_losses;
}

const struct vfctl_loss *vfctl_plan_loss(const struct vfctl_plan *p, size_t i)
{
	return i < p->n_losses ? &p->losses[i] : NULL;
}

const char *vfctl_loss_function(const struct vfctl_loss *l)
{
	return l->address;
}

int vfctl_loss_destroyed(const struct vfctl_loss *l)
{
	return l->blast.destroyed;
}

const char *vfctl_loss_user(const struct vfctl_loss *l)
{
	return l->blast.who;
}

size_t vfctl_plan_refusals(const struct vfctl_plan *p)
{
	return p->n_refusals;
}

const struct vfctl_error *vfctl_plan_refusal(const struct vfctl_plan *p, size_t i)
{
	return i < p->n_refusals ? p->refusals[i] : NULL;
}

/* ---- Doing ---- */

static bool same_steps(const struct vfctl_plan *a, const struct vfctl_plan *b)
{
	if (a->plan.n != b->plan.n)
		return false;
	for (size_t i = 0; i < a->plan.n; i++)
		if (!str_eq(a->steps[i].target, b->steps[i].target) ||
			!str_eq(a->steps[i].action, b->steps[i].action))
			return false;
	return true;
}

static bool same_losses(const struct vfctl_plan *a, const struct vfctl_plan *b)
{
	if (a->n_losses != b->n_losses)
		return false;
	for (size_t i = 0; i < a->n_losses; i++) {
		const struct blast *x = &a->losses[i].blast, *y = &b->losses[i].blast;

		if (!bdf_eq(x->bdf, y->bdf) || x->destroyed != y->destroyed ||
			x->strength != y->strength || !str_eq(x->who, y->who))
			return false;
	}
	return true;
}

/* Under the lock: what is applied is what was shown. */
static int plan_again(struct run *run, const struct vfctl_plan *old, struct vfctl_plan **ret,
	struct problem **reterr)
{
	CLEANUP(wishes_done) struct wishes w = { 0 };
	struct vfctl_plan *p = NULL;
	const struct problem *no;
	int r = wishes_copy(&old->wishes, &w);

	if (r < 0)
		return api_no_memory(reterr);
	r = api_plan_new(run->host, &w, old->flags, &p, reterr);
	if (r < 0)
		return r;
	no = plan_refusal(&p->plan);
	if (no)
		r = problem(reterr, no->code, no->kind, no->hint, "%s", no->what);
	else if (!same_steps(old, p) || !same_losses(old, p))
		r = problem(reterr, -ESTALE, PROBLEM_DRIFT, "plan again",
			"the machine has changed since the plan was made");
	if (r < 0)
		vfctl_plan_free(p);
	else
		*ret = p;
	return r;
}

/* So that another card at the same place is noticed later. */
static int record_cards(const struct run *run, const struct wishes *w, struct problem **reterr)
{
	const char *dir = run->host->identity_dir;
	unsigned total;
	int r = 0;

	for (size_t i = 0; dir && r >= 0 && i < w->n; i++)
		if (sriov_total_vfs(run->host->host, w->v[i].bdf, &total) == 0)
			r = identity_record(run->host->host, dir, w->v[i].bdf, reterr);
	return r < 0 ? r : 0;
}

static int apply(
	struct run *run, const struct vfctl_plan *plan, unsigned *ret_id, struct problem **reterr)
{
	autofree struct bdf *pfs = calloc(plan->plan.n_groups + 1, sizeof(*pfs));
	struct vfctl_plan *fresh = NULL;
	int r, recorded;

	if (!pfs)
		return api_no_memory(reterr);
	for (size_t i = 0; i < plan->plan.n_groups; i++)
		pfs[i] = plan->plan.groups[i].bdf;
	r = run_begin(run, pfs, plan->plan.n_groups, reterr);
	if (r == 0)
		r = plan_again(run, plan, &fresh, reterr);
	/* The plan has looked for whom it hurts. */
	run->opts.act.allow_in_use = true;
	run->opts.act.driver.force = run->opts.act.sriov.force = true;
	if (r == 0)
		r = plan_apply(run->work, &fresh->plan, &run->opts, ret_id, reterr);
	vfctl_plan_free(fresh);
	if (r < 0 || !plan->configured)
		return r;
	recorded = record_cards(run, &plan->wishes, reterr);
	return recorded < 0 ? recorded : r;
}

int vfctl_plan_apply(struct vfctl_host *host, const struct vfctl_plan *plan, const char *command,
	unsigned *ret_id, struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	autorun run = { 0 };
	unsigned id = 0;
	int r = run_init(&run, host, 0, 0, command, &p);

	if (r == 0)
		r = apply(&run, plan, &id, &p);
	if (r < 0)
		return api_error(reterr, p, r);
	if (ret_id)
		*ret_id = id;
	return r;
}
