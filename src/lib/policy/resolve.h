/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From lines to values. For this room alone. */
#pragma once

#include "policy.h"

/* The values of every target of a PF. pf->f and pf->by are set. -ENOMEM. */
int policy_pf_resolve(struct policy_pf *pf);
void policy_pf_done(struct policy_pf *pf);

struct check {
	struct policy *p;
	struct host *h;
	const struct inventory *inv;
	const struct policy_opts *opts;
	const char *identity_dir;
};

/* What can only be wrong with a PF at hand. -ENOMEM. */
int policy_check_pf(struct check *c, struct policy_pf *pf);
/* Addresses: collisions are found, stable ones made. After all of the above. */
int policy_addresses(struct check *c);
