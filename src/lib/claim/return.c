// SPDX-License-Identifier: GPL-2.0-or-later
#include "choose.h"
#include "deed.h"

#include "base/str.h"
#include "driver/driver.h"
#include "reset/reset.h"

struct returning {
	struct host *h;
	const struct claim_opts *opts;
	struct ledger ledger;
	struct leases all, one; /* as recorded; the one that is returned */
	char *verb;
	struct work *work;
};

static void returning_done(struct returning *t)
{
	work_end(t->work);
	ledger_done(&t->ledger);
	leases_done(&t->all);
	leases_done(&t->one);
	free(t->verb);
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static void note(struct returning *t, const char *text, const char *hint)
{
	if (t->opts->apply.note && text)
		t->opts->apply.note(t->opts->apply.arg, text, hint);
}

/* ---- May it be returned? Under the ledger's lock ---- */

static int refuse_unreadable(struct returning *t, struct bdf a, struct problem **reterr)
{
	STRV_FOREACH (u, t->all.unreadable) {
		if (str_starts(*u, BDF_TEXT(a)))
			return problem(reterr, -EBADMSG, PROBLEM_FAILED,
				"nobody knows what it was like before: look at the record, bring that "
				"back by hand, and remove the record",
				"the claim in %s/%s cannot be read", t->ledger.dir, *u);
	}
	return 0;
}

static int find(struct returning *t, struct bdf a, struct problem **reterr)
{
	const struct lease *l;
	struct lease copy = { 0 };
	int r = ledger_load(&t->ledger, &t->all, reterr);

	if (r < 0)
		return r;
	l = leases_find(&t->all, a);
	r = l ? 0 : refuse_unreadable(t, a, reterr);
	if (r < 0)
		return r;
	if (!l)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "vfctl leases shows all claims",
			"%s is on no claim", BDF_TEXT(a));
	if (lease_copy(l, &copy) < 0 || leases_add(&t->one, &copy) < 0)
		return no_memory(reterr);
	return 0;
}

/* Another function stands there now, or none: whoever it is, the claim does not concern it. */
static int drop(struct returning *t, const struct lease *l, struct problem **reterr)
{
	autofree char *owner = owner_text(&l->owner), *text = NULL;
	bool there = lease_incarnation(t->h, l->bdf, &(uint64_t) { 0 }) == 0;
	int r = ledger_remove(&t->ledger, l->bdf, reterr);

	if (r < 0)
		return r;
	text = str_printf("the function %s that %s had is gone%s", BDF_TEXT(l->bdf),
		owner ? owner : "?",
		there ? "; another stands there now, and nothing was done to it" : "");
	note(t, text, "the claim is dropped");
	return CLAIM_DROPPED;
}

static int may_return(
	struct returning *t, const struct lease *l, bool from_quarantine, struct problem **reterr)
{
	if (lease_is_busy(t->h, l))
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, "try again when that has ended",
			"%s: process %d is %s it", BDF_TEXT(l->bdf), l->worker,
			l->state == LEASE_TAKING ? "assigning" : "returning");
	if (l->state == LEASE_QUARANTINE && !from_quarantine)
		return problem(reterr, -EBUSY, PROBLEM_NOT_ASSIGNABLE,
			"--clear-quarantine tries again to clean it", "%s is in quarantine: %s",
			BDF_TEXT(l->bdf), l->reason ? l->reason : "?");
	return refuse_users(t->h, l->bdf, "release", reterr);
}

/* ---- Doing it, under the PF's lock ---- */

/*
 * Whoever had it through VFIO has left things in it. A host driver that is bound by now has set it
 * up anew, and would not notice.
 */
static int clean(struct returning *t, const struct lease *l, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(topology_freep) struct topology *top = NULL;
	const struct reset_opts opts = { .force = true,
		.waiting = t->opts->apply.waiting,
		.note = t->opts->apply.note,
		.arg = t->opts->apply.arg };
	autoresetplan plan = { 0 };
	const struct function *f;
	int r = inventory_load(t->h, 0, &inv, reterr);

	if (r == 0)
		r = topology_load(t->h, inv, &top, reterr);
	if (r < 0)
		return r;
	f = inventory_find_bdf(inv, l->bdf);
	if (!f)
		return problem(
			reterr, -ENOENT, PROBLEM_VANISHED, NULL, "%s has gone", BDF_TEXT(l->bdf));
	if (f->driver && !driver_is_vfio(f->driver))
		return 0;
	r = reset_plan(t->h, top, f, NULL, &plan, reterr);
	if (r == 0 && plan.n_set > 1)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"vfctl reset does it when nobody needs the others",
			"%s can only be reset together with others (%s and %zu more)", f->address,
			plan.set[1]->address, plan.n_set - 2);
	return r < 0 ? r : reset_do(t->h, &plan, &opts, reterr);
}

