// SPDX-License-Identifier: GPL-2.0-or-later
/* bind, unbind and restore: each function has an answer of its own, in the order of selection. */
#include "act.h"
#include "base/str.h"

struct answer {
	const struct function *f;
	int code;
	bool ended; /* its step was run, or skipped, and told */
	struct problem *problem;
};

struct answers {
	struct act *act;
	const struct act_driver *what;
	struct answer *v;
	size_t n;
};

static struct bdf place_of(const struct function *f, int *ret_vf)
{
	*ret_vf = f->physfn ? f->vf_index : OF_ITSELF;
	return f->physfn ? f->physfn->bdf : f->bdf;
}

static void step_ended(
	void *arg, const struct step *s, const char *word UNUSED, int code, struct problem *p)
{
	struct answers *all = arg;

	for (size_t i = 0; i < all->n; i++) {
		struct answer *a = &all->v[i];
		int vf;

		if (!bdf_eq(place_of(a->f, &vf), s->todo.bdf) || vf != s->todo.vf)
			continue;
		problem_free(a->problem);
		a->code = code;
		a->ended = true;
		a->problem = TAKE_PTR(p);
	}
	problem_free(p);
}

/* The name that is bound when none was given: of what is there, or what would be chosen. */
static char *chosen(struct act *act, const struct answer *a)
{
	char *name = NULL;

	if (a->code < 0 || act->cli->dry_run)
		driver_best_vfio(act->host, a->f->bdf, &name, NULL);
	else
		driver_read(act->host, a->f->bdf, &name);
	return name;
}

static void add_answer(struct answers *all, struct answer *a)
{
	const struct act_driver *what = all->what;
	autofree char *best = NULL;

	if (what->action) {
		act_add(all->act, a->f->address, a->code, TAKE_PTR(a->problem), "%s", what->action);
		return;
	}
	if (str_eq(what->driver, WISH_BEST_VFIO))
		best = chosen(all->act, a);
	act_add(all->act, a->f->address, a->code, TAKE_PTR(a->problem), "bind to %s",
		!str_eq(what->driver, WISH_BEST_VFIO) ? what->driver
		: best				      ? best
						      : "vfio-pci");
}

static int check(struct answers *all, struct answer *a)
{
	struct driver_opts opts = act_driver_opts(all->act);
	const char *driver = all->what->driver;

	if (all->what->check)
		return all->what->check(all->act->host, a->f->bdf, &opts, &a->problem);
	return driver_bind_check(all->act->host, a->f->bdf,
		str_eq(driver, WISH_BEST_VFIO) ? NULL : driver, &opts, &a->problem);
}

static int add_wish(struct wishes *w, const struct function *f, const char *driver)
{
	int vf;
	struct pf_wish *pf = wishes_pf(w, place_of(f, &vf));
	struct vf_wish *one = pf && vf != OF_ITSELF ? pf_wish_vf(pf, (unsigned)vf) : NULL;

	if (!pf || (vf != OF_ITSELF && !one))
		return -ENOMEM;
	return wish_put(one ? &one->driver : &pf->driver, driver);
}

/* What failed outside of any function's own step is the answer for all that had not ended. */
static void answer_rest(struct answers *all, int code, struct problem *p)
{
	for (size_t i = 0; i < all->n; i++) {
		struct answer *a = &all->v[i];
		autofree char *text = p ? problem_text(p) : NULL;

		if (a->code <= 0 || a->ended)
			continue;
		a->code = problem(&a->problem, code, p ? p->kind : problem_kind_from_errno(code),
			p ? problem_best_hint(p) : NULL, "%s", text ? text : strerror(-code));
	}
}

static int do_all(struct answers *all)
{
	struct apply_opts opts = act_apply_opts(all->act);
	autoproblem *p = NULL;
	autowishes w = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->n; i++) {
		all->v[i].code = check(all, &all->v[i]);
		if (all->v[i].code > 0)
			r = add_wish(&w, all->v[i].f, all->what->driver);
	}
	if (r < 0 || !w.n || all->act->cli->dry_run)
		return r;
	opts.keep_going = true;
	opts.result = step_ended;
	opts.result_arg = all;
	r = act_apply(all->act, &w, NULL, &opts, &p);
	if (r < 0)
		answer_rest(all, r, p);
	return 0;
}

int act_on_drivers(struct act *act, const struct selection *s, const struct act_driver *what,
	struct problem **reterr)
{
	autofree struct answer *v = calloc(s->n + 1, sizeof(*v));
	struct answers all = { act, what, v, s->n };
	int r = act_lock(act, s, reterr);

	if (r < 0)
		return r;
	for (size_t i = 0; v && i < s->n; i++)
		v[i].f = s->v[i];
	r = v ? do_all(&all) : -ENOMEM;
	for (size_t i = 0; v && i < s->n; i++)
		add_answer(&all, &v[i]);
	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory") : 0;
}

int act_on_each(struct cli *cli, const struct args *a, const struct act_driver *what,
	struct problem **reterr)
{
	autoselection found = { 0 };
	autoact act = { 0 };
	int r;

	r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = act_on_drivers(&act, &found, what, reterr);
	return r < 0 ? r : act_finish(&act, reterr);
}
