// SPDX-License-Identifier: GPL-2.0-or-later
#include "claims.h"
#include "check.h"
#include "probe.h"

#include "base/str.h"
#include "fitness/fitness.h"
#include "lease/lease.h"

#include <time.h>

enum {
	STEP_MS = 100,
	RETURN_LEAST_MS = 2000, /* whatever came before, what was claimed is given back */
};

struct taking {
	const struct turn *t;
	struct inventory *inv;
	struct leases leases;
};

static void taking_done(struct taking *k)
{
	inventory_free(k->inv);
	leases_done(&k->leases);
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

bool claims_are_needed(const struct domain *d)
{
	return check_is_needed(d);
}

/* Time for the rest of the work is kept back: for a look without the daemon, and the answer. */
static unsigned ask_ms(const struct turn *t)
{
	unsigned left = turn_left_ms(t, STEP_MS);

	return left - left / 4;
}

/* ---- What is claimed ---- */

static bool is_ours(const struct turn *t, const struct lease *l)
{
	return l->owner.kind == OWNER_DOMAIN && lease_is_of(t->h, l) &&
	       (str_eq(l->owner.id, t->d->name) ||
		       (t->d->uuid && strcasecmp(l->owner.id, t->d->uuid) == 0));
}

/* Taken back from what it was before, or given out to it, at this moment. */
static bool is_moving(const struct turn *t, const struct leases *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (is_ours(t, &all->v[i]) &&
			(all->v[i].state == LEASE_TAKING || all->v[i].state == LEASE_RETURNING))
			return true;
	return false;
}

static void pause_a_step(void)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };

	nanosleep(&step, NULL);
}

/*
 * A domain that starts again at once finds the return of its last life under way; one whose start
 * was given up finds its claims still being made.
 */
static int load(const struct turn *t, struct leases *ret, struct problem **reterr)
{
	for (;;) {
		autoleases all = { 0 };
		int r = leases_read(t->h, &all);

		if (r < 0)
			return no_memory(reterr);
		if (!is_moving(t, &all) || turn_left_ms(t, 0) < 10 * STEP_MS || t->h->captured) {
			*ret = TAKE_STRUCT(all);
			return 0;
		}
		pause_a_step();
	}
}

/* ---- Giving back ---- */

/* `of_the_dead`: only what a process had that has run it before. */
static int give_back(
	const struct turn *t, const struct leases *all, bool of_the_dead, struct problem **reterr)
{
	autoorder o = { .kind = ORDER_RELEASE, .claim.near = -1 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->n; i++)
		if (is_ours(t, &all->v[i]) && all->v[i].state != LEASE_QUARANTINE &&
			(all->v[i].owner.pid || !of_the_dead))
			r = strv_add(&o.functions, BDF_TEXT(all->v[i].bdf));
	if (r < 0)
		return no_memory(reterr);
	r = o.functions ? t->ask(&o, MAX(ask_ms(t), (unsigned)RETURN_LEAST_MS), reterr) : 0;
	return MIN(r, 0);
}

/* The daemon does the same by itself when it sees the guest's process end: whoever comes first. */
int claims_return(const struct turn *t, struct problem **reterr)
{
	for (;;) {
		autoleases all = { 0 };
		struct problem *p = NULL;
		int r = load(t, &all, &p);

		if (r == 0 && !t->probe)
			r = give_back(t, &all, false, &p);
		if (r == 0 || r == TURN_NOBODY || turn_left_ms(t, 0) < 10 * STEP_MS) {
			if (r < 0 && reterr)
				*reterr = TAKE_PTR(p);
			problem_free(p);
			return r;
		}
		problem_free(p);
		pause_a_step();
	}
}

/* ---- Taking what is named ---- */

/* VFs are there to be given away; of others their owner decides that they are. */
static bool can_be_claimed(const struct function *f)
{
	return f->kind == FUNCTION_VF || driver_is_vfio(f->driver);
}

static int look_at(
	struct taking *k, const struct domain_device *x, struct order *o, struct problem **reterr)
{
	const struct turn *t = k->t;
	const struct lease *l = leases_find(&k->leases, x->bdf);
	const struct function *f;
	int r = check_is_there(k->inv, x->bdf, &f, reterr);

	if (r < 0)
		return r;
	if (l && is_ours(t, l) && l->state == LEASE_HELD)
		return check_function(t->h, k->inv, t->d, x->bdf, t->identity_dir, reterr);
	if (!can_be_claimed(f))
		return check_function(t->h, k->inv, t->d, x->bdf, t->identity_dir, reterr);
	return strv_add(&o->functions, BDF_TEXT(x->bdf)) < 0 ? no_memory(reterr) : 0;
}

static int set_owner(const struct turn *t, struct order *o, struct problem **reterr)
{
	o->claim.owner = str_printf("domain:%s", t->d->name);
	return o->claim.owner ? 0 : no_memory(reterr);
}

static int carry_out(struct taking *k, const struct order *o, struct problem **reterr)
{
	return k->t->probe ? probe_order(k->t, k->inv, o, reterr)
			   : k->t->ask(o, ask_ms(k->t), reterr);
}

static int take_named(struct taking *k, struct problem **reterr)
{
	autoorder o = { .kind = ORDER_ASSIGN, .claim.near = -1 };
	const struct domain *d = k->t->d;
	int r = set_owner(k->t, &o, reterr);

	for (size_t i = 0; r == 0 && i < d->n_devices; i++)
		if (!d->devices[i].managed)
			r = look_at(k, &d->devices[i], &o, reterr);
	if (r < 0 || !o.functions)
		return r;
	r = carry_out(k, &o, reterr);
	return MIN(r, 0);
}

