/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From wishes to steps, without touching anything: the fewest changes, in the order that drivers
 * and kernel need, each with its way back, and who would be hurt, by name.
 *
 * A PF's steps are one group; groups do not depend on each other. Within a group, steps of a stage
 * run when all earlier stages are through; within a stage, those of the same VF one after the
 * other, and those of different VFs at the same time. (PF, stage, VF) is how they are sorted.
 *
 * What must not be done is refused, by group: held VFs are never destroyed (the kernel would wait
 * for their holders without end), used ones only with consent, others only when destroying is
 * allowed at all. A refused group has no steps.
 */
#pragma once

#include "action.h"
#include "now.h"
#include "wish.h"

enum stage {
	STAGE_FUNCTION, /* the PF's own driver */
	STAGE_LINK,	/* up, where the driver wants it */
	STAGE_UNBIND,	/* VFs that a setting or a change of mode wants without driver */
	STAGE_NO_VFS,	/* what is only possible without VFs comes next */
	STAGE_BEFORE,	/* settings of the PF, eswitch mode */
	STAGE_AUTOPROBE,
	STAGE_RESOURCES, /* of VFs to come */
	STAGE_VFS,
	STAGE_RELEASE, /* new VFs leave the drivers that took them, where the mode wants it */
	STAGE_MODE,    /* the eswitch, where VFs come first */
	STAGE_AUTOPROBE_BACK,
	STAGE_AFTER, /* other settings of the PF */
	STAGE_EACH,  /* VFs: settings, then drivers */
};

struct step {
	struct action todo;
	struct actions back; /* in this order; none: undoing an earlier step does it */
	char *was;	     /* for people: what is there now; NULL: nothing, or unknown */
	enum stage stage;
	size_t group;
};

/* What a step takes from somebody. */
struct blast {
	struct bdf bdf;
	bool destroyed; /* the function goes; else it only loses its driver for a while */
	char *who;	/* holders, "igbvf" of one merely bound, NULL: nobody */
	enum holder_strength strength;
};

struct plan_group {
	struct bdf bdf;
	char *name, *driver, *source; /* for people; NULL: none */
	char *card;	   /* a journal's: what stood there (identity.h); NULL: not told */
	size_t begin, end; /* steps[begin] … steps[end - 1] */
	struct problem *refusal;
	struct blast *blast;
	size_t n_blast;
};

struct plan {
	struct step *steps;
	size_t n;
	struct plan_group *groups; /* by address; those with nothing to do too */
	size_t n_groups;
	uint64_t visited; /* how much was looked at, for tests of cost */
};

struct plan_opts {
	bool allow_destroy; /* VFs that exist and that nobody uses */
	bool allow_in_use;  /* and those whose users lose something; never held ones */
	bool as_is; /* settings are tried as things are: nothing is unbound or destroyed for them */
	bool wait_for_holder; /* try to take the driver even from a held function: for deadlines */
};

/* Fails only without memory: refusals are in the plan. */
int plan_make(const struct inventory *inv, const struct now *now, const struct wishes *wishes,
	const struct plan_opts *opts, struct plan *ret);
void plan_done(struct plan *p);
#define autoplan CLEANUP(plan_done) struct plan

/* The first refusal, borrowed; NULL: none. */
const struct problem *plan_refusal(const struct plan *p);
