/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For each function that was asked for: can the guest have it, or what does it get in its place,
 * and why? Only looks; what opening finds out later can still turn a choice into its fallback.
 */
#pragma once

#include "request.h"

#include "host/host.h"
#include "inventory/inventory.h"
#include "select/select.h"

enum launch_how { LAUNCH_VFIO, LAUNCH_NET, LAUNCH_DISK };

struct launch_choice {
	const struct launch_vf *vf;
	const struct function *function; /* borrowed; NULL: there is none */
	enum launch_how how;
	struct mac mac; /* of a function with a standby: its own; zero: nobody knows */
	char representor[UPLINK_NAME_MAX + 1]; /* the host's end of its wire; "" not asked for */
	struct problem *why;		       /* why not the function; NULL for LAUNCH_VFIO */
};

/* What launch_memory_plan() decided. */
struct launch_memory {
	int node;    /* -1: any */
	bool only;   /* from that node or not at all */
	bool no_thp; /* the host gives no transparent huge pages */
};

struct launch_plan {
	struct launch_choice *v; /* one for each of the request's vfs, in order */
	size_t n;
	const char *identity_dir; /* the request's */
	struct launch_memory memory;
};

/*
 * Makes one of those the guest's and says which. What it fails with turns the choice into its
 * fallback, except PROBLEM_USAGE and the like.
 */
typedef int launch_claim_fn(
	void *arg, const struct selection *s, struct bdf *ret, struct problem **reterr);

/*
 * With `claim` the functions are had from who lends them, as they will be when he has; without
 * (NULL) those count that can be opened as they are.
 * Borrows the request and the inventory. Fails with the reason for the first function that cannot
 * be had and has no fallback.
 */
int launch_plan_make(struct host *h, const struct inventory *inv, const struct launch_request *r,
	launch_claim_fn *claim, void *arg, struct launch_plan *ret, struct problem **reterr);
void launch_plan_done(struct launch_plan *p);
#define autolaunchplan CLEANUP(launch_plan_done) struct launch_plan

/* Takes `why`. Turns the choice into its fallback; without one, hands `why` over in *reterr. */
int launch_fall_back(
	struct launch_choice *c, int code, struct problem *why, struct problem **reterr);
/*
 * May this process pin the guest's memory? Raises the limit where it can; if that does not help,
 * every function that is still to be assigned falls back.
 */
int launch_check_memlock(struct launch_plan *p, uint64_t memory_bytes, struct problem **reterr);
bool launch_plan_has_vfio(const struct launch_plan *p);
/* "virtio-net on tap0"; allocated. "VFIO" for a function. */
char *launch_choice_text(const struct launch_choice *c) NODISCARD;