/* ---- Taking what is wished for ---- */

/* Each wish counts those of its pool that wishes before it have not counted. */
static unsigned held_for(struct taking *k, size_t wish)
{
	const struct domain_assign *a = &k->t->d->assigns[wish];
	unsigned have = 0;

	for (size_t i = 0; i < k->leases.n; i++) {
		const struct lease *l = &k->leases.v[i];

		have += is_ours(k->t, l) && l->state == LEASE_HELD && str_eq(l->pool, a->pool);
	}
	for (size_t i = 0; i < wish; i++)
		if (str_eq(k->t->d->assigns[i].pool, a->pool))
			have -= MIN(have, k->t->d->assigns[i].count);
	return MIN(have, a->count);
}

static int order_wish(
	struct taking *k, const struct domain_assign *a, unsigned count, struct problem **reterr)
{
	autoorder o = { .kind = ORDER_ASSIGN, .claim = { .near = -1, .count = count } };
	int r = set_owner(k->t, &o, reterr);

	o.claim.pool = strdup(a->pool);
	STRV_FOREACH (word, a->settings)
		if (r == 0 && strv_add(&o.claim.settings, *word) < 0)
			r = no_memory(reterr);
	if (r == 0 && !o.claim.pool)
		r = no_memory(reterr);
	return r < 0 ? r : carry_out(k, &o, reterr);
}

/* With something to take instead, as many as there are, one by one. */
static int take_wish(struct taking *k, size_t wish, struct problem **reterr)
{
	const struct domain_assign *a = &k->t->d->assigns[wish];
	unsigned need = a->count - held_for(k, wish);
	int r = 0;

	if (!need)
		return 0;
	if (a->fallback == INSTEAD_NONE)
		return MIN(order_wish(k, a, need, reterr), 0);
	for (; need && r >= 0; need--) {
		autoproblem *p = NULL;

		r = order_wish(k, a, 1, &p);
		if (r < 0 && p && p->kind == PROBLEM_IN_USE)
			return 0;
		if (r < 0 && reterr)
			*reterr = TAKE_PTR(p);
	}
	return MIN(r, 0);
}

static int take_all(struct taking *k, struct problem **reterr)
{
	int r = take_named(k, reterr);

	for (size_t i = 0; r == 0 && i < k->t->d->n_assigns; i++)
		r = take_wish(k, i, reterr);
	return r;
}

/* ---- Without the daemon ---- */

/* What is ready may be had; nothing is given out, so that wishes need something instead. */
static int do_without(const struct turn *t, struct problem *nobody, struct problem **reterr)
{
	autofree char *silence = NULL;
	int r = t->needs_daemon ? TURN_NOBODY : 0;

	for (size_t i = 0; r == 0 && i < t->d->n_assigns; i++)
		if (t->d->assigns[i].fallback == INSTEAD_NONE)
			r = TURN_NOBODY;
	if (r < 0 && reterr) {
		*reterr = nobody;
		return r;
	}
	r = r < 0 ? r : check_domain(t->h, t->d, t->identity_dir, reterr);
	if (r < 0 && nobody && nobody->kind != PROBLEM_NOT_FOUND) /* it is there, and was silent */
		silence = problem_text(nobody);
	if (silence)
		problem_because(reterr, r, "vfctld could not prepare it: %s", silence);
	problem_free(nobody);
	return r;
}

/* At a start nothing of it runs: what a process of its own had is left over. */
static int clear_up(struct taking *k, struct problem **reterr)
{
	const struct turn *t = k->t;
	int r;

	if (t->probe)
		return 0;
	r = give_back(t, &k->leases, true, reterr);
	if (r < 0)
		return r;
	leases_done(&k->leases);
	k->leases = (struct leases) { 0 };
	return load(t, &k->leases, reterr);
}

static int check_wishes(const struct domain *d, struct problem **reterr)
{
	for (size_t i = 0; i < d->n_assigns; i++)
		if (d->assigns[i].wrong)
			return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
				"its <vfctl:assign> is wrong: %s", d->assigns[i].wrong);
	return 0;
}

int claims_take(const struct turn *t, struct problem **reterr)
{
	CLEANUP(taking_done) struct taking k = { .t = t };
	struct problem *p = NULL;
	int r = check_wishes(t->d, &p);

	if (r == 0)
		r = load(t, &k.leases, &p);
	if (r == 0 && t->probe)
		r = t->find(ask_ms(t), &p);
	if (r == 0)
		r = clear_up(&k, &p);
	if (r == 0)
		r = inventory_load(t->h, INVENTORY_GROUPS, &k.inv, &p);
	if (r == 0)
		r = take_all(&k, &p);
	if (r == TURN_NOBODY)
		return do_without(t, p, reterr);
	if (r < 0 && reterr)
		*reterr = TAKE_PTR(p);
	problem_free(p);
	return r;
}

/* ---- Coming from elsewhere ---- */

int claims_check_migration(const struct turn *t, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	int r = inventory_load(t->h, 0, &inv, reterr);

	for (size_t i = 0; r == 0 && i < t->d->n_devices; i++) {
		const struct domain_device *x = &t->d->devices[i];

		if (!x->managed && !inventory_find_bdf(inv, x->bdf))
			r = problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
				"take it out before, and give it another here: virsh "
				"detach-device, vfctl export --format libvirt",
				"it has %s, a function of the host that it comes from",
				BDF_TEXT(x->bdf));
	}
	return r;
}
