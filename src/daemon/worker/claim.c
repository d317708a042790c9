// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assign and Release. Who asks is known for certain, by the daemon's word; what is his is judged
 * here, where owners and records can be looked at.
 */
#include "worker.h"

#include "base/str.h"
#include "claim/claim.h"
#include "holder/holder.h"
#include "out/lease.h"
#include "policy/policy.h"

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static struct claim_opts claim_opts(struct worker *w, const struct order *o)
{
	return (struct claim_opts) { .run_dir = w->places->run_dir,
		.apply = worker_apply_opts(w, o),
		.lock_ms = o->timeout_ms };
}

/* ---- Assign: may he? ---- */

static int not_his(const struct order_asker *a, const char *what, struct problem **reterr)
{
	return problem(reterr, -EPERM, PROBLEM_PERMISSION,
		"who may change functions (org.vfctl1.change) may do that, too",
		"user %u may claim VFs for a process of his own or manual:TEXT: %s", a->uid, what);
}

static int check_process(struct worker *w, const struct order_asker *a, const struct owner *o,
	struct problem **reterr)
{
	autofree char *what = str_printf("process %d is not his", o->pid);

	if (a->admin || process_is_of(w->h, o->pid, a->uid))
		return 0;
	return what ? not_his(a, what, reterr) : no_memory(reterr);
}

/* Its number may have become another's since it was asked for, or while its user was looked at. */
static int check_same(struct worker *w, const struct order_asker *a, const struct owner *o,
	struct problem **reterr)
{
	if ((!a->start || a->start == o->start) && process_lives(w->h, o->pid, o->start))
		return 0;
	return problem(
		reterr, -ESRCH, PROBLEM_NOT_FOUND, NULL, "process %d has ended meanwhile", o->pid);
}

static int check_owner(
	struct worker *w, const struct order *o, const struct owner *owner, struct problem **reterr)
{
	const struct order_asker *a = &o->claim.asker;
	int r;

	if (owner->kind == OWNER_PROCESS) {
		r = check_process(w, a, owner, reterr);
		return r < 0 ? r : check_same(w, a, owner, reterr);
	}
	if (a->admin || owner->kind == OWNER_MANUAL)
		return 0;
	return not_his(a,
		owner->kind == OWNER_DOMAIN ? "domains are the administrator's"
					    : "containers are the administrator's",
		reterr);
}

/* Settings are made by the PF, whose owner has decided on them. */
static int check_wishes(const struct order *o, struct problem **reterr)
{
	const struct order_claim *c = &o->claim;

	if (c->asker.admin)
		return 0;
	if (c->settings)
		return not_his(&c->asker, "settings are the administrator's", reterr);
	if (c->give && ((c->give_uid != UINT32_MAX && c->give_uid != c->asker.uid) ||
			       c->give_gid != UINT32_MAX))
		return not_his(&c->asker, "the device node can be given to himself alone", reterr);
	return 0;
}

/* ---- Assign: what? ---- */

struct wanted {
	struct claim_request q;
	struct owner owner;
	struct bdf *among;
};

static void wanted_done(struct wanted *want)
{
	owner_done(&want->owner);
	free(want->among);
}

static int find_in_pool(struct worker *w, const struct inventory *inv, const char *name,
	struct wanted *want, struct problem **reterr)
{
	const struct policy_opts opts = { .identity_dir = w->identity_dir,
		.learned_dir = w->learned_dir };
	CLEANUP(policy_freep) struct policy *p = NULL;
	int r = policy_load(w->h, inv, &opts, &p);

	if (r == 0)
		r = policy_pool_members(p, name, &want->among, &want->q.n_among, reterr);
	return r == -ENOMEM ? no_memory(reterr) : r;
}

static int find_named(const struct order *o, struct wanted *want, struct problem **reterr)
{
	want->among = calloc(strv_len(o->functions) + 1, sizeof(*want->among));
	if (!want->among)
		return no_memory(reterr);
	STRV_FOREACH (word, o->functions) {
		if (bdf_parse(*word, &want->among[want->q.n_among++]) < 0)
			return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
				"'%s' is not the address of a function", *word);
	}
	return 0;
}

