/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How well functions are: a judgement from what the kernel tells anyway (sign.def), which changes
 * nothing, waits for nobody and sends no command to a device. What is unhealthy is given to nobody
 * (claim/choose.c).
 *
 * Users of this header also name the rooms pci, sriov, netdev, iommu, inventory and cause in USES.
 */
#pragma once

#include "cause/fact.h"
#include "inventory/inventory.h"

/* In order of how bad it is. */
enum health_state {
	HEALTH_OK,
	HEALTH_NOTED,	 /* healthy, but there is something to know */
	HEALTH_DEGRADED, /* works, and others are better */
	HEALTH_UNHEALTHY,
	HEALTH_STATES
};

struct health_sign {
	const char *name;
	const char *explain; /* for the manual */
};
extern const struct health_sign health_signs[];
extern const size_t n_health_signs;

struct health_finding {
	const struct health_sign *sign;
	enum health_state state;
	char *text;	  /* one sentence, printable */
	struct fact fact; /* the evidence */
	char *next;	  /* a command, or what to look at; NULL: nothing */
};

/* The kernel's counters; since it came, or since they were last forgiven. */
struct health_errors {
	bool known;
	uint64_t correctable, nonfatal, fatal;
};

struct health {
	enum health_state state;  /* the worst of: */
	struct health_finding *v; /* the worst first */
	size_t n;
	struct health_errors total, fresh;
};

/*
 * That of n functions of `inv`, which must outlive it and know interfaces' numbers (no
 * INVENTORY_BRIEF). Only memory that runs out is an error: what cannot be read is no sign.
 */
struct healths;
int healths_look(struct host *h, const struct inventory *inv, const struct function *const *f,
	size_t n, struct healths **ret, struct problem **reterr);
/* Of a function that was asked for; NULL for others. Borrowed. */
const struct health *healths_of(const struct healths *s, const struct function *f);
void healths_free(struct healths *s);
DEFINE_AUTO(struct healths, healths_free);
#define autohealths CLEANUP(healths_freep) struct healths

/* "healthy", "degraded", "unhealthy"; what is merely noted is healthy. */
const char *health_state_name(enum health_state s);
/* -EPERM, PROBLEM_UNHEALTHY with the reason and what to do, when it is unhealthy. */
int health_refuse(const struct health *health, const char *address, struct problem **reterr);

/*
 * What was counted and said until a mark was made is not held against the function any more: it
 * was recovered, or somebody has decided so. Forgotten with the function, and at the next boot.
 */
#define HEALTH_DIR "health"
struct health_mark {
	struct bdf bdf;
	uint64_t incarnation; /* lease/lease.h */
	uint64_t log;	      /* the next line of the kernel's log; 0: it cannot be read */
	struct health_errors errors;
};
/* PROBLEM_VANISHED: it is not there. */
int health_mark(struct host *h, struct bdf a, struct health_mark *ret, struct problem **reterr);
int health_forgive(const struct health_mark *m, const char *run_dir, struct problem **reterr);
