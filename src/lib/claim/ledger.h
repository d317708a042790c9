/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The records of all claims (lease/lease.h), as those see them who may change them: below the
 * run-time folder, one lock for the whole. The lock is for choosing and for changes of state that
 * others must not miss; who works on a function meanwhile is told by its record (TAKING, RETURNING
 * and the worker), so that work on one PF does not hold up the others.
 */
#pragma once

#include "lease/lease.h"
#include "store/lock.h"

struct ledger {
	struct host *h;
	char *dir, *lock_dir;
	struct lock lock;
};

/*
 * Opens and locks, waiting up to `wait_ms`. PROBLEM_IN_USE, PROBLEM_TIMEOUT; PROBLEM_PERMISSION
 * also when others than root could write there: what is recorded is done to the machine.
 */
int ledger_open(struct host *h, const char *run_dir, unsigned wait_ms, struct ledger *ret,
	struct problem **reterr);
/* Lets others in; reading and writing of records that are ours goes on. */
void ledger_unlock(struct ledger *l);
void ledger_done(struct ledger *l);
#define autoledger CLEANUP(ledger_done) struct ledger

/* All that can be read; what cannot is in unreadable. PROBLEM_IO when the folder cannot. */
int ledger_load(struct ledger *l, struct leases *ret, struct problem **reterr);
/* Written wholly or not at all. */
int ledger_put(struct ledger *l, const struct lease *lease, struct problem **reterr);
/* 1 removed, 0 was not there. */
int ledger_remove(struct ledger *l, struct bdf a, struct problem **reterr);
/* Fills worker: this process works on it from now on, or (state HELD, QUARANTINE) nobody does. */
void lease_set_state(struct host *h, struct lease *l, enum lease_state state);
/* Somebody else, who lives, takes or returns it now. */
bool lease_is_busy(struct host *h, const struct lease *l);