/* The cards are those that were configured; and PFs, and what has no VFs, are the machine's own. */
static int check_functions(struct worker *w, const struct order *o, const struct inventory *inv,
	const struct wanted *want, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < want->q.n_among; i++) {
		const struct function *f = inventory_find_bdf(inv, want->among[i]);
		autofree char *what = NULL;

		if (!f)
			continue; /* choosing tells it */
		r = worker_verify_card(w, f->physfn ? f->physfn->bdf : f->bdf, reterr);
		if (r < 0 || f->physfn || o->claim.asker.admin)
			continue;
		what = str_printf("%s is no VF", f->address);
		r = what ? not_his(&o->claim.asker, what, reterr) : no_memory(reterr);
	}
	return r;
}

static int find(
	struct worker *w, const struct order *o, struct wanted *want, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const struct order_claim *c = &o->claim;
	int r = inventory_load(w->h, 0, &inv, reterr);

	if (r == 0)
		r = c->pool ? find_in_pool(w, inv, c->pool, want, reterr)
			    : find_named(o, want, reterr);
	return r < 0 ? r : check_functions(w, o, inv, want, reterr);
}

static int understand(
	struct worker *w, const struct order *o, struct wanted *want, struct problem **reterr)
{
	const struct order_claim *c = &o->claim;
	int r = owner_parse(w->h, c->owner, &want->owner, reterr);

	if (r == 0)
		r = check_owner(w, o, &want->owner, reterr);
	if (r == 0)
		r = check_wishes(o, reterr);
	if (r == 0)
		r = find(w, o, want, reterr);
	if (r < 0)
		return r;
	want->q = (struct claim_request) { .owner = &want->owner,
		.among = want->among,
		.n_among = want->q.n_among,
		.pool = c->pool,
		.count = c->count  ? c->count
			 : c->pool ? 1
				   : want->q.n_among,
		.near = c->near,
		.settings = c->settings,
		.give_node = c->give,
		.node_uid = c->give_uid,
		.node_gid = c->give_gid,
		.uid = c->asker.uid };
	return 0;
}

static void note_memlock(struct worker *w, const struct order *o, const struct owner *owner)
{
	autofree char *text = NULL, *hint = NULL;

	if (owner_memlock_missing(w->h, owner, o->claim.memory_bytes, &text, &hint) > 0)
		worker_note(w, text, hint);
}

static int answer(struct worker *w, const struct leases *given, struct problem **reterr)
{
	autofree const struct lease **v = calloc(given->n + 1, sizeof(*v));
	autoleaserows rows = { 0 };
	struct worker_answer a;
	int r;

	for (size_t i = 0; v && i < given->n; i++)
		v[i] = &given->v[i];
	if (!v || lease_rows_look(w->h, NULL, v, given->n, &rows) < 0)
		return no_memory(reterr);
	r = worker_answer_open(&a, reterr);
	if (r < 0)
		return r;
	r = out_leases(&a.out, rows.v, rows.n, NULL, reterr);
	return worker_answer_close(w, &a, r, reterr);
}

int worker_assign(struct worker *w, const struct order *o, struct problem **reterr)
{
	const struct claim_opts opts = claim_opts(w, o);
	CLEANUP(wanted_done) struct wanted want = { 0 };
	autoleases given = { 0 };
	int r = understand(w, o, &want, reterr);

	if (r == 0)
		r = claim_take(w->h, &want.q, &opts, &given, reterr);
	if (r < 0)
		return r;
	note_memlock(w, o, &want.owner);
	r = answer(w, &given, reterr);
	return r < 0 ? r : 1;
}

/* ---- Release ---- */

/* How it went, over all functions: the first failure is the order's. */
struct released {
	int code;
	struct problem *first;
};

static void note_first(struct released *all, int code, const struct problem *p)
{
	if (code < 0 && all->code >= 0) {
		all->code = code;
		if (p)
			problem(&all->first, p->code, p->kind, problem_best_hint(p), "%s", p->what);
	} else if (all->code == 0) {
		all->code = code > 0;
	}
}

/* Whose end would let it go. */
static int holder_of(struct worker *w, struct bdf a)
{
	autoholders found = { 0 };

	if (holders_find(w->h, &a, 1, &found) < 0)
		return 0;
	for (size_t i = 0; i < found.n; i++)
		if (found.v[i].pid && found.v[i].strength >= HOLD_USED)
			return found.v[i].pid;
	return 0;
}

