// SPDX-License-Identifier: GPL-2.0-or-later
#include "recovery.h"

#include "base/str.h"
#include "holder/holder.h"
#include "host/sysfs.h"
#include "plan/apply.h"

enum { REMOVE_MS = 30000, BACK_MS = 10000, STEP_MS = 50, LOCK_MS = 60000 };

struct climb {
	struct host *h;
	struct bdf bdf;
	const struct recovery_opts *opts;
	/* As it is now; looked at anew before each rung. */
	struct inventory *inv;
	struct topology *top;
	struct healths *healths;
	const struct function *f;
	const struct health *health;
	struct ladder ladder;
	bool quarantined;
};

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static void forget(struct climb *c)
{
	ladder_done(&c->ladder);
	healths_free(TAKE_PTR(c->healths));
	topology_free(TAKE_PTR(c->top));
	inventory_free(TAKE_PTR(c->inv));
	c->f = NULL;
	c->health = NULL;
}

static int look(struct climb *c, struct problem **reterr)
{
	int r;

	forget(c);
	r = inventory_load(c->h, INVENTORY_GROUPS | INVENTORY_OVERRIDES, &c->inv, reterr);
	if (r == 0 && inventory_find_claims(c->h, c->inv) < 0)
		r = no_memory(reterr);
	if (r < 0)
		return r;
	c->f = inventory_find_bdf(c->inv, c->bdf);
	if (!c->f)
		return problem(reterr, -ENOENT, PROBLEM_VANISHED,
			"reseat the card, or scan its bus: write 1 to the bridge's rescan",
			"%s is not there any more", BDF_TEXT(c->bdf));
	r = topology_load(c->h, c->inv, &c->top, reterr);
	if (r == 0)
		r = ladder_make(c->h, c->top, c->f, &c->ladder, reterr);
	if (r == 0)
		r = healths_look(c->h, c->inv, &c->f, 1, &c->healths, reterr);
	if (r < 0)
		return r;
	c->health = healths_of(c->healths, c->f);
	c->quarantined = ladder_find(&c->ladder, "return") != NULL;
	return 0;
}

/* ---- Consent ---- */

/* Users of the function, and of those that are hit with it. Its own quarantine is no user. */
static int refuse_users(struct climb *c, const struct rung *r, struct problem **reterr)
{
	autofree struct bdf *a = calloc(r->n_others + 1, sizeof(*a));
	enum holder_strength least = c->opts->force ? HOLD_BLOCKS : HOLD_USED;
	autoholders found = { 0 };
	int e = a ? 0 : -ENOMEM;

	if (e == 0) {
		a[0] = c->bdf;
		for (size_t i = 0; i < r->n_others; i++)
			a[i + 1] = r->others[i]->bdf;
		e = holders_find(c->h, a, r->n_others + 1, &found);
	}
	if (e < 0)
		return problem(reterr, e, problem_kind_from_errno(e), NULL,
			"%s: cannot find out who uses it: %s", BDF_TEXT(c->bdf), strerror(-e));
	for (size_t i = 0; i < found.n; i++) {
		const struct holder *w = &found.v[i];
		bool own = c->quarantined && w->kind == HOLDER_CLAIM && bdf_eq(w->bdf, c->bdf);

		if (w->strength >= least && !own)
			return problem(reterr, -EBUSY, PROBLEM_IN_USE,
				w->strength == HOLD_BLOCKS
					? "end that first"
					: "end that first, or use --allow-in-use",
				"cannot %s: %s is in use: %s", r->text, BDF_TEXT(w->bdf), w->text);
	}
	return 0;
}

/* ---- The rungs ---- */

static struct apply_opts apply_opts(const struct climb *c)
{
	struct apply_opts o = c->opts->claim.apply;
	bool force = c->opts->force || c->quarantined;

	o.lock_ms = c->opts->claim.lock_ms ? c->opts->claim.lock_ms : LOCK_MS;
	o.keep_going = false;
	o.act.allow_in_use = o.act.driver.force = o.act.sriov.force = force;
	return o;
}

static int do_reset(struct climb *c, const struct rung *rung, struct problem **reterr)
{
	const struct apply_opts *a = &c->opts->claim.apply;
	const struct reset_opts opts = { .force = c->opts->force || c->quarantined,
		.waiting = a->waiting,
		.note = a->note,
		.arg = a->arg };
	autoresetplan plan = { 0 };
	int r = reset_plan(
		c->h, c->top, c->f, str_eq(rung->name, "reset") ? NULL : rung->name, &plan, reterr);

	return r < 0 ? r : reset_do(c->h, &plan, &opts, reterr);
}

