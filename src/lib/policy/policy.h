/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of PFs and their VFs, vfctl-pf.d(5), against the functions of a machine: for
 * each PF what is wanted of it, from which line each value comes, and everything that is wrong.
 *
 * One file is about a PF, or none: two that match one PF are an error, so that no order of files
 * decides in secret. Within it [VF …] sections with fewer VFs win over those with more, and of
 * equals the later line; a drop-in's lines come after those of the file.
 *
 * Configuration with an error is applied to nothing at all: see policy_refuse().
 *
 * Users of this header also name the rooms select, setting, identity, plan and what these need.
 */
#pragma once

#include "finding.h"
#include "identity/identity.h"
#include "line.h"
#include "plan/wish.h"

struct policy_opts {
	/* Files or folders instead of the machine's own configuration; NULL: that. */
	char *const *files;
	struct host *files_host;  /* where they are; NULL: on the machine that is asked about */
	const char *cwd;	  /* what relative ones begin at */
	const char *identity_dir; /* NULL: IDENTITY_DIR */
	const char *learned_dir;  /* as in setting/setting.h */
};

struct policy_value {
	const struct policy_key *key;
	char *text;			    /* stable addresses as the addresses that they are */
	const struct policy_line *from;	    /* where it stands */
	const struct policy_line **instead; /* lines of the same key that it won over, */
	size_t n_instead;		    /* the last loser last */
};

struct policy_target {
	int vf; /* -1: the PF itself */
	struct policy_value *v;
	size_t n;
};

struct policy_pf {
	const struct function *f; /* borrowed from the inventory */
	const struct policy_text *by;
	struct policy_target self;
	struct policy_target *vfs; /* those that exist or are wanted, by index */
	size_t n_vfs;
	bool known; /* its identity could be verified: new, the same, or moved */
};

struct policy {
	struct policy_keys keys;
	struct policy_units units; /* the files as they are */
	struct policy_text *texts; /* what they say, one for each unit */
	struct policy_pf *pfs;	   /* by address; only those that some file is about */
	size_t n_pfs;
	struct findings findings; /* sorted */
};

/* Fails for want of memory only: what is wrong is in findings. `inv` needs no flags. */
int policy_load(struct host *h, const struct inventory *inv, const struct policy_opts *opts,
	struct policy **ret);
void policy_free(struct policy *p);
DEFINE_AUTO(struct policy, policy_free);

/*
 * Also what vfctl.conf(5) says: one more unit, the last, and its own findings. For who shows and
 * checks configuration; nothing of it is applied. -ENOMEM.
 */
int policy_add_general(struct policy *p, struct host *h);

/*
 * Before anything is applied: PROBLEM_USAGE that quotes the first error, when there is any, or
 * PROBLEM_DRIFT when nothing but cards is wrong.
 */
int policy_refuse(const struct policy *p, struct problem **reterr);
/*
 * The same for one PF: what is wrong for another, such as its card, does not hinder it. What cannot
 * be understood hinders all.
 */
int policy_refuse_for(const struct policy *p, const struct function *pf, struct problem **reterr);
/*
 * After policy_refuse(). Each value's line is the wish's source. Stable addresses that a captured
 * machine does not tell are left out; policy_lacks_addresses() says whether there are any.
 */
int policy_wishes(const struct policy *p, struct wishes *ret);
bool policy_lacks_addresses(const struct policy *p);

/* The value of that key, by its name; NULL: none. */
const struct policy_value *policy_target_get(const struct policy_target *t, const char *key);
/* "/etc/vfctl/pf.d/10-x.conf:3"; NULL: no memory. */
char *policy_line_source(const struct policy_line *l) NODISCARD;

/* ---- Pools ---- */

struct policy_member {
	const struct policy_pf *pf;
	int vf;
	const struct function *f; /* NULL: does not exist yet */
	const struct policy_line *from;
};

struct policy_pool {
	const char *name; /* borrowed */
	struct policy_member *v;
	size_t n;
};

struct policy_pools {
	struct policy_pool *v; /* by name */
	size_t n;
};

int policy_pools_find(const struct policy *p, struct policy_pools *ret);
void policy_pools_done(struct policy_pools *p);
#define autopolicypools CLEANUP(policy_pools_done) struct policy_pools
/*
 * The members of one pool that exist, allocated. PROBLEM_NOT_FOUND: none is called so. Before it
 * the configuration is refused if it has errors.
 */
int policy_pool_members(const struct policy *p, const char *name, struct bdf **ret, size_t *ret_n,
	struct problem **reterr);
/* Puts each existing member's pool into the inventory, where the selector pool=NAME finds it. */
int policy_label(const struct policy *p, struct inventory *inv);
