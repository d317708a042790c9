/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From steps to deeds: one writer per PF, every step in the journal before it is run, its result
 * after; what fails takes everything back with it. Whoever begins work first puts in order what
 * somebody who died left behind.
 */
#pragma once

#include "journal.h"

struct apply_opts {
	struct action_opts act;
	const struct journal_place *journal; /* NULL: no journal and no locks */
	const char *verb;		     /* "create eth0 4": for the journal and the others */
	bool keep_going;		     /* what succeeded stays when something else fails */
	unsigned jobs;			     /* steps at a time; 0 or 1: in this thread */
	unsigned lock_ms;		     /* wait so long for another vfctl; 0: not at all */
	/*
	 * Once for each step, in the order in which they end, and before that once for each setting
	 * (`word`) of a step: 1 changed, 0 was so, negative errno with `p`, which the callee owns.
	 * A step whose settings were told has no story of its own. Never in two threads at a time.
	 */
	void (*result)(
		void *arg, const struct step *s, const char *word, int code, struct problem *p);
	void *result_arg;
	/* "4711 (create eth0 4)" has the lock; while waiting, about once a second. */
	void (*waiting)(void *arg, const char *text, unsigned waited_ms);
	/* What became of work that was left behind, one line each. */
	void (*recovered)(void *arg, const struct entry *e, enum journal_end how,
		const struct problem *why_not);
	/*
	 * Asked before every step, and by waits within them (act.driver, act.sriov have their own);
	 * true: no further step, and -ECANCELED; what was begun is taken back. NULL: never.
	 */
	bool (*cancelled)(void *arg);
	/* What is worth knowing and stops nothing: what has happened; what to do. */
	void (*note)(void *arg, const char *text, const char *hint);
	void *arg;
};

/* ---- The right to change some PFs ---- */

struct work;

/*
 * Puts in order what was left behind, then takes the locks of these functions (PFs; a VF by its
 * PF). Look at the machine after that, not before. PROBLEM_IN_USE (-EBUSY): another vfctl works on
 * it; PROBLEM_TIMEOUT after waiting. Without opts->journal there is nothing to take.
 */
int work_begin(struct host *h, const struct bdf *pfs, size_t n, const struct apply_opts *opts,
	struct work **ret, struct problem **reterr);
void work_end(struct work *w);
DEFINE_AUTO(struct work, work_end);
#define autowork CLEANUP(work_endp) struct work

/*
 * Only what was left behind: each is completed (all its steps had been done) or taken back, and
 * told. Those whose writers live, or whose PFs somebody works on, are left alone. -errno: the
 * journal cannot be read.
 */
int work_recover(struct host *h, const struct apply_opts *opts, struct problem **reterr);

/* ---- Doing it ---- */

/*
 * Runs the plan under the work's locks, which cover it. 1 changed, 0 nothing to do; on failure the
 * problem says what failed, and whether everything is as before; with keep_going it says the first
 * failure. *ret_id (may be NULL): the journal's number, 0 when nothing was to be done.
 */
int plan_apply(struct work *w, const struct plan *plan, const struct apply_opts *opts,
	unsigned *ret_id, struct problem **reterr);

/*
 * Before an entry is undone: whether the cards that it was about are where it says. One that stands
 * elsewhere by now, for sure, is followed, and that is noted. PROBLEM_DRIFT (-ESTALE): another card
 * stands there; PROBLEM_NOT_FOUND (-ENOENT): it is gone.
 */
int entry_follow(struct host *h, const struct inventory *inv, struct entry *e,
	const struct apply_opts *opts, struct problem **reterr);
/* The wishes that bring back what was before an entry. PROBLEM_UNSUPPORTED: nothing to undo. */
int entry_undo(const struct entry *e, struct wishes *ret, struct problem **reterr);
/*
 * What is not any more as the entry left it: PROBLEM_DRIFT with all of it; 0 when undoing hits
 * nothing of anybody else's.
 */
int entry_drift(const struct entry *e, const struct inventory *inv, const struct now *now,
	struct problem **reterr);