/* Takes `p`. */
static void tell(struct worker *w, struct released *all, struct bdf a, const char *text, int code,
	struct problem *p)
{
	note_first(all, code, p);
	worker_tell(w, &(struct news) { .kind = NEWS_LINE,
			       .subject = news_borrow(BDF_TEXT(a)),
			       .text = news_borrow(text),
			       .code = MIN(code, 1),
			       .pid = p && p->kind == PROBLEM_IN_USE ? holder_of(w, a) : 0,
			       .problem = p });
	problem_free(p);
}

static int check_lease(const struct order_asker *a, const struct lease *l, struct problem **reterr)
{
	autofree char *owner = owner_text(&l->owner);

	if (a->admin || l->uid == a->uid)
		return 0;
	return problem(reterr, -EPERM, PROBLEM_PERMISSION,
		"who may change functions (org.vfctl1.change) may return it",
		"user %u has claimed %s for %s, not user %u", l->uid, BDF_TEXT(l->bdf),
		owner ? owner : "?", a->uid);
}

/*
 * Of owners who are gone, or of a worker who was killed; quarantine waits for a person. A domain
 * that has been started lives, and its process is noted.
 */
static bool is_left_behind(struct worker *w, const struct lease *l, const struct claim_opts *opts)
{
	if (claim_refresh(w->h, l->bdf, opts, NULL) > 0)
		return false;
	if (!lease_is_of(w->h, l))
		return true;
	if (l->state == LEASE_TAKING || l->state == LEASE_RETURNING)
		return !process_lives(w->h, l->worker, l->worker_start);
	return l->state == LEASE_HELD && owner_alive(w->h, &l->owner, NULL) == OWNER_GONE;
}

static void release_one(
	struct worker *w, const struct order *o, const struct lease *l, struct released *all)
{
	const struct claim_opts opts = claim_opts(w, o);
	autofree char *owner = owner_text(&l->owner), *text = NULL;
	struct problem *p = NULL;
	int r = check_lease(&o->claim.asker, l, &p);

	if (r == 0 && o->claim.asker.automatic && !is_left_behind(w, l, &opts))
		return;
	if (r == 0)
		r = claim_return(w->h, l->bdf, o->claim.quarantined, &opts, &p);
	text = str_printf(
		"%s %s", r == CLAIM_DROPPED ? "drop from" : "release from", owner ? owner : "?");
	tell(w, all, l->bdf, text ? text : "release", r, p);
}

static void release_named(
	struct worker *w, const struct order *o, const struct leases *s, struct released *all)
{
	STRV_FOREACH (word, o->functions) {
		const struct claim_opts opts = claim_opts(w, o);
		struct problem *p = NULL;
		const struct lease *l;
		struct bdf a;
		int r;

		if (bdf_parse(*word, &a) < 0)
			continue; /* the daemon has looked */
		l = leases_find(s, a);
		if (l) {
			release_one(w, o, l, all);
		} else if (!o->claim.asker.automatic) {
			/* It knows what to say, also of a record that cannot be read. */
			r = claim_return(w->h, a, false, &opts, &p);
			tell(w, all, a, "release", r, p);
		}
	}
}

static int release_owner(struct worker *w, const struct order *o, const struct leases *s,
	struct released *all, struct problem **reterr)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		autofree char *owner = owner_text(&s->v[i].owner);

		if (!str_eq(owner, o->claim.owner))
			continue;
		n++;
		release_one(w, o, &s->v[i], all);
	}
	return n ? 0
		 : problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "vfctl leases shows all claims",
			   "%s has no claim", o->claim.owner);
}

int worker_release(struct worker *w, const struct order *o, struct problem **reterr)
{
	const struct claim_opts opts = claim_opts(w, o);
	struct released all = { 0 };
	autoleases s = { 0 };
	int r = claims_list(w->h, &opts, &s, reterr);

	if (r == 0 && o->claim.owner)
		r = release_owner(w, o, &s, &all, reterr);
	else if (r == 0)
		release_named(w, o, &s, &all);
	if (r == 0 && all.code < 0 && all.first && reterr)
		*reterr = TAKE_PTR(all.first);
	problem_free(all.first);
	return r < 0 ? r : all.code;
}
