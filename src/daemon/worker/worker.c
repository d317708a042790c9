// SPDX-License-Identifier: GPL-2.0-or-later
#include "worker.h"

#include "base/str.h"
#include "claim/claim.h"
#include "identity/identity.h"
#include "plan/apply.h"
#include "reset/reset.h"
#include "select/select.h"
#include "setting/setting.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

void worker_tell(struct worker *w, const struct news *n)
{
	autofree char *line = news_to_text(n);

	if (!line || w->deaf)
		return;
	w->deaf = fprintf(w->to, "%s\n", line) < 0 || fflush(w->to) == EOF;
}

/* ---- What the rooms below tell ---- */

static void result(void *arg, const struct step *s, const char *word, int code, struct problem *p)
{
	struct news n = { .kind = NEWS_RESULT, .action = s->todo, .code = code, .problem = p };

	n.text = news_borrow(word);
	worker_tell(arg, &n);
	problem_free(p);
}

static void waiting(void *arg, const char *text, unsigned waited_ms)
{
	worker_tell(arg,
		&(struct news) {
			.kind = NEWS_WAITING, .text = news_borrow(text), .waited_ms = waited_ms });
}

static void waiting_for_holder(void *arg, struct bdf a, const char *who, unsigned waited_ms)
{
	autofree char *text = who ? str_printf("waiting for %s", who)
				  : str_printf("waiting for the kernel to release %s", BDF_TEXT(a));

	if (text)
		waiting(arg, text, waited_ms);
}

void worker_note(struct worker *w, const char *text, const char *hint)
{
	worker_tell(w,
		&(struct news) {
			.kind = NEWS_NOTE, .text = news_borrow(text), .hint = news_borrow(hint) });
}

static void note(void *arg, const char *text, const char *hint)
{
	worker_note(arg, text, hint);
}

static void recovered(
	void *arg, const struct entry *e, enum journal_end how, const struct problem *why_not)
{
	worker_tell(arg, &(struct news) { .kind = NEWS_RECOVERED,
				 .id = e->id,
				 .text = e->verb,
				 .how = how,
				 .problem = (struct problem *)(uintptr_t)why_not });
}

struct apply_opts worker_apply_opts(struct worker *w, const struct order *o)
{
	return (struct apply_opts) {
		.act = { .driver = { .state_dir = w->driver_dir,
				 .force = o->force,
				 .deadline_ms = o->timeout_ms,
				 .waiting = waiting_for_holder,
				 .cancelled = w->cancelled,
				 .arg = w },
			.sriov = { .state_dir = w->driver_dir,
				.force = o->force,
				.deadline_ms = o->timeout_ms,
				.waiting = waiting,
				.cancelled = w->cancelled,
				.note = note,
				.arg = w },
			.allow_in_use = o->force,
			.learned_dir = w->learned_dir,
			.idle_ms = o->timeout_ms },
		.journal = w->places,
		.verb = o->command ? o->command : order_name(o->kind),
		.keep_going = o->keep_going,
		.jobs = 16,
		.result = result,
		.result_arg = w,
		.lock_ms = o->timeout_ms,
		.waiting = waiting,
		.recovered = recovered,
		.cancelled = w->cancelled,
		.note = note,
		.arg = w,
	};
}

/* ---- A change ---- */

static int check_words(char *const *words, struct problem **reterr)
{
	return words ? settings_check((const char *const *)words, strv_len(words), reterr) : 0;
}

/* Wishes of a stranger: what can never be right is refused before anything is touched. */
static int check_wishes(const struct wishes *w, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++) {
		r = check_words(w->v[i].settings, reterr);
		for (size_t k = 0; r == 0 && k < w->v[i].n_vfs; k++)
			r = check_words(w->v[i].vfs[k].settings, reterr);
	}
	return r;
}

int worker_verify_card(struct worker *w, struct bdf pf, struct problem **reterr)
{
	autoidentity found = { 0 };

	return w->identity_dir ? identity_verify(w->h, w->identity_dir, pf, &found, reterr) : 0;
}

static int lock(struct worker *w, const struct order *o, const struct bdf *pfs, size_t n,
	struct work **ret, struct problem **reterr)
{
	const struct apply_opts opts = worker_apply_opts(w, o);
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = worker_verify_card(w, pfs[i], reterr);
	return r < 0 ? r : work_begin(w->h, pfs, n, &opts, ret, reterr);
}

