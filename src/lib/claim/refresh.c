// SPDX-License-Identifier: GPL-2.0-or-later
/* The records as a daemon needs them. */
#include "deed.h"
#include "guest.h"

#include "base/str.h"
#include "store/store.h"

int claims_prepare(struct host *h, const struct claim_opts *opts, struct problem **reterr)
{
	autoledger l = { .lock = { -1 } };
	int r = ledger_open(h, opts->run_dir, deed_lock_ms(opts), &l, reterr);

	if (r == 0)
		r = store_prepare(l.dir);
	if (r < 0 && reterr && !*reterr)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s",
			l.dir ? l.dir : opts->run_dir, strerror(-r));
	return r;
}

/* 1: it runs, and not as it was recorded. */
static int look_at_domain(struct host *h, struct owner *o)
{
	struct guest_run run;
	uint64_t start;

	if (guest_find(h, o->id, &run) < 0 || process_start(h, run.pid, &start) < 0 ||
		(run.pid == o->pid && start == o->start))
		return 0;
	o->pid = run.pid;
	o->start = start;
	return 1;
}

int claim_refresh(
	struct host *h, struct bdf a, const struct claim_opts *opts, struct problem **reterr)
{
	autoledger l = { .lock = { -1 } };
	autoleases all = { 0 };
	struct lease *found;
	int r = ledger_open(h, opts->run_dir, deed_lock_ms(opts), &l, reterr);

	if (r == 0)
		r = ledger_load(&l, &all, reterr);
	found = r == 0 ? leases_find(&all, a) : NULL;
	if (!found || found->state != LEASE_HELD || found->owner.kind != OWNER_DOMAIN ||
		!lease_is_of(h, found) || !look_at_domain(h, &found->owner))
		return r;
	r = ledger_put(&l, found, reterr);
	return r < 0 ? r : 1;
}
