// SPDX-License-Identifier: GPL-2.0-or-later
#include "deed.h"

#include "base/str.h"
#include "inventory/inventory.h"

unsigned deed_lock_ms(const struct claim_opts *opts)
{
	return opts->lock_ms ? opts->lock_ms : LOCK_MS;
}

/*
 * Who uses the functions has been looked at; what the rooms below would still refuse is the claim
 * itself, and a host driver that is bound.
 */
static struct apply_opts options(const struct claim_opts *opts, const char *verb)
{
	struct apply_opts o = opts->apply;

	o.verb = verb;
	o.lock_ms = deed_lock_ms(opts);
	o.keep_going = false;
	o.act.allow_in_use = o.act.driver.force = o.act.sriov.force = true;
	return o;
}

struct claim_opts deed_uninterrupted(const struct claim_opts *opts)
{
	struct claim_opts o = *opts;

	o.apply.cancelled = NULL;
	o.apply.act.driver.cancelled = NULL;
	o.apply.act.sriov.cancelled = NULL;
	return o;
}

int deed_begin(struct host *h, const struct leases *s, const char *verb,
	const struct claim_opts *opts, struct work **ret, struct problem **reterr)
{
	autofree struct bdf *pfs = calloc(s->n + 1, sizeof(*pfs));
	struct apply_opts o = options(opts, verb);

	if (!pfs)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < s->n; i++)
		pfs[i] = s->v[i].pf;
	return work_begin(h, pfs, s->n, &o, ret, reterr);
}

int deed_apply(struct host *h, struct work *w, const struct wishes *wishes, const char *verb,
	const struct claim_opts *opts, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const struct plan_opts how = { .allow_in_use = true };
	struct apply_opts o = options(opts, verb);
	const struct problem *no;
	autoplan plan = { 0 };
	autonow now = { 0 };
	int r = inventory_load(h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);

	if (r == 0)
		r = now_read(h, inv, wishes, o.act.driver.state_dir, &now, reterr);
	if (r == 0 && plan_make(inv, &now, wishes, &how, &plan) < 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	no = r == 0 ? plan_refusal(&plan) : NULL;
	if (no)
		r = problem(reterr, no->code, no->kind, no->hint, "%s", no->what);
	return r < 0 ? r : plan_apply(w, &plan, &o, NULL, reterr);
}

int deed_wish(struct wishes *w, const struct lease *l, const char *driver, const char *override,
	char *const *settings)
{
	struct pf_wish *pf = wishes_pf(w, l->pf);
	struct vf_wish *vf = pf && l->vf >= 0 ? pf_wish_vf(pf, (unsigned)l->vf) : NULL;
	int r;

	if (!pf || (l->vf >= 0 && !vf))
		return -ENOMEM;
	r = wish_put(vf ? &vf->driver : &pf->driver, driver);
	if (r == 0 && override)
		r = wish_put(vf ? &vf->override : &pf->override, override);
	for (char *const *s = settings; r == 0 && s && *s; s++)
		r = wish_setting(vf ? &vf->settings : &pf->settings, *s);
	return r;
}

int deed_wish_before(struct wishes *w, const struct lease *l)
{
	return deed_wish(w, l, l->driver, *l->driver ? l->override : NULL, l->settings);
}