static int lock_wishes(
	struct worker *w, const struct order *o, struct work **ret, struct problem **reterr)
{
	autofree struct bdf *pfs = calloc(o->wishes.n + 1, sizeof(*pfs));

	if (!pfs)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < o->wishes.n; i++)
		pfs[i] = o->wishes.v[i].bdf;
	return lock(w, o, pfs, o->wishes.n, ret, reterr);
}

static int record_cards(struct worker *w, const struct order *o, const struct inventory *inv,
	struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; w->identity_dir && o->record && r >= 0 && i < o->wishes.n; i++) {
		const struct function *f = inventory_find_bdf(inv, o->wishes.v[i].bdf);

		if (f && f->kind == FUNCTION_PF)
			r = identity_record(w->h, w->identity_dir, f->bdf, reterr);
	}
	return r < 0 ? problem_wrap(reterr, r,
			       "all is as it should be, but which cards have it cannot be noted")
		     : 0;
}

static int apply(struct worker *w, struct work *work, const struct order *o,
	const struct plan *plan, unsigned *ret_id, struct problem **reterr)
{
	const struct problem *no = o->skip_refused && plan->n ? NULL : plan_refusal(plan);
	struct apply_opts opts = worker_apply_opts(w, o);

	return no ? problem(reterr, no->code, no->kind, no->hint, "%s", no->what)
		  : plan_apply(work, plan, &opts, ret_id, reterr);
}

static int change(
	struct worker *w, const struct order *o, unsigned *ret_id, struct problem **reterr)
{
	const struct plan_opts how = { .allow_destroy = o->allow_destroy,
		.allow_in_use = o->allow_in_use,
		.as_is = o->as_is,
		.wait_for_holder = o->wait_for_holder };
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autowork *work = NULL;
	autoplan plan = { 0 };
	autonow now = { 0 };
	int r = check_wishes(&o->wishes, reterr), changed;

	if (r == 0)
		r = lock_wishes(w, o, &work, reterr);
	if (r == 0)
		r = inventory_load(w->h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);
	if (r == 0)
		r = now_read(w->h, inv, &o->wishes, w->driver_dir, &now, reterr);
	if (r == 0 && plan_make(inv, &now, &o->wishes, &how, &plan) < 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r < 0)
		return r;
	changed = apply(w, work, o, &plan, ret_id, reterr);
	if (changed < 0)
		return changed;
	r = record_cards(w, o, inv, reterr);
	return r < 0 ? r : changed;
}

/* ---- A reset ---- */

static void line(void *arg, const char *subject, const char *text, int code, struct problem *p)
{
	worker_tell(arg, &(struct news) { .kind = NEWS_LINE,
				 .subject = news_borrow(subject),
				 .text = news_borrow(text),
				 .code = code,
				 .problem = p });
	problem_free(p);
}

static int lock_selected(struct worker *w, const struct order *o, const struct selection *s,
	struct work **ret, struct problem **reterr)
{
	autofree struct bdf *pfs = calloc(s->n + 1, sizeof(*pfs));

	if (!pfs)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < s->n; i++)
		pfs[i] = s->v[i]->physfn ? s->v[i]->physfn->bdf : s->v[i]->bdf;
	return lock(w, o, pfs, s->n, ret, reterr);
}

static int reset(struct worker *w, const struct order *o, struct problem **reterr)
{
	const struct reset_opts opts = { .force = o->force,
		.deadline_ms = o->timeout_ms,
		.waiting = waiting,
		.note = note,
		.arg = w };
	CLEANUP(topology_freep) struct topology *t = NULL;
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autowork *work = NULL;
	autoselection found = { 0 };
	int r = inventory_load(w->h, 0, &inv, reterr);

	if (r == 0)
		r = topology_load(w->h, inv, &t, reterr);
	if (r == 0)
		r = select_some(w->h, inv, (const char *const *)o->functions,
			strv_len(o->functions), &found, reterr);
	if (r == 0)
		r = lock_selected(w, o, &found, &work, reterr);
	for (size_t i = 0; r == 0 && i < found.n; i++)
		reset_told(w->h, t, found.v[i], o->method, false, &opts, line, w);
	return r < 0 ? r : 1;
}

