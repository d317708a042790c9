/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What assign, release and leases have in common. */
#pragma once

#include "act.h"
#include "claim/claim.h"
#include "out/lease.h"

/* How claims are made and returned. Borrows `act`. */
struct claim_opts act_claim_opts(struct act *act);
/* Shows these leases, with what is found out about their owners now. */
int act_show_leases(struct cli *cli, struct host *h, const struct inventory *inv,
	const struct lease *const *v, size_t n, char *const *unreadable, struct problem **reterr);
/* An owner who need not live: for looking for his claims. */
int act_owner_named(struct host *h, const char *word, const struct leases *s,
	const struct lease **ret, size_t *ret_n, struct problem **reterr);
/* The leases that the words name (addresses also of functions that are gone), in order. */
int act_leases_selected(struct host *h, const struct inventory *inv, const struct args *a,
	const struct leases *s, const struct lease **ret, size_t *ret_n, struct problem **reterr);
