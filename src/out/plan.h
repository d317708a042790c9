/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan as a difference: what is made (+), changed (~), taken away (-), and who is hurt. */
#pragma once

#include "out.h"
#include "plan/apply.h"

/* PF by PF, then the blast radius and what is refused. Nothing to do is said, too. */
int out_plan(const struct out *o, const struct plan *p, struct problem **reterr);
/* One entry of the journal with its steps. */
int out_entry(const struct out *o, const struct entry *e, struct problem **reterr);
/* A line, or an object, for each; the latest last. */
int out_history(
	const struct out *o, const struct entry *entries, size_t n, struct problem **reterr);
