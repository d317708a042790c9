// SPDX-License-Identifier: GPL-2.0-or-later
#include "choose.h"
#include "deed.h"

#include "base/str.h"
#include "setting/setting.h"

#include <time.h>

struct taking {
	struct host *h;
	const struct claim_request *q;
	const struct claim_opts *opts;
	struct ledger ledger;
	struct leases leases; /* what is to be given out */
	struct leases others; /* and all that were recorded before */
	char *verb;	      /* for the journal */
	struct work *work;
};

static void taking_done(struct taking *t)
{
	work_end(t->work);
	ledger_done(&t->ledger);
	leases_done(&t->leases);
	leases_done(&t->others);
	free(t->verb);
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

/* ---- What was before ---- */

/* What a driver tells and does not take back is no setting: an address that was never given. */
static int remember_setting(struct lease *l, const struct setting_state *s)
{
	autofree char *word = NULL;
	const char *words[1];

	if (!s->value || s->support == SETTING_UNSUPPORTED)
		return 0;
	words[0] = word = str_printf("%s=%s", s->key->name, s->value);
	if (!word)
		return -ENOMEM;
	return settings_check(words, 1, NULL) < 0 ? 0 : strv_add(&l->settings, word);
}

static int remember(struct taking *t, const struct function *f, struct lease *l)
{
	autosettings s = { 0 };
	int r = wish_put(&l->driver, f->driver ? f->driver : WISH_NO_DRIVER);

	if (r == 0)
		r = wish_put(
			&l->override, f->driver_override ? f->driver_override : WISH_NO_OVERRIDE);
	if (r == 0)
		r = settings_supported(t->h, f, t->opts->apply.act.learned_dir, &s);
	for (size_t i = 0; r == 0 && i < s.n; i++)
		r = remember_setting(l, &s.v[i]);
	return r;
}

static uint64_t boot_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int copy_owner(const struct owner *from, struct owner *to)
{
	*to = (struct owner) { .kind = from->kind, .pid = from->pid, .start = from->start };
	if (wish_put(&to->id, from->id) < 0)
		return -ENOMEM;
	return wish_put(&to->path, from->path);
}

static int put_printable(char **field, const char *text)
{
	autofree char *safe = text ? str_printable(text) : NULL;

	return text && !safe ? -ENOMEM : wish_put(field, safe);
}

static int record(struct taking *t, const struct function *f, struct lease *l)
{
	int r;

	l->bdf = f->bdf;
	l->pf = f->physfn ? f->physfn->bdf : f->bdf;
	l->vf = f->physfn ? f->vf_index : -1;
	l->since_s = time(NULL);
	l->since_boot_ms = boot_ms();
	l->uid = t->q->uid;
	lease_set_state(t->h, l, LEASE_TAKING);
	r = lease_incarnation(t->h, f->bdf, &l->incarnation);
	if (r == 0)
		r = copy_owner(t->q->owner, &l->owner);
	if (r == 0)
		r = put_printable(&l->pool, t->q->pool);
	return r < 0 ? r : remember(t, f, l);
}

static int add_record(struct taking *t, const struct function *f, struct problem **reterr)
{
	struct lease l = { 0 };
	int r;

	if (f->override_unknown)
		return problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT,
			"somebody's change of it is under way: try again when that has ended",
			"%s: the kernel does not tell its driver_override", f->address);
	r = record(t, f, &l);
	if (r < 0)
		lease_done(&l);
	if (r == 0)
		r = leases_add(&t->leases, &l);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"%s: what it is like cannot be noted: %s", f->address, strerror(-r));
	return 0;
}

/* ---- Choosing, under the ledger's lock ---- */

static int check_owner(struct taking *t, struct problem **reterr)
{
	autofree char *why = NULL, *owner = owner_text(t->q->owner);

	if (owner_alive(t->h, t->q->owner, &why) != OWNER_GONE)
		return 0;
	return problem(reterr, -ESRCH, PROBLEM_NOT_FOUND, NULL, "%s cannot have it: %s",
		owner ? owner : "?", why ? why : "it is gone");
}

