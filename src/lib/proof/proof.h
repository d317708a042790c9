/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Proves on the real function that it can be given away: what VFIO promises of it is tried, one
 * thing after another, with the function itself doing DMA and raising interrupts where we know its
 * class. Its own program, its own DMA memory; nothing is written to a disk, and a frame that is
 * sent goes to its own address.
 *
 * The function must be on a VFIO driver and held by nobody. It is reset when it is opened, in the
 * course of the proof, and when it is closed; if this process dies, the kernel does the last.
 *
 * Every wait has a deadline. A function that never answers, answers with all ones or floods us with
 * interrupts gives a failed check. What is not in our hands: the kernel waits up to 60 s for a
 * function that does not come back from its reset.
 */
#pragma once

#include "base/bdf.h"
#include "base/problem.h"
#include "host/host.h"
#include "vfio/pick.h"
#include "vfio/saved.h"

#include <stdbool.h>
#include <stdint.h>

enum proof_verdict {
	PROOF_PROVED,
	PROOF_FAILED,	/* not as it has to be */
	PROOF_UNPROVED, /* could not be tried to its end: nothing is known */
	PROOF_SKIPPED,	/* this function or kernel has no such thing */
};

struct proof_check {
	const char *name; /* "config"; static */
	enum proof_verdict verdict;
	enum problem_kind kind;		    /* of what is failed or unproved */
	char *text;			    /* what was found, one line */
	char *evidence;			    /* values, a line of the kernel's log; NULL */
	char *hint;			    /* what to do about it; NULL */
	uint64_t interrupts, faults, bytes; /* seen here: signals, IOMMU faults, bytes by DMA */
	unsigned ms;
};

enum { PROOF_CHECKS_MAX = 32 };

struct proof {
	const char *device_class; /* "nvme", "igb", or "generic": what was known of it; static */
	struct proof_check v[PROOF_CHECKS_MAX];
	size_t n;
	int reset_ms;  /* -1: none was done */
	int migration; /* enum vfio_migration: what its driver offers; 0 none, -1 unknown */
};

void proof_done(struct proof *p);
#define autoproof CLEANUP(proof_done) struct proof

struct proof_target {
	struct bdf bdf;
	uint16_t vendor, device; /* as sysfs tells: a VF's own configuration space does not */
	uint32_t class_code;
	int group; /* -1: none */
	bool is_vf;
	const char *vf_token; /* UUID, when its PF is on vfio-pci; or NULL */
};

struct proof_opts {
	/*
	 * Leave out what makes the IOMMU fault: a platform may answer a fault with more than a line
	 * in the log (a contained port, firmware's own error handling).
	 */
	bool no_faults;
	enum vfio_backend backend;
	/* Where its state is kept, and whence it comes, instead of from itself; NULL: nowhere. */
	const struct vfio_saved_file *save_to, *load_from;
	/* Called when a check starts and about once a second while it waits. May be NULL. */
	void (*progress)(void *arg, const char *check, unsigned waited_ms);
	/* Asked in every wait; true ends the proof. May be NULL. */
	bool (*cancelled)(void *arg);
	void *arg;
};

/*
 * 0: *ret tells, whatever the verdicts are. -ECANCELED when `cancelled` said so; the function is
 * closed then. Always to be given to proof_done().
 */
int proof_run(struct host *h, const struct proof_target *t, const struct proof_opts *opts,
	struct proof *ret, struct problem **reterr);

/* What proof_run would know of such a function: "nvme". */
const char *proof_class(const struct proof_target *t);
/* "proved", "failed", "unproved", "skipped". */
const char *proof_verdict_name(enum proof_verdict v);
/* The check that decides: the first failed one, else the first unproved one; NULL: all is proved.
 */
const struct proof_check *proof_obstacle(const struct proof *p);
