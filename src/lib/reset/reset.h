/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resetting a function through the kernel: who is reset along with it, who would be hurt, and
 * whether all of them are as they were when it is over.
 *
 *   flr, af_flr, pm, acpi, device_specific   the function alone; of a PF its VFs too, because a PF
 *                                            that is reset has VF Enable off until the kernel has
 *                                            put it back (PCIe 5.0, 9.2.1.2)
 *   bus, cxl_bus                             everything below the bridge above the function
 *
 * The kernel offers "bus" only to the only function of a bus; for all of a bus there is the
 * bridge's own reset_subordinate, where the kernel has it.
 *
 * What is written takes the device lock, so it is written with a deadline.
 *
 * Users of this header also name the rooms pci, sriov, netdev, iommu, inventory and topology.
 */
#pragma once

#include "topology/topology.h"

struct reset_plan {
	const struct function **set; /* that are reset together; the function itself is the first */
	size_t n_set;
	char *method;  /* "flr"; NULL: the kernel does not tell (before 5.15) */
	char *listed;  /* the text of reset_method, "flr pm bus"; NULL: no such file */
	bool must_set; /* reset_method is to be set to `method`, and back to `listed` */
	const struct function
		*bridge; /* whose reset_subordinate is written; NULL: the function's */
};

struct reset_opts {
	bool force; /* also what the host uses or has a driver on; never what VFIO holds */
	unsigned deadline_ms; /* 0: a little more than the kernel itself waits for a device */
	/* About once a second while waiting. */
	void (*waiting)(void *arg, const char *text, unsigned waited_ms);
	/* Something to know that is no failure. */
	void (*note)(void *arg, const char *text, const char *hint);
	void *arg;
};

/*
 * `method` NULL: the first that the kernel would use. Touches nothing. PROBLEM_UNSUPPORTED when
 * there is none, or not that one, with those that there are in the hint.
 */
int reset_plan(struct host *h, const struct topology *t, const struct function *f,
	const char *method, struct reset_plan *ret, struct problem **reterr);
void reset_plan_done(struct reset_plan *p);
#define autoresetplan CLEANUP(reset_plan_done) struct reset_plan

/* PROBLEM_IN_USE when one of the set is held; 1 when it may be done. Touches nothing. */
int reset_check(struct host *h, const struct reset_plan *p, const struct reset_opts *opts,
	struct problem **reterr);
/* The same, then does it and verifies; 1. reset_method is as before in any case. */
int reset_do(struct host *h, const struct reset_plan *p, const struct reset_opts *opts,
	struct problem **reterr);

/*
 * Plan and deed (or check) of one function, told line by line: itself ("reset by flr"), then what
 * was reset along with it; a failure is the function's own. `p` is the callee's.
 */
typedef void reset_line(
	void *arg, const char *subject, const char *text, int code, struct problem *p);
void reset_told(struct host *h, const struct topology *t, const struct function *f,
	const char *method, bool dry_run, const struct reset_opts *opts, reset_line *line,
	void *arg);
