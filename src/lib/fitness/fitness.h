/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a function can be opened through VFIO as it is now: what whoever hands it over asks just
 * before. Nothing is changed, and nothing waits for a held device. `why` tells more, and takes
 * longer; here the first thing that is in the way ends the look.
 *
 * Users of this header also name the rooms pci, sriov, netdev, iommu and inventory in USES.
 */
#pragma once

#include "inventory/inventory.h"

/*
 * 0, or: PROBLEM_NOT_ASSIGNABLE a bridge, or in quarantine; PROBLEM_DRIFT another card than the one
 * configured (by `identity_dir`, identity.h; NULL: nobody knows); PROBLEM_NOT_BOUND_TO_VFIO,
 * PROBLEM_NO_IOMMU, PROBLEM_GROUP_NOT_VIABLE, PROBLEM_IN_USE when it or a member of its group is
 * held through VFIO. `inv` has INVENTORY_GROUPS.
 */
int fitness_check(struct host *h, const struct inventory *inv, const char *identity_dir,
	const struct function *f, struct problem **reterr);

/*
 * The same for a guest that runs already: what process `pid`, its VMM, holds of the group is no
 * obstacle, as more of a group is opened through what one has of it. 0: nobody's.
 */
int fitness_check_beside(struct host *h, const struct inventory *inv, const char *identity_dir,
	const struct function *f, int pid, struct problem **reterr);

/*
 * 0, or PROBLEM_IN_USE when it is claimed (lease/lease.h) by somebody else than the domain of that
 * name or UUID (may be NULL), or a claim of it is just taken or returned.
 */
int fitness_check_claim(struct host *h, const struct function *f, const char *domain,
	const char *uuid, struct problem **reterr);

/*
 * The same for who would open it, or have it described, himself: it is his own when it is claimed
 * by this process or one that it descends from, by his user (root's as manual:TEXT only), or by
 * `owner` ("domain:web1"; NULL: nobody), on whose behalf he acts.
 */
int fitness_check_own(
	struct host *h, const struct function *f, const char *owner, struct problem **reterr);

/* Whether opening it needs the token of its PF's owner: that is a program, through VFIO. */
bool fitness_needs_token(const struct function *f);