static int check_settings(struct taking *t, const struct choice *c, struct problem **reterr)
{
	const char *const *words = (const char *const *)t->q->settings;
	size_t n = strv_len(t->q->settings);
	const char *unique;
	int r = n ? settings_check(words, n, reterr) : 0;

	for (size_t i = 0; r == 0 && n && i < c->n; i++)
		r = settings_suit(c->v[i], words, n, reterr);
	unique = n && r == 0 && c->n > 1 ? settings_unique(words, n) : NULL;
	if (unique)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "assign them one by one",
			"%s: no two functions may have the same", unique);
	return r;
}

static int choose_some(struct taking *t, struct problem **reterr)
{
	const unsigned flags = INVENTORY_OVERRIDES | INVENTORY_SRIOV | INVENTORY_GROUPS;
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autochoice c = { 0 };
	int r = check_owner(t, reterr);

	if (r == 0)
		r = ledger_load(&t->ledger, &t->others, reterr);
	if (r == 0)
		r = inventory_load(t->h, flags, &inv, reterr);
	if (r == 0)
		r = choose(t->h, inv, &t->others, t->q, &c, reterr);
	if (r == 0)
		r = check_settings(t, &c, reterr);
	for (size_t i = 0; r == 0 && i < c.n; i++)
		r = add_record(t, c.v[i], reterr);
	return r;
}

static int put_all(struct taking *t, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->leases.n; i++) {
		r = ledger_put(&t->ledger, &t->leases.v[i], reterr);
		/* Nothing was done to any of them yet. */
		for (size_t k = 0; r < 0 && k < i; k++)
			(void)ledger_remove(&t->ledger, t->leases.v[k].bdf, NULL);
	}
	return r;
}

/* ---- Doing it, under the PFs' locks ---- */

static int change(struct taking *t, struct problem **reterr)
{
	autowishes w = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->leases.n; i++)
		r = refuse_users(t->h, t->leases.v[i].bdf, "assign", reterr);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < t->leases.n; i++)
		r = deed_wish(&w, &t->leases.v[i], WISH_BEST_VFIO, NULL, t->q->settings);
	if (r < 0)
		return no_memory(reterr);
	return deed_apply(t->h, t->work, &w, t->verb, t->opts, reterr);
}

static int hand_over(struct taking *t, struct lease *l, struct problem **reterr)
{
	autofree char *node = NULL;
	int r = node_await(t->h, l->bdf, &node, reterr);

	if (r == 0 && t->q->give_node) {
		r = node_remember(t->h, node, &t->others, l, reterr);
		if (r == 0)
			r = ledger_put(&t->ledger, l, reterr);
		if (r == 0)
			r = node_give(t->h, l, t->q, reterr);
	}
	return r;
}

/* Fellow functions of one node remember what the first of them found. */
static int hand_over_all(struct taking *t, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->leases.n; i++) {
		struct lease copy = { 0 };

		r = hand_over(t, &t->leases.v[i], reterr);
		if (r == 0 && lease_copy(&t->leases.v[i], &copy) < 0)
			r = no_memory(reterr);
		if (r == 0 && leases_add(&t->others, &copy) < 0)
			r = no_memory(reterr);
	}
	for (size_t i = 0; r == 0 && i < t->leases.n; i++) {
		lease_set_state(t->h, &t->leases.v[i], LEASE_HELD);
		r = ledger_put(&t->ledger, &t->leases.v[i], reterr);
	}
	return r;
}

/* ---- And back ---- */

static void quarantine(struct taking *t, struct lease *l, const struct problem *why)
{
	autofree char *text = why ? problem_text(why) : NULL;
	autofree char *safe = text ? str_printable(text) : NULL;

	if (wish_put(&l->reason, safe ? safe : "what was before could not be brought back") < 0)
		return;
	lease_set_state(t->h, l, LEASE_QUARANTINE);
	(void)ledger_put(&t->ledger, l, NULL);
}

