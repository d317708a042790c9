/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a plan must know of the machine beyond the picture: read before, so that planning itself is
 * pure. Facts are words, KEY=VALUE, of a function or of a PF's VF: settings as they are set, and
 * "link=up"; "vfio=NAME", its best VFIO driver; "restore=1", when restoring would change it.
 */
#pragma once

#include "holder/holder.h"
#include "inventory/inventory.h"
#include "wish.h"

struct now_fact {
	struct bdf bdf; /* a function, or a VF's PF */
	int vf;		/* or OF_ITSELF (action.h) */
	char *word;
};

struct now {
	struct now_fact *facts; /* by bdf, then vf, then as they were added */
	size_t n;
	struct holders holders; /* of all that the wishes might take away; by function */
};

void now_done(struct now *now);
#define autonow CLEANUP(now_done) struct now

/* In any order; now_sort() when all are there. -ENOMEM. */
int now_add(struct now *now, struct bdf bdf, int vf, const char *fmt, ...) PRINTF(4, 5);
void now_sort(struct now *now);

/* Those who use a function, the worst first. Borrowed. */
const struct holder *now_holders(const struct now *now, struct bdf a, size_t *ret_n);

/* The facts of one: borrowed, *ret_n of them. */
const struct now_fact *now_facts(const struct now *now, struct bdf bdf, int vf, size_t *ret_n);
/* The value of the key that `word` has ("vlan", "vlan=3"); NULL: unknown. */
const char *now_value(const struct now *now, struct bdf bdf, int vf, const char *word);

/*
 * Reads what plan_make() needs for these wishes. `inv` has INVENTORY_OVERRIDES. Blocks for no
 * longer than the rooms below do; what cannot be read stays unknown.
 */
int now_read(struct host *h, const struct inventory *inv, const struct wishes *wishes,
	const char *driver_state_dir, struct now *ret, struct problem **reterr);