/* ---- Any order ---- */

static int may_act(struct worker *w, struct problem **reterr)
{
	if (w->h->captured)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"this is a captured machine: nothing can be changed there");
	return 0;
}

static int recover(struct worker *w, const struct order *o, struct problem **reterr)
{
	const struct apply_opts opts = worker_apply_opts(w, o);
	const struct claim_opts claims = { .run_dir = w->places ? w->places->run_dir : NULL };
	int r = work_recover(w->h, &opts, reterr);

	return r >= 0 && claims.run_dir ? claims_prepare(w->h, &claims, reterr) : r;
}

static int act(struct worker *w, const struct order *o, unsigned *ret_id, struct problem **reterr)
{
	switch (o->kind) {
	case ORDER_CHANGE:
		return change(w, o, ret_id, reterr);
	case ORDER_RESET:
		return reset(w, o, reterr);
	case ORDER_ASSIGN:
		return worker_assign(w, o, reterr);
	case ORDER_RELEASE:
		return worker_release(w, o, reterr);
	case ORDER_OPEN:
		return worker_open(w, o, reterr);
	case ORDER_RECONCILE:
		return worker_reconcile(w, o, ret_id, reterr);
	default:
		return recover(w, o, reterr);
	}
}

static int carry_out(
	struct worker *w, const struct order *o, unsigned *ret_id, struct problem **reterr)
{
	int r;

	if (o->kind == ORDER_LIST || o->kind == ORDER_SHOW || o->kind == ORDER_LEASES)
		return worker_look(w, o, reterr);
	if (o->kind == ORDER_CHECK)
		return worker_check(w, o, reterr);
	r = may_act(w, reterr);
	return r < 0 ? r : act(w, o, ret_id, reterr);
}

static void tell_end(struct worker *w, int code, unsigned id, struct problem *p)
{
	worker_tell(w, &(struct news) { .kind = NEWS_ENDED, .code = code, .id = id, .problem = p });
}

int worker_do(struct worker *w, const struct order *o)
{
	autoproblem *p = NULL;
	unsigned id = 0;
	int r = carry_out(w, o, &id, &p);

	if (r < 0 && !p)
		problem(&p, r, problem_kind_from_errno(r), NULL, "%s", strerror(-r));
	tell_end(w, r, id, p);
	return r;
}

/* ---- The process ---- */

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number UNUSED)
{
	asked_to_end = 1;
}

/* Whatever comes after the order, or that nobody is there any more, means the same. */
static bool cancelled(void *arg UNUSED)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return asked_to_end || (poll(&in, 1, 0) > 0 && in.revents);
}

static void catch_signals(void)
{
	const struct sigaction end = { .sa_handler = on_signal };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGPIPE, &ignore, NULL); /* who asked has gone: this is noticed elsewhere */
}

/* The daemon sends one line and then waits, so that the buffer takes nothing else. */
static int read_order(FILE *from, struct order *ret, struct problem **reterr)
{
	autofree char *text = NULL;
	size_t size = 0;
	ssize_t n = getline(&text, &size, from);

	if (n <= 0 || text[n - 1] != '\n')
		return problem(reterr, -ECANCELED, PROBLEM_FAILED, NULL,
			"it was cancelled before it began: nothing was changed");
	return order_from_text(text, ret, reterr);
}

int worker_main(struct host *h, FILE *from, FILE *to)
{
	const struct journal_place places = { .run_dir = "/run/vfctl",
		.history_dir = "/var/lib/vfctl/journal" };
	struct worker w = { .h = h, .to = to, .cancelled = cancelled };
	autoproblem *p = NULL;
	autoorder o = { 0 };
	int r;

	if (!h->captured) {
		w.driver_dir = "/var/lib/vfctl/drivers";
		w.learned_dir = "/var/lib/vfctl/learned";
		w.identity_dir = IDENTITY_DIR;
		w.places = &places;
	}
	catch_signals();
	/* Files are as `vfctl --direct` makes them, whatever the service says. */
	umask(022);
	r = read_order(from, &o, &p);
	if (r < 0)
		tell_end(&w, r, 0, p);
	else
		worker_do(&w, &o);
	/* A refusal that was told is no failure of the process. */
	return w.deaf;
}
