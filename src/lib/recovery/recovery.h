/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a function well again that health/health.h calls unwell: the ladder of what this function
 * and this kernel have, the least first,
 *
 *   return            one in quarantine is released once more, as claim_return() does
 *   flr, pm, …        its reset methods that hit it alone (of a PF its VFs, too)
 *   driver            unbound and bound again to the driver that it has
 *   bus               all below the bridge above it is reset
 *   remove            taken out of the kernel, and found again by a scan of its bus
 *
 * and climbing it. After each rung the function must answer and be healthy; then what was counted
 * against it before is forgiven, and one in quarantine is returned. Resets and drivers are done
 * under the PF's lock, drivers through the journal.
 *
 * Users of this header also name the rooms claim, health, reset, topology and what these need.
 */
#pragma once

#include "claim/claim.h"
#include "health/health.h"
#include "reset/reset.h"

enum rung_kind { RUNG_RETURN, RUNG_RESET, RUNG_DRIVER, RUNG_BUS, RUNG_REMOVE };

struct rung {
	enum rung_kind kind;
	char *name;			/* "flr", "driver"; what --up-to takes */
	char *text;			/* "reset by flr" */
	const struct function **others; /* that are hit with it; borrowed */
	size_t n_others;
	char *why_not; /* it exists, but not now; NULL: it can be tried */
};

struct ladder {
	struct rung *v;
	size_t n;
};

/* Touches nothing. No rung at all is possible. */
int ladder_make(struct host *h, const struct topology *t, const struct function *f,
	struct ladder *ret, struct problem **reterr);
void ladder_done(struct ladder *l);
#define autoladder CLEANUP(ladder_done) struct ladder
/* NULL: there is no such rung. */
const struct rung *ladder_find(const struct ladder *l, const char *name);
/* "0000:01:10.0, 0000:01:10.2 and 3 more"; NULL: nobody else, or no memory. */
char *rung_others(const struct rung *r) NODISCARD;

struct recovery_opts {
	const char *up_to; /* the highest rung that may be tried; NULL: the first that can be */
	bool all;	   /* every rung may be */
	bool force; /* also under host drivers, and when somebody uses it; never what is held */
	struct claim_opts claim; /* where things are, and how to tell of waiting */
	/* A rung was tried: 1, or it failed or did not help, with why, which is the caller's. */
	void (*tried)(void *arg, const struct rung *r, int code, const struct problem *p);
	void *arg;
};

/*
 * 1 it is not unhealthy any more; 0 it was not unwell, nothing was done. PROBLEM_IN_USE: it is
 * used, nothing was done; PROBLEM_UNHEALTHY: no rung helped, and what the next one would be.
 * PROBLEM_USAGE: there is no rung `up_to`. *ret_rung: what helped, allocated, or NULL.
 */
int recovery_climb(struct host *h, struct bdf a, const struct recovery_opts *opts, char **ret_rung,
	struct problem **reterr);