static int apply(
	struct climb *c, struct work *work, const struct wishes *w, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct apply_opts opts = apply_opts(c);
	const struct plan_opts how = { .allow_in_use = opts.act.allow_in_use };
	const struct problem *no;
	autoplan plan = { 0 };
	autonow now = { 0 };
	int r = inventory_load(c->h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);

	if (r == 0)
		r = now_read(c->h, inv, w, opts.act.driver.state_dir, &now, reterr);
	if (r == 0 && plan_make(inv, &now, w, &how, &plan) < 0)
		r = no_memory(reterr);
	no = r == 0 ? plan_refusal(&plan) : NULL;
	if (no)
		r = problem(reterr, no->code, no->kind, no->hint, "%s", no->what);
	return r < 0 ? r : plan_apply(work, &plan, &opts, NULL, reterr);
}

static int wish_driver(
	struct wishes *w, const struct function *f, const char *driver, const char *override)
{
	struct pf_wish *pf = wishes_pf(w, f->physfn ? f->physfn->bdf : f->bdf);
	struct vf_wish *vf = pf && f->physfn ? pf_wish_vf(pf, (unsigned)f->vf_index) : NULL;
	int r;

	if (!pf || (f->physfn && !vf))
		return -ENOMEM;
	r = wish_put(vf ? &vf->driver : &pf->driver, driver);
	if (r == 0 && override)
		r = wish_put(vf ? &vf->override : &pf->override, override);
	return r;
}

static int do_driver(struct climb *c, struct work *work, struct problem **reterr)
{
	const char *override = c->f->driver_override ? c->f->driver_override : WISH_NO_OVERRIDE;
	autowishes none = { 0 }, again = { 0 };
	int r;

	if (c->f->override_unknown)
		return problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT, "vfctl why tells who holds it",
			"%s: the kernel is busy with it", c->f->address);
	if (wish_driver(&none, c->f, WISH_NO_DRIVER, NULL) < 0 ||
		wish_driver(&again, c->f, c->f->driver, override) < 0)
		return no_memory(reterr);
	r = apply(c, work, &none, reterr);
	return r < 0 ? r : apply(c, work, &again, reterr);
}

/* Until it is there again, with a driver if it had one. */
static int wait_until_back(struct climb *c, const char *driver, struct problem **reterr)
{
	uint64_t until = host_now_ms(c->h) + BACK_MS;

	for (;;) {
		bool there = sysfs_exists(c->h, "bus/pci/devices/%s", BDF_TEXT(c->bdf));
		autofree char *now = NULL;

		if (there && (!driver || (driver_read(c->h, c->bdf, &now) == 0 && now)))
			return 0;
		if (host_now_ms(c->h) >= until)
			return there ? 0
				     : problem(reterr, -ENODEV, PROBLEM_VANISHED,
					       "reseat the card, or switch its slot off and on",
					       "%s was removed, and a scan of its bus does not find "
					       "it any more",
					       BDF_TEXT(c->bdf));
		host_sleep_ms(c->h, STEP_MS);
	}
}

static int do_remove(struct climb *c, struct problem **reterr)
{
	struct host_wait wait = { .deadline_ms = REMOVE_MS };
	const struct topo_node *above = topology_node(c->top, c->f)->parent;
	autofree char *driver = c->f->driver ? strdup(c->f->driver) : NULL;
	autofree char *bridge = above ? strdup(above->f->address) : NULL;
	autofree char *override = c->f->driver_override ? strdup(c->f->driver_override) : NULL;
	const struct apply_opts opts = apply_opts(c);
	int r;

	if ((c->f->driver && !driver) || (above && !bridge) || (c->f->driver_override && !override))
		return no_memory(reterr);
	r = sysfs_write_within(c->h, &wait, "1", "bus/pci/devices/%s/remove", BDF_TEXT(c->bdf));
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r),
			"vfctl why tells who holds it", "%s cannot be removed: %s",
			BDF_TEXT(c->bdf), strerror(-r));
	r = bridge ? sysfs_write_within(c->h, &wait, "1", "bus/pci/devices/%s/rescan", bridge)
		   : sysfs_write_within(c->h, &wait, "1", "bus/pci/rescan");
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r),
			"write 1 to its bridge's rescan",
			"%s was removed, its bus cannot be scanned: %s", BDF_TEXT(c->bdf),
			strerror(-r));
	r = wait_until_back(c, override ? NULL : driver, reterr);
	/* The kernel binds what it likes best; a driver that somebody had chosen is chosen again.
	 */
	return r < 0 || !driver || !override
		       ? r
		       : driver_put(c->h, c->bdf, driver, override, &opts.act.driver, reterr);
}

static int return_it(struct climb *c, struct problem **reterr)
{
	int r = claim_return(c->h, c->bdf, true, &c->opts->claim, reterr);

	return MIN(r, 1);
}

