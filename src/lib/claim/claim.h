/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Giving functions to owners who can die, and taking them back clean. The command line and a daemon
 * call the same functions; each call does the whole and may take as long as the kernel does.
 *
 * Taking: chosen and recorded under the ledger's lock; then, under the locks of the PFs and in the
 * journal, settings are made and the best VFIO driver is bound; its device node is awaited, and
 * given to a user. Any failure brings back what was before. Returning: nobody may have it open; it
 * is reset and its configuration space verified; settings and driver are as before. What fails then
 * is put into quarantine: given to nobody until it was returned after all.
 *
 * Killed at any moment, the record stays and says what its worker was about to do; the next return
 * brings everything back.
 *
 * Users of this header also name the rooms lease, plan and what these need in USES.
 */
#pragma once

#include "lease/lease.h"
#include "plan/apply.h"

#include "owner.h"

struct claim_opts {
	const char *run_dir; /* "/run/vfctl" */
	/* How changes are made; consent and forces are set here, as is the journal's verb. */
	struct apply_opts apply;
	unsigned lock_ms; /* wait so long for another who works on claims or PFs; 0: a minute */
};

struct claim_request {
	const struct owner *owner;
	const struct bdf *among; /* to choose from */
	size_t n_among;
	const char *pool;      /* whose members these are; NULL: they were named */
	size_t count;	       /* so many of them, or none */
	int near;	       /* preferred NUMA node; -1: that of the owner, if it is known */
	char *const *settings; /* KEY=VALUE */
	bool give_node;	       /* to that user and group; -1 leaves one as it is */
	uid_t node_uid;
	gid_t node_gid;
	uint32_t uid; /* who asks */
};

/*
 * What is refused of the first that cannot be had, before anything is touched: PROBLEM_IN_USE,
 * PROBLEM_NO_IOMMU, PROBLEM_GROUP_NOT_VIABLE, PROBLEM_NOT_ASSIGNABLE, PROBLEM_UNHEALTHY;
 * PROBLEM_NOT_FOUND when the owner is gone. On success *ret holds exactly `count` leases.
 */
int claim_take(struct host *h, const struct claim_request *q, const struct claim_opts *opts,
	struct leases *ret, struct problem **reterr);
/* The same refusals, touching nothing: what would be chosen, as records. */
int claim_check(struct host *h, const struct claim_request *q, const struct claim_opts *opts,
	struct leases *ret, struct problem **reterr);

enum claim_returned {
	CLAIM_RETURNED = 1,
	CLAIM_DROPPED, /* that function is gone: nothing was to be done, the record was removed */
};

/*
 * Returns one. PROBLEM_NOT_FOUND: it is on no claim; PROBLEM_IN_USE: somebody has it open, or works
 * on it. A failure on the way leaves it in quarantine, and the problem says so.
 * `from_quarantine`: only then such a one is tried again.
 */
int claim_return(struct host *h, struct bdf a, bool from_quarantine, const struct claim_opts *opts,
	struct problem **reterr);
/* All that there are, for deciding which to return; the ledger is locked for the moment only. */
int claims_list(
	struct host *h, const struct claim_opts *opts, struct leases *ret, struct problem **reterr);
/* So that records can be waited for: their folder is there. */
int claims_prepare(struct host *h, const struct claim_opts *opts, struct problem **reterr);
/*
 * A domain that has claimed this one may have been started since, or started anew: its process
 * becomes part of the record. 1: it has changed.
 */
int claim_refresh(
	struct host *h, struct bdf a, const struct claim_opts *opts, struct problem **reterr);