/* The first that could not be brought back, 0 when all are as before. */
static int back_to_before(struct taking *t, struct problem **reterr)
{
	const struct claim_opts opts = deed_uninterrupted(t->opts);
	autoleases none = { 0 };
	autowishes w = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->leases.n; i++) {
		r = deed_wish_before(&w, &t->leases.v[i]);
		if (r == 0)
			r = node_give_back(t->h, &none, &t->leases.v[i], reterr);
	}
	return r < 0 ? r : deed_apply(t->h, t->work, &w, t->verb, &opts, reterr);
}

static int give_up(struct taking *t, int code, struct problem **reterr)
{
	autoproblem *second = NULL;
	autofree char *why = NULL;
	int r = t->work ? back_to_before(t, &second) : 0;

	for (size_t i = 0; i < t->leases.n; i++) {
		if (r < 0)
			quarantine(t, &t->leases.v[i], second);
		else
			(void)ledger_remove(&t->ledger, t->leases.v[i].bdf, NULL);
	}
	if (r >= 0)
		return code;
	why = second ? problem_text(second) : NULL;
	return problem_wrap(reterr, code,
		"it is in quarantine, for what was before cannot be "
		"brought back (%s)",
		why ? why : strerror(-r));
}

static char *verb_of(const struct claim_request *q)
{
	autofree char *owner = owner_text(q->owner);

	if (!owner)
		return NULL;
	return q->pool ? str_printf("assign --pool %s --to %s", q->pool, owner)
		       : str_printf("assign --to %s", owner);
}

static int begin(struct host *h, const struct claim_request *q, const struct claim_opts *opts,
	struct taking *t, struct problem **reterr)
{
	*t = (struct taking) { .h = h, .q = q, .opts = opts, .ledger = { .lock = { -1 } } };
	t->verb = verb_of(q);
	if (!t->verb)
		return no_memory(reterr);
	return ledger_open(h, opts->run_dir, deed_lock_ms(opts), &t->ledger, reterr);
}

static void take_result(struct taking *t, struct leases *ret)
{
	*ret = t->leases;
	t->leases = (struct leases) { 0 };
}

int claim_check(struct host *h, const struct claim_request *q, const struct claim_opts *opts,
	struct leases *ret, struct problem **reterr)
{
	CLEANUP(taking_done) struct taking t = { .h = h, .q = q, .opts = opts };
	int r;

	t.ledger.lock.fd = -1;
	r = check_owner(&t, reterr);
	/* Without the lock: a captured machine has none, and nothing is changed. */
	if (r == 0)
		r = leases_read(h, &t.others);
	if (r == 0) {
		CLEANUP(inventory_freep) struct inventory *inv = NULL;
		autochoice c = { 0 };

		r = inventory_load(h, INVENTORY_GROUPS, &inv, reterr);
		if (r == 0)
			r = choose(h, inv, &t.others, q, &c, reterr);
		if (r == 0)
			r = check_settings(&t, &c, reterr);
		for (size_t i = 0; r == 0 && i < c.n; i++)
			r = add_record(&t, c.v[i], reterr);
	}
	if (r < 0)
		return r;
	take_result(&t, ret);
	return 0;
}

int claim_take(struct host *h, const struct claim_request *q, const struct claim_opts *opts,
	struct leases *ret, struct problem **reterr)
{
	CLEANUP(taking_done) struct taking t = { .ledger = { .lock = { -1 } } };
	int r = begin(h, q, opts, &t, reterr);

	if (r == 0)
		r = choose_some(&t, reterr);
	if (r == 0)
		r = put_all(&t, reterr);
	ledger_unlock(&t.ledger);
	if (r < 0)
		return r;
	r = deed_begin(h, &t.leases, t.verb, opts, &t.work, reterr);
	if (r == 0)
		r = change(&t, reterr);
	if (r >= 0)
		r = hand_over_all(&t, reterr);
	if (r < 0)
		return give_up(&t, r, reterr);
	take_result(&t, ret);
	return 0;
}
