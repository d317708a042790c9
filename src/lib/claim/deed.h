/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What taking and returning have in common: wishes done under the PFs' locks, and device nodes. */
#pragma once

#include "claim.h"
#include "ledger.h"

enum { LOCK_MS = 60000 };

/* How long to wait for somebody else, as the options say. */
unsigned deed_lock_ms(const struct claim_opts *opts);
/* The same for what must come to its end: a way back is not interrupted. */
struct claim_opts deed_uninterrupted(const struct claim_opts *opts);
/* The locks of the leases' PFs, after what was left behind is in order. `verb` must outlive it. */
int deed_begin(struct host *h, const struct leases *s, const char *verb,
	const struct claim_opts *opts, struct work **ret, struct problem **reterr);
/* Looks at the machine, plans and does it; as plan_apply(). */
int deed_apply(struct host *h, struct work *w, const struct wishes *wishes, const char *verb,
	const struct claim_opts *opts, struct problem **reterr);
/* Adds what was before the lease. -ENOMEM. */
int deed_wish_before(struct wishes *w, const struct lease *l);
/* Adds a driver and settings for its function. -ENOMEM. */
int deed_wish(struct wishes *w, const struct lease *l, const char *driver, const char *override,
	char *const *settings);

/* Waits until the VFIO node of the group is there. *ret: "vfio/12", allocated. */
int node_await(struct host *h, struct bdf a, char **ret, struct problem **reterr);
/*
 * Whose it is becomes part of the record (which the caller then puts), or what another lease of the
 * same node remembers.
 */
int node_remember(struct host *h, const char *node, const struct leases *others, struct lease *l,
	struct problem **reterr);
int node_give(struct host *h, const struct lease *l, const struct claim_request *q,
	struct problem **reterr);
/* As it was, unless another lease has it too. A node that is gone needs nothing. */
int node_give_back(struct host *h, const struct leases *others, const struct lease *l,
	struct problem **reterr);