static int do_rung(struct climb *c, const struct rung *rung, struct problem **reterr)
{
	const struct bdf pf = c->f->physfn ? c->f->physfn->bdf : c->bdf;
	const struct apply_opts opts = apply_opts(c);
	autowork *work = NULL;
	int r;

	if (rung->kind == RUNG_RETURN)
		return return_it(c, reterr);
	r = work_begin(c->h, &pf, 1, &opts, &work, reterr);
	if (r < 0)
		return r;
	return rung->kind == RUNG_DRIVER   ? do_driver(c, work, reterr)
	       : rung->kind == RUNG_REMOVE ? do_remove(c, reterr)
					   : do_reset(c, rung, reterr);
}

/* ---- Climbing ---- */

static int still_unwell(struct climb *c, struct problem **reterr)
{
	return c->health->state == HEALTH_UNHEALTHY
		       ? health_refuse(c->health, BDF_TEXT(c->bdf), reterr)
		       : 0;
}

/* Done, answering, forgiven, and out of quarantine: all of that, or it did not help. */
static int try(struct climb *c, const struct rung *rung, struct problem **reterr)
{
	enum rung_kind kind = rung->kind;
	struct health_mark mark;
	int r = refuse_users(c, rung, reterr);

	if (r == 0)
		r = health_mark(c->h, c->bdf, &mark, reterr);
	if (r == 0)
		r = do_rung(c, rung, reterr);
	if (r < 0)
		return r;
	r = health_forgive(&mark, c->opts->claim.run_dir, reterr);
	if (r == 0)
		r = look(c, reterr);
	if (r == 0 && c->quarantined && kind != RUNG_RETURN) {
		r = return_it(c, reterr);
		if (r > 0)
			r = look(c, reterr);
	}
	return r < 0 ? r : still_unwell(c, reterr);
}

/* The names of the first ladder: what changes on the way must not make it endless. */
static int names_of(const struct ladder *l, char ***ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++)
		r = strv_add(ret, l->v[i].name);
	return r;
}

static int nothing_helped(struct climb *c, char *const *next, int code, struct problem **reterr)
{
	const struct rung *r = NULL;
	autofree char *others = NULL;

	for (; next && *next && !r; next++) {
		r = ladder_find(&c->ladder, *next);
		r = r && r->why_not ? NULL : r;
	}
	if (!r)
		return code;
	others = rung_others(r);
	problem_hint(reterr, "vfctl recover --up-to %s %s would %s%s%s", r->name, BDF_TEXT(c->bdf),
		r->text, others ? ", which hits " : "", others ? others : "");
	return code;
}

static int climb(struct climb *c, char *const *names, char **ret_rung, struct problem **reterr)
{
	int r = problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
		"%s: there is nothing that could be tried", BDF_TEXT(c->bdf));

	for (; names && *names; names++) {
		const struct rung *rung = c->f ? ladder_find(&c->ladder, *names) : NULL;
		autofree char *name = strdup(*names);
		autoproblem *p = NULL;
		struct rung tried = { .name = *names, .text = *names };

		if (!rung || rung->why_not)
			continue;
		tried.kind = rung->kind;
		r = name ? try(c, rung, &p) : -ENOMEM;
		if (c->opts->tried)
			c->opts->tried(c->opts->arg, &tried, r < 0 ? r : 1, p);
		if (r >= 0) {
			*ret_rung = TAKE_PTR(name);
			return 1;
		}
		if (reterr) {
			problem_free(*reterr);
			*reterr = TAKE_PTR(p);
		}
		if (r == -ENOMEM || r == -ECANCELED || look(c, NULL) < 0)
			return r;
		if (!c->opts->all && (!c->opts->up_to || str_eq(*names, c->opts->up_to)))
			return nothing_helped(c, names + 1, r, reterr);
	}
	return r;
}

static int check_up_to(const struct climb *c, char *const *names, struct problem **reterr)
{
	autostrbuf b = { 0 };

	if (!c->opts->up_to || strv_has(names, c->opts->up_to))
		return 0;
	for (char *const *n = names; n && *n; n++)
		strbuf_add(&b, "%s%s", b.len ? ", " : "", *n);
	problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s: there is no rung %s", BDF_TEXT(c->bdf),
		c->opts->up_to);
	problem_hint(reterr, "its rungs: %.*s", (int)b.len, b.len ? b.s : "");
	return -EINVAL;
}

int recovery_climb(struct host *h, struct bdf a, const struct recovery_opts *opts, char **ret_rung,
	struct problem **reterr)
{
	CLEANUP(forget) struct climb c = { .h = h, .bdf = a, .opts = opts };
	autostrv char **names = NULL;
	struct problem *p = NULL;
	int r = look(&c, reterr);

	*ret_rung = NULL;
	if (r == 0 && names_of(&c.ladder, &names) < 0)
		r = no_memory(reterr);
	if (r == 0)
		r = check_up_to(&c, names, reterr);
	if (r < 0 || c.health->state < HEALTH_DEGRADED)
		return r;
	r = climb(&c, names, ret_rung, &p);
	if (r < 0 && reterr)
		*reterr = p;
	else
		problem_free(p);
	return r;
}