static int bring_back(struct returning *t, const struct lease *l, struct problem **reterr)
{
	const struct claim_opts opts = deed_uninterrupted(t->opts);
	autowishes w = { 0 };
	int r = clean(t, l, reterr);

	if (r >= 0)
		r = node_give_back(t->h, &t->all, l, reterr);
	if (r >= 0 && deed_wish_before(&w, l) < 0)
		r = no_memory(reterr);
	return r < 0 ? r : deed_apply(t->h, t->work, &w, t->verb, &opts, reterr);
}

static int quarantine(struct returning *t, struct lease *l, int code, struct problem **reterr)
{
	autofree char *why = reterr && *reterr ? problem_text(*reterr) : NULL;
	autofree char *safe = str_printable(why ? why : strerror(-code));
	int r = wish_put(&l->reason, safe ? safe : strerror(-code));

	lease_set_state(t->h, l, LEASE_QUARANTINE);
	if (r == 0)
		r = ledger_put(&t->ledger, l, NULL);
	if (r == 0)
		problem_hint(reterr, "vfctl release --clear-quarantine %s tries again",
			BDF_TEXT(l->bdf));
	return problem_wrap(reterr, code, "%s is in quarantine now", BDF_TEXT(l->bdf));
}

/* Held in the short time since we looked: then it is as if nobody had asked. */
static int back_to_owner(struct returning *t, struct lease *l, enum lease_state was, int code)
{
	lease_set_state(t->h, l, was == LEASE_QUARANTINE ? was : LEASE_HELD);
	(void)ledger_put(&t->ledger, l, NULL);
	return code;
}

static int give_back(
	struct returning *t, struct lease *l, enum lease_state was, struct problem **reterr)
{
	int r = deed_begin(t->h, &t->one, t->verb, t->opts, &t->work, reterr);

	if (r == 0)
		r = refuse_users(t->h, l->bdf, "release", reterr);
	if (r < 0)
		return back_to_owner(t, l, was, r);
	r = bring_back(t, l, reterr);
	if (r < 0)
		return quarantine(t, l, r, reterr);
	r = ledger_remove(&t->ledger, l->bdf, reterr);
	return r < 0 ? r : CLAIM_RETURNED;
}

static int begin(struct host *h, struct bdf a, const struct claim_opts *opts, struct returning *t,
	struct problem **reterr)
{
	*t = (struct returning) { .h = h, .opts = opts, .ledger = { .lock = { -1 } } };
	t->verb = str_printf("release %s", BDF_TEXT(a));
	if (!t->verb)
		return no_memory(reterr);
	return ledger_open(h, opts->run_dir, deed_lock_ms(opts), &t->ledger, reterr);
}

int claim_return(struct host *h, struct bdf a, bool from_quarantine, const struct claim_opts *opts,
	struct problem **reterr)
{
	CLEANUP(returning_done) struct returning t = { .ledger = { .lock = { -1 } } };
	enum lease_state was;
	struct lease *l;
	int r = begin(h, a, opts, &t, reterr);

	if (r == 0)
		r = find(&t, a, reterr);
	if (r < 0)
		return r;
	l = &t.one.v[0];
	was = l->state;
	if (!lease_is_of(h, l))
		return drop(&t, l, reterr);
	r = may_return(&t, l, from_quarantine, reterr);
	if (r == 0) {
		lease_set_state(h, l, LEASE_RETURNING);
		r = ledger_put(&t.ledger, l, reterr);
	}
	ledger_unlock(&t.ledger);
	return r < 0 ? r : give_back(&t, l, was, reterr);
}

int claims_list(
	struct host *h, const struct claim_opts *opts, struct leases *ret, struct problem **reterr)
{
	autoledger l = { .lock = { -1 } };
	int r = ledger_open(h, opts->run_dir, deed_lock_ms(opts), &l, reterr);

	return r < 0 ? r : ledger_load(&l, ret, reterr);
}
