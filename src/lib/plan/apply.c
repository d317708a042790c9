// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Steps are run by as many threads as are asked for; each takes the next one that may begin. All
 * that they share is guarded by one mutex, which nobody holds while the kernel works.
 */
#include "apply.h"
#include "back.h"
#include "work.h"

#include "base/str.h"

#include <pthread.h>
#include <time.h>

enum step_state { STEP_WAITS, STEP_RUNS, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

struct run {
	struct host *h;
	const struct plan *plan;
	const struct apply_opts *opts;
	struct journal *journal; /* NULL: none is kept */
	pthread_mutex_t lock;
	pthread_cond_t moved; /* there may be a step for one that waits, or there is none left */
	enum step_state *states;
	size_t *order, n_order; /* those begun */
	unsigned running;
	pthread_t *threads;
	size_t n_threads, max_threads, waiting; /* beside the caller's; of all */
	uint64_t begun_us, called_us;		/* the last step; the last thread */
	bool slow;				/* a step takes long: more threads are worth it */
	bool changed, cancelled;
	int code; /* of the first failure */
	struct problem *problem;
};

static bool is_over(enum step_state s)
{
	return s >= STEP_DONE;
}

/* ---- Which step may begin ---- */

/* Of one PF, settings are written one after the other: they share its resources. */
static bool settings_run(const struct run *r, const struct plan_group *g)
{
	for (size_t i = g->begin; i < g->end; i++)
		if (r->states[i] == STEP_RUNS && r->plan->steps[i].todo.kind == ACTION_SETTINGS)
			return true;
	return false;
}

/* Steps of a VF stand side by side within a stage. */
static bool may_begin(const struct run *r, const struct plan_group *g, size_t i)
{
	const struct step *s = &r->plan->steps[i];

	if (r->states[i] != STEP_WAITS)
		return false;
	if (i > g->begin && s[-1].stage == s->stage && s[-1].todo.vf == s->todo.vf &&
		!is_over(r->states[i - 1]))
		return false;
	return s->todo.kind != ACTION_SETTINGS || !settings_run(r, g);
}

/* Only steps of the first stage that is not through. */
static bool pick_in(const struct run *r, const struct plan_group *g, size_t *ret)
{
	size_t i = g->begin, first;

	while (i < g->end && is_over(r->states[i]))
		i++;
	for (first = i; i < g->end && r->plan->steps[i].stage == r->plan->steps[first].stage; i++)
		if (may_begin(r, g, i)) {
			*ret = i;
			return true;
		}
	return false;
}

static bool pick(const struct run *r, size_t *ret)
{
	if (r->cancelled || (r->code < 0 && !r->opts->keep_going))
		return false;
	for (size_t i = 0; i < r->plan->n_groups; i++)
		if (pick_in(r, &r->plan->groups[i], ret))
			return true;
	return false;
}

/* ---- What became of one; the lock is held ---- */

static void tell(struct run *r, const struct step *s, const char *word, int code, struct problem *p)
{
	if (r->opts->result)
		r->opts->result(r->opts->result_arg, s, word, code, p);
	else
		problem_free(p);
}

/* What needed the failed step is not tried: all of the PF, or the rest of the VF. */
static void skip_rest(struct run *r, size_t failed)
{
	const struct step *f = &r->plan->steps[failed];
	autofree char *what = action_text(&f->todo);

	for (size_t i = failed + 1; i < r->plan->groups[f->group].end; i++) {
		const struct step *s = &r->plan->steps[i];
		struct problem *p = NULL;

		if (f->todo.vf != OF_ITSELF && s->todo.vf != f->todo.vf)
			continue;
		r->states[i] = STEP_SKIPPED;
		problem(&p, r->code, problem_kind_from_errno(r->code), NULL,
			"%s: not tried after %s", BDF_TEXT(s->todo.bdf), what ? what : "?");
		tell(r, s, NULL, r->code, p);
	}
}

static struct problem *copy(const struct problem *p, int code)
{
	struct problem *c = NULL;
	autofree char *text = p ? problem_text(p) : NULL;

