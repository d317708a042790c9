// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What somebody who died left behind. His steps are in the journal: those that were begun are
 * taken back, the last one first; if all had been done, only the end was missing.
 */
#include "back.h"
#include "work.h"

#include "base/str.h"

static bool all_done(const struct entry *e)
{
	for (size_t i = 0; i < e->plan.n; i++)
		if (!e->steps[i].ended || e->steps[i].code < 0 || e->steps[i].undone)
			return false;
	return true;
}

/* *ret_order: the steps that were begun and are not back yet, as they were begun. */
static int begun_steps(const struct entry *e, size_t **ret_order, size_t *ret_n)
{
	size_t *order = calloc(e->plan.n + 1, sizeof(*order));
	size_t n = 0;

	if (!order)
		return -ENOMEM;
	for (size_t k = 0; k < e->n_started; k++)
		for (size_t i = 0; i < e->plan.n; i++)
			if (e->steps[i].started && e->steps[i].order == k && !e->steps[i].undone)
				order[n++] = i;
	*ret_order = order;
	*ret_n = n;
	return 0;
}

static bool has_lock(const struct work *w, struct bdf a)
{
	for (size_t i = 0; i < w->n; i++)
		if (bdf_eq(w->bdfs[i], a))
			return true;
	return false;
}

/* The locks of an entry's functions that are not ours already; false: somebody is at work. */
static bool take_locks(struct work *w, const struct entry *e, struct lock *ret, size_t *ret_n)
{
	autofree char *who = str_printf("%d recovery of %u", getpid(), e->id);

	for (size_t i = 0; who && i < e->plan.n_groups; i++) {
		struct bdf a = e->plan.groups[i].bdf;
		autofree char *other = NULL;

		if (has_lock(w, a))
			continue;
		if (lock_try(w->lock_dir, BDF_TEXT(a), who, &ret[*ret_n], &other) < 0)
			return false;
		++*ret_n;
	}
	return who != NULL;
}

static void tell(const struct apply_opts *opts, const struct entry *e, enum journal_end how,
	const struct problem *p)
{
	if (opts->recovered)
		opts->recovered(opts->arg, e, how, p);
}

/* It may have changed something, and only who wrote it can take that back. */
static void tell_strange(const struct apply_opts *opts, unsigned id, int code)
{
	autofree char *text =
		str_printf("%u was interrupted and is left as it is: %s", id, journal_why(code));

	if (opts->note && text)
		opts->note(opts->arg, text, "look what is there: vfctl list; vfctl plan");
}

/* One that cannot be taken back because the kernel is busy is tried again by the next. */
static void put_back(
	struct work *w, struct journal *j, const struct entry *e, const struct apply_opts *opts)
{
	autofree size_t *order = NULL;
	autoproblem *p = NULL;
	size_t n = 0;
	int r = begun_steps(e, &order, &n);

	if (r == 0)
		r = take_back(w->h, &e->plan, order, n, j, &opts->act, &p);
	if (r != -ETIMEDOUT && r != -ENOMEM)
		(void)journal_finish(j, r < 0 ? JOURNAL_KEPT : JOURNAL_UNDONE);
	tell(opts, e, r < 0 ? JOURNAL_RUNNING : JOURNAL_UNDONE, p);
}

static void finish(
	struct work *w, struct journal *j, struct entry *e, const struct apply_opts *opts)
{
	autofree struct lock *locks = calloc(e->plan.n_groups + 1, sizeof(*locks));
	autofree char *boot = NULL;
	size_t n = 0;

	if (e->strange) {
		tell_strange(opts, e->id, -EPROTONOSUPPORT);
	} else if (!e->planned) {
		(void)journal_drop(j);
	} else if (e->end != JOURNAL_RUNNING) {
		(void)journal_finish(j, e->end);
	} else if (journal_boot(w->h, &boot) == 0 && !str_eq(boot, e->boot)) {
		(void)journal_finish(j, JOURNAL_VOID);
		tell(opts, e, JOURNAL_VOID, NULL);
	} else if (all_done(e)) {
		(void)journal_finish(j, JOURNAL_DONE);
		tell(opts, e, JOURNAL_DONE, NULL);
	} else if (locks && take_locks(w, e, locks, &n)) {
		put_back(w, j, e, opts);
	}
	for (size_t i = 0; i < n; i++)
		lock_release(&locks[i]);
}

static void recover(
	struct work *w, const char *dir, const char *name, const struct apply_opts *opts)
{
	autojournal *j = NULL;
	autoentry e = { 0 };
	int r = journal_take_over(opts->journal, name, &j);

	if (r < 0) /* its writer lives, or it is none of ours */
		return;
	r = entry_read(dir, name, &e);
	if (r == 0 || r == -EINVAL)
		finish(w, j, &e, opts);
	else
		tell_strange(opts, journal_id(j), r);
}

int recover_all(struct work *w, const struct apply_opts *opts, struct problem **reterr)
{
	autofree char *dir = opts->journal ? journal_run_dir(opts->journal) : NULL;
	autostrv char **names = NULL;
	int r;

	if (!opts->journal)
		return 0;
	r = journal_is_safe(opts->journal, reterr);
	if (r < 0)
		return r;
	r = dir ? logfile_list(dir, &names) : -ENOMEM;
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot read the journal in %s: %s", opts->journal->run_dir, strerror(-r));
	STRV_FOREACH (name, names)
		recover(w, dir, *name, opts);
	return 0;
}
