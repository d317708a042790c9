/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an acting verb did, thing by thing. One failure among several does not hide what was done
 * to the others: every line has a result of its own, and the exit code is that of the first
 * failure.
 */
#pragma once

#include "out.h"

enum result_state {
	RESULT_DONE,	/* changed, and read back */
	RESULT_ALREADY, /* was so */
	RESULT_WOULD,	/* --dry-run: would change */
	RESULT_FAILED,
};

struct result {
	char *subject; /* "0000:01:10.0" */
	char *action;  /* "bind to vfio-pci", "vlan=100" */
	enum result_state state;
	struct problem *problem; /* RESULT_FAILED */
};

struct results {
	struct result *v;
	size_t n;
	bool failed; /* memory ran out: some are missing */
};

void results_done(struct results *r);
#define autoresults CLEANUP(results_done) struct results

/* `code` is what the act returned: 1 changed, 0 was so, negative errno with `p`, which is taken. */
void results_add(struct results *r, const char *subject, int code, bool dry_run, struct problem *p,
	const char *action, ...) PRINTF(6, 7);

/* Appends all of `from`, which is empty then. */
void results_move(struct results *to, struct results *from);

/*
 * A table ADDRESS ACTION RESULT, then the failures' reasons on o->notes; or {"results":[…]}.
 * Returns the exit code, or negative when showing failed.
 */
int out_results(const struct out *o, const struct results *r, struct problem **reterr);
