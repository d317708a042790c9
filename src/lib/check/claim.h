/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table of other managers' configuration (foreign/foreign.h) says, as checks take it. */
#pragma once

#include "check.h"

struct foreign;

struct claims {
	struct check_claim *v; /* for struct check_opts */
	size_t n;
	char **texts; /* that they borrow */
};

/*
 * A claim for each conflict, and for what nobody contradicts one for a file and a PF. They borrow
 * from `f`, which is sorted. -ENOMEM.
 */
int claims_make(const struct foreign *f, struct claims *ret);
void claims_done(struct claims *c);
#define autoclaims CLEANUP(claims_done) struct claims
