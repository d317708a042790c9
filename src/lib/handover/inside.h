/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of handing over, for this room alone. */
#pragma once

#include "handover.h"

#include "conf/conf.h"

#include "lease/lease.h"

/* ---- asker.c ---- */

/* That very process still runs, and as this user: PROBLEM_NOT_FOUND, PROBLEM_PERMISSION. */
int asker_check(struct host *h, const struct handover_asker *a, struct problem **reterr);
/*
 * The lease is his: he claimed it, or its owner is this process or one above it that runs as him.
 * PROBLEM_PERMISSION, PROBLEM_NOT_FOUND; PROBLEM_IN_USE while it is taken or returned.
 */
int asker_may_have(struct host *h, const struct handover_asker *a, const struct lease *l,
	struct problem **reterr);
/* So much that his process may pin it, or why not. `raise`: else it is only looked at. */
int asker_memory(struct host *h, const struct handover_asker *a, uint64_t bytes,
	const struct handover_limits *limits, bool raise, struct problem **reterr);

/* ---- tap.c ---- */

/* A tap of that name, attached. */
int handover_tap(struct host *h, const char *name, uint32_t uid,
	const struct handover_limits *limits, struct problem **reterr);

/* A port of that bridge: "NAME" or "NAME#NUMBER". */
int handover_port(struct host *h, const char *what, uint32_t uid,
	const struct handover_limits *limits, struct problem **reterr);

/* Where the limits are, for hints. */
