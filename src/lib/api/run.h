/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every act does: refuse nonsense, lock, look, plan, apply, and write all of it down. */
#pragma once

#include "handle.h"

#include "inventory/inventory.h"
#include "plan/apply.h"

struct run {
	struct vfctl_host *host;
	unsigned flags; /* enum vfctl_act_flags */
	struct journal_place place;
	struct apply_opts opts; /* to be added to between run_init() and run_begin() */
	struct work *work;
};

/*
 * -EINVAL for flags that are not among `allowed`, -EROFS when a captured machine would be changed.
 * `verb` says for the journal what is done; it, and `run`, stay where they are.
 */
int run_init(struct run *run, struct vfctl_host *host, unsigned flags, unsigned allowed,
	const char *verb, struct problem **reterr);
void run_done(struct run *run);
#define autorun CLEANUP(run_done) struct run

/*
 * The right to change these functions (a VF by its PF). PROBLEM_DRIFT when another card stands
 * where one was configured. Locks nothing on a dry run.
 */
int run_begin(struct run *run, const struct bdf *pfs, size_t n, struct problem **reterr);
/* Looks anew and plans; refusals are in the plan. Fails when the machine cannot be looked at. */
int run_plan(struct vfctl_host *host, const struct wishes *w, const struct plan_opts *how,
	struct plan *ret, struct problem **reterr);
/* The same, refuses what the plan refuses, and applies; as plan_apply(). After run_begin(). */
int run_wishes(struct run *run, const struct wishes *w, const struct plan_opts *how,
	struct problem **reterr);

/* The function of that address; -EINVAL for what is none. */
int api_address(const char *text, struct bdf *ret, struct problem **reterr);
int api_no_memory(struct problem **reterr);
