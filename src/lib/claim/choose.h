/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions a request gets. Pure but for a look at who uses them. */
#pragma once

#include "claim.h"
#include "holder/holder.h"
#include "inventory/inventory.h"

struct choice {
	const struct function **v; /* borrowed from the inventory; as many as were asked for */
	size_t n;
};

void choice_done(struct choice *c);
#define autochoice CLEANUP(choice_done) struct choice

/* `inv` has INVENTORY_GROUPS. All or nothing; who stands in the way is told by name. */
int choose(struct host *h, const struct inventory *inv, const struct leases *leases,
	const struct claim_request *q, struct choice *ret, struct problem **reterr);

/* Users of a function but its claim, HOLD_USED or worse: PROBLEM_IN_USE. */
int refuse_users(struct host *h, struct bdf a, const char *verb, struct problem **reterr);