	problem(&c, code, p ? p->kind : problem_kind_from_errno(code),
		p ? problem_best_hint(p) : NULL, "%s", text ? text : strerror(-code));
	return c;
}

static void failed(struct run *r, size_t i, int code, const struct problem *p)
{
	const struct step *s = &r->plan->steps[i];
	autofree char *target = action_target(&s->todo), *text = action_text(&s->todo);

	r->states[i] = STEP_FAILED;
	if (!r->code) {
		r->code = code;
		r->problem = copy(p, code);
		problem_wrap(&r->problem, code, "%s: %s", target ? target : "?", text ? text : "?");
	}
}

static void ended(struct run *r, size_t i, int code, struct problem *p)
{
	const struct step *s = &r->plan->steps[i];
	int j = r->journal ? journal_did(r->journal, i, code, p) : 0;

	r->running--;
	r->states[i] = STEP_DONE;
	r->changed |= code > 0;
	if (code >= 0 && j < 0) {
		code = problem(&p, j, problem_kind_from_errno(j), "make room",
			"cannot write the journal: %s", strerror(-j));
	}
	if (code < 0)
		failed(r, i, code, p);
	tell(r, s, NULL, code, p);
	if (code < 0 && r->opts->keep_going)
		skip_rest(r, i);
}

/* ---- Running ---- */

struct teller {
	struct run *run;
	const struct step *step;
	struct problem *first; /* a copy, for the journal */
};

static void settings_result(
	void *arg, const struct action *a UNUSED, const char *word, int code, struct problem *p)
{
	struct teller *t = arg;

	if (code < 0 && !t->first)
		t->first = copy(p, code);
	pthread_mutex_lock(&t->run->lock);
	tell(t->run, t->step, word, code, p);
	pthread_mutex_unlock(&t->run->lock);
}

static void run_step(struct run *r, size_t i)
{
	const struct step *s = &r->plan->steps[i];
	struct teller teller = { r, s, NULL };
	struct action_opts act = r->opts->act;
	struct problem *p = NULL;
	int code;

	act.result = settings_result;
	act.arg = &teller;
	pthread_mutex_unlock(&r->lock);
	code = action_run(r->h, &s->todo, &act, &p);
	pthread_mutex_lock(&r->lock);
	if (!p)
		p = TAKE_PTR(teller.first);
	problem_free(teller.first);
	ended(r, i, code, p);
}

static void *work_on(void *arg);
static void *stand_by(void *arg);

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void start_another(struct run *r)
{
	r->called_us = now_us();
	if (pthread_create(&r->threads[r->n_threads], NULL, r->slow ? work_on : stand_by, r) == 0)
		r->n_threads++;
}

/*
 * One more is woken, or started, when there is a step for it: each who begins one looks for the
 * next, so that for steps one after the other nobody is woken in vain. With fewer threads than
 * asked for it only takes longer.
 */
static void call_another(struct run *r)
{
	size_t i;

	if (!pick(r, &i))
		return;
	if (r->waiting)
		pthread_cond_signal(&r->moved);
	else if (r->n_threads < MIN(r->slow ? r->max_threads : 1, r->max_threads))
		start_another(r);
}

/* Nothing is done that the journal does not know of. */
static void begin_step(struct run *r, size_t i)
{
	struct problem *p = NULL;
	int j;

	r->states[i] = STEP_RUNS;
	r->running++;
	r->begun_us = now_us();
	j = r->journal ? journal_start(r->journal, i) : 0;
	if (j < 0) {
		problem(&p, j, problem_kind_from_errno(j), "make room",
			"cannot write the journal: %s", strerror(-j));
		ended(r, i, j, p);
		return;
	}
	r->order[r->n_order++] = i;
	call_another(r);
	run_step(r, i);
}

static void ask_whether_to_go_on(struct run *r)
{
	size_t i;

	/* When the last step is through there is nothing left to interrupt. */
	if (!pick(r, &i) || !r->opts->cancelled || !r->opts->cancelled(r->opts->arg))
		return;
	r->cancelled = true;
	if (!r->code)
		r->code = problem(&r->problem, -ECANCELED, PROBLEM_FAILED, NULL,
			"interrupted before all was done");
}

static void *work_on(void *arg)
{
	struct run *r = arg;
	size_t i;

	pthread_mutex_lock(&r->lock);
	for (;;) {
		ask_whether_to_go_on(r);
		if (pick(r, &i)) {
			begin_step(r, i);
		} else if (r->running) {
			r->waiting++;
			pthread_cond_wait(&r->moved, &r->lock);
			r->waiting--;
		} else {
			break;
		}
	}
	pthread_cond_broadcast(&r->moved);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

enum { GRACE_STARTS = 8, GRACE_US_MIN = 2000, GRACE_US_MAX = 20000 };

/* Who was called, and when, is known now: how long a step may take until it counts as slow. */
static uint64_t grace_us(const struct run *r)
{
	uint64_t us = MIN(GRACE_STARTS * (now_us() - r->called_us), (uint64_t)GRACE_US_MAX);

	return MAX(us, (uint64_t)GRACE_US_MIN);
}

/*
 * The first beside the caller's. Many a step takes no longer than it takes to start a thread, and
 * then several of them are in each other's way: the others are called when one step has taken as
 * long as several starts. Nothing runs, while nobody has the lock, only when all is over.
 */
static void *stand_by(void *arg)
{
	struct run *r = arg;
	uint64_t grace = grace_us(r);

	pthread_mutex_lock(&r->lock);
	while (r->running && !r->slow) {
		uint64_t until = r->begun_us + grace;
		struct timespec t = { .tv_sec = (time_t)(until / 1000000),
			.tv_nsec = (long)(until % 1000000) * 1000 };

		if (now_us() >= until)
			r->slow = true;
		else
			pthread_cond_timedwait(&r->moved, &r->lock, &t);
	}
	pthread_mutex_unlock(&r->lock);
	return work_on(r);
}

static void run_all(struct run *r)
{
	size_t jobs = MAX(r->opts->jobs, 1U);

	r->threads = calloc(jobs, sizeof(*r->threads));
	r->max_threads = r->threads ? MIN(jobs, r->plan->n) - 1 : 0;
	work_on(r);
	/* Nobody starts another any more. */
	for (size_t i = 0; i < r->n_threads; i++)
		pthread_join(r->threads[i], NULL);
	free(r->threads);
}

/* ---- The whole ---- */

static int give_up(struct run *r, enum journal_end *ret_end, struct problem **reterr)
{
	autofree char *why = NULL;
	autoproblem *second = NULL;
	struct action_opts act = r->opts->act;
	int e;

	/* Who has had enough of waiting does not wait as long again. */
	if (r->code == -ECANCELED)
		act.idle_ms = 0;
	e = take_back(r->h, r->plan, r->order, r->n_order, r->journal, &act, &second);

	*ret_end = e == -ETIMEDOUT ? JOURNAL_RUNNING : e < 0 ? JOURNAL_KEPT : JOURNAL_UNDONE;
	if (reterr)
		*reterr = TAKE_PTR(r->problem);
	if (e == 0)
		return problem_wrap(reterr, r->code,
			r->n_order > 1 || r->changed ? "all is as it was before"
						     : "nothing was changed");
	why = second ? problem_text(second) : NULL;
	return problem_wrap(reterr, r->code, "%s (%s)",
		e == -ETIMEDOUT ? "the kernel is still at it; the next vfctl takes it back"
				: "taking it back failed too",
		why ? why : strerror(-e));
}

/* What cannot be filed is filed by the next one. */
static void file(struct run *r, enum journal_end end)
{
	int e = journal_finish(r->journal, end);
	autofree char *text = NULL;

	if (e == 0 || !r->opts->note)
		return;
	text = str_printf("%u cannot be kept in %s: %s", journal_id(r->journal),
		r->opts->journal->history_dir, strerror(-e));
	if (text)
		r->opts->note(r->opts->arg, text,
			"it is kept until the next boot; every vfctl that changes something tries "
			"again");
}

static int conclude(struct run *r, struct problem **reterr)
{
	enum journal_end end = r->code < 0 ? JOURNAL_KEPT : JOURNAL_DONE;
	int code = r->changed;

	if (r->code < 0 && !r->opts->keep_going) {
		code = give_up(r, &end, reterr);
	} else if (r->code < 0) {
		code = r->code;
		if (reterr)
			*reterr = TAKE_PTR(r->problem);
	}
	if (r->journal && end != JOURNAL_RUNNING)
		file(r, end);
	return code;
}

static int start(struct run *r, struct work *w, struct problem **reterr)
{
	r->states = calloc(r->plan->n, sizeof(*r->states));
	r->order = calloc(r->plan->n, sizeof(*r->order));
	if (!r->states || !r->order)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (!r->opts->journal)
		return 0;
	return journal_begin(w->h, r->opts->journal, r->opts->verb, r->plan, &r->journal, reterr);
}

static void init_lock(struct run *r)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->moved, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int plan_apply(struct work *w, const struct plan *plan, const struct apply_opts *opts,
	unsigned *ret_id, struct problem **reterr)
{
	struct run r = { .h = w->h, .plan = plan, .opts = opts };
	unsigned id = 0;
	int code = 0;

	if (plan->n) {
		init_lock(&r);
		code = start(&r, w, reterr);
		if (code == 0) {
			id = r.journal ? journal_id(r.journal) : 0;
			run_all(&r);
			code = conclude(&r, reterr);
		}
		pthread_cond_destroy(&r.moved);
		pthread_mutex_destroy(&r.lock);
	}
	journal_close(r.journal);
	problem_free(r.problem);
	free(r.states);
	free(r.order);
	if (ret_id && (code >= 0 || id))
		*ret_id = id;
	return code;
}
