/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a PF and its VFs are not as the configuration says, who is not to be disturbed by putting
 * that right, and whether it is ours to put right.
 *
 * A difference is what `vfctl plan` would change, found by comparing the machine with the
 * configuration and by nothing that was remembered. What is on a claim has its owner's settings and
 * driver, and does not drift. What somebody uses is told and left alone: its wishes are not among
 * those that repair. Nor is anything repaired after vfctl itself was told otherwise: when its last
 * change of the PF was no apply of the configuration, somebody decided so by hand.
 *
 * Users of this header also name the rooms policy, plan and what these need in USES.
 */
#pragma once

#include "plan/journal.h"
#include "policy/policy.h"

enum drift_mode { DRIFT_IGNORED, DRIFT_REPORTED, DRIFT_REPAIRED };

struct difference {
	char *function; /* "0000:01:00.0", "0000:01:00.0/vf3" */
	char *wanted;	/* "vlan=100", "bind to vfio-pci", "4 VFs" */
	char *is;	/* "vlan=0"; NULL unknown */
	char *source;	/* "/etc/vfctl/pf.d/10-x.conf:7"; NULL unknown */
	char *held;	/* who uses it, so that it stays; NULL nobody */
};

struct drift {
	struct bdf pf;
	enum drift_mode mode; /* as the configuration says */
	struct difference *v;
	size_t n;
	char *decided;	      /* "create eth0 2 (17)": it was made so by hand; NULL: by no vfctl */
	struct wishes repair; /* what may be put right; without what is used or claimed */
	bool can_repair;      /* mode, hand and holders leave something to do */
};

struct drift_opts {
	const char *driver_dir;		    /* as in driver/driver.h */
	const struct journal_place *places; /* NULL: nobody knows who did what */
};

/*
 * `p` was loaded from `inv`, which has INVENTORY_OVERRIDES and INVENTORY_SRIOV, and has no error
 * about this PF. A PF that no file is about does not drift. Touches nothing.
 */
int drift_find(struct host *h, const struct inventory *inv, const struct policy *p, struct bdf pf,
	const struct drift_opts *opts, struct drift *ret, struct problem **reterr);
void drift_done(struct drift *d);
#define autodrift CLEANUP(drift_done) struct drift

/*
 * Whether a vfctl is changing the PF at this moment: what differs then may be on its way. *ret_last
 * is the number of the last change of anything: another one afterwards, and it was so meanwhile.
 */
bool drift_is_changing(const struct journal_place *places, struct bdf pf, unsigned *ret_last);

/* "0000:01:00.0/vf3: vlan=100 is wanted, it is vlan=0 (FILE:7); in use: …". NULL: no memory. */
char *difference_text(const struct difference *d) NODISCARD;

/* For this room: the last change of the PF by vfctl, if that was no apply. NULL: it was, or none.
 */
int history_decided(const struct journal_place *places, struct bdf pf, char **ret);
