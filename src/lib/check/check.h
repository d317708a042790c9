/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands between a function and a guest, and how the host is set up for that: a table of
 * checks (check.def), each of which looks at one thing, says what it found and where, and which
 * command helps. Looking only reads and never waits for a held device.
 *
 * Users of this header also name the rooms pci, sriov, netdev, iommu, inventory, cause, holder and
 * topology in USES.
 */
#pragma once

#include "cause/fact.h"
#include "holder/holder.h"
#include "inventory/inventory.h"
#include "topology/topology.h"

enum check_verdict {
	CHECK_FAIL, /* keeps the function, or every function, from a guest */
	CHECK_WARN, /* works, but not as one would want, or not safely */
	CHECK_UNKNOWN,
	CHECK_OK,
	CHECK_NOT_APPLICABLE,
	CHECK_VERDICTS
};

enum check_scope { CHECK_FUNCTION = 1 << 0, CHECK_HOST = 1 << 1 };

struct check_run;

struct check {
	const char *name;
	unsigned scope;	     /* enum check_scope */
	const char *title;   /* "the IOMMU is on" */
	const char *explain; /* for the manual: what is looked at, and why it matters */
	void (*run)(struct check_run *r);
};

/* In the order in which they decide: a cause stands before what follows from it. */
extern const struct check checks[];
extern const size_t n_checks;

struct check_result {
	const struct check *check;
	enum check_verdict verdict;
	char *text;	  /* one sentence, printable */
	struct fact fact; /* the evidence; file NULL: none that is a file */
	char *fix;	  /* a command, or what to set; NULL: nothing to do, or nothing helps */
};

/* The failures first, then warnings, unknown, passed, not applicable; each in the table's order. */
struct check_report {
	struct check_result *v;
	size_t n;
};

void check_report_done(struct check_report *r);
#define autoreport CLEANUP(check_report_done) struct check_report

/* How many have that verdict. */
size_t check_report_count(const struct check_report *r, enum check_verdict verdict);

/* What another program's configuration wants of one of our PFs. */
struct check_claim {
	const char *manager; /* "systemd", "NetworkManager", "modprobe" */
	const char *file;    /* where it says so */
	const char *pf;	     /* address */
	const char *wants;   /* "4 VFs" */
	bool conflicts;	     /* with our own configuration or with another manager's */
};

struct check_opts {
	uint64_t memory_bytes; /* of the guest; 0: not said */
	/* What others claim. NULL: nobody has looked, which is unknown. */
	const struct check_claim *claims;
	size_t n_claims;
};

/*
 * Everything that several checks, or checks of several functions, look at is read once. `inv` must
 * be loaded with INVENTORY_ALL and outlive the checker.
 */
struct checker;
int checker_new(struct host *h, const struct inventory *inv, const struct check_opts *opts,
	struct checker **ret, struct problem **reterr);
void checker_free(struct checker *c);
DEFINE_AUTO(struct checker, checker_free);
#define autochecker CLEANUP(checker_freep) struct checker

/* All checks of one function, or of the host. Only memory that runs out is an error. */
int checker_function(struct checker *c, const struct function *f, struct check_report *ret,
	struct problem **reterr);
int checker_host(struct checker *c, struct check_report *ret, struct problem **reterr);
/* Looks for the holders of several functions (and of their groups) in one walk, ahead of time. */
int checker_look_for_holders(
	struct checker *c, struct function *const *f, size_t n, struct problem **reterr);

const char *check_verdict_name(enum check_verdict v); /* JSON: "fail", "not-applicable" */
