/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plan, apply and undo have in common: wishes from files, a plan of them, and doing it. */
#pragma once

#include "act.h"

#define OPTION_ALLOW_DESTROY                                                                       \
	{                                                                                          \
		0, "allow-destroy", TAKES_NOTHING, NULL, "also remove VFs that nobody uses", NULL  \
	}

#define OPTION_PF                                                                                  \
	{                                                                                          \
		0, "pf", TAKES_VALUE, "PF", "what is wanted of this PF alone", "<pf>"              \
	}

/* act_start() for these verbs: looking is allowed on a captured machine. */
int wanted_start(struct act *act, struct cli *cli, const struct args *a, struct problem **reterr);
/*
 * The machine's configuration when there are no words; else files and folders of it, or one
 * picture that `show --json` printed, also as "-" from the standard input. With --pf only what is
 * about that PF.
 */
int wanted_read(struct act *act, const struct args *a, struct wishes *ret, struct problem **reterr);
/* The locks of all that is wished, and the machine as it is then. */
int wanted_lock(struct act *act, const struct wishes *w, struct problem **reterr);
/* What --allow-destroy and --allow-in-use let a plan do. */
struct plan_opts wanted_consent(const struct args *a);
/* Reads what is there (act->inv anew, *ret_now) and makes the plan. */
int wanted_plan(struct act *act, const struct wishes *w, const struct args *a, struct now *ret_now,
	struct plan *ret, struct problem **reterr);
/*
 * Shows the plan, asks when a terminal is there to ask, does it and tells. The exit code, or
 * negative.
 */
/* --dry-run: shows it. 0, or the exit code of what is refused. */
int wanted_show(struct act *act, const struct plan *p, struct problem **reterr);
int wanted_apply(struct act *act, const struct wishes *w, const struct plan_opts *how,
	const struct plan *p, const struct args *a, struct problem **reterr);
