// SPDX-License-Identifier: GPL-2.0-or-later
#include "ledger.h"
#include "owner.h"

#include "base/str.h"
#include "store/store.h"

enum { POLL_MS = 20 };

void ledger_unlock(struct ledger *l)
{
	lock_release(&l->lock);
}

void ledger_done(struct ledger *l)
{
	if (l->dir)
		ledger_unlock(l);
	free(l->dir);
	free(l->lock_dir);
	*l = (struct ledger) { .lock = { -1 } };
}

static int check_safe(const char *dir, struct problem **reterr)
{
	int r = store_is_safe(dir);

	if (r == 0 || r == -ENOENT)
		return 0;
	return problem(reterr, r, r == -EPERM ? PROBLEM_PERMISSION : problem_kind_from_errno(r),
		"only root may write there: chown root and chmod 0755, after a look at what is in it",
		r == -EPERM ? "%s: others than root could write claims" : "%s: cannot be used",
		dir);
}

static int wait_for_lock(struct ledger *l, unsigned wait_ms, struct problem **reterr)
{
	uint64_t until = host_now_ms(l->h) + wait_ms;
	autofree char *who = str_printf("%d claims", getpid());

	for (;;) {
		autofree char *other = NULL, *safe = NULL;
		int r = who ? lock_try(l->lock_dir, LEASE_DIR, who, &l->lock, &other) : -ENOMEM;

		if (r == 0)
			return 0;
		if (r != -EWOULDBLOCK)
			return problem(reterr, r, problem_kind_from_errno(r),
				"nothing was changed; run it as root",
				"cannot lock the claims in %s: %s", l->lock_dir, strerror(-r));
		if (host_now_ms(l->h) >= until) {
			safe = other ? str_printable(other) : NULL;
			return problem(reterr, wait_ms ? -ETIMEDOUT : -EBUSY,
				wait_ms ? PROBLEM_TIMEOUT : PROBLEM_IN_USE, "try again",
				"another vfctl works on the claims (pid %s)", safe ? safe : "?");
		}
		host_sleep_ms(l->h, POLL_MS);
	}
}

int ledger_open(struct host *h, const char *run_dir, unsigned wait_ms, struct ledger *ret,
	struct problem **reterr)
{
	autoledger l = { .h = h, .lock = { -1 } };
	int r;

	l.dir = str_printf("%s/" LEASE_DIR, run_dir);
	l.lock_dir = str_printf("%s/lock", run_dir);
	if (!l.dir || !l.lock_dir)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = check_safe(run_dir, reterr);
	if (r == 0)
		r = check_safe(l.dir, reterr);
	if (r == 0)
		r = wait_for_lock(&l, wait_ms, reterr);
	if (r < 0)
		return r;
	*ret = l;
	l = (struct ledger) { .lock = { -1 } };
	return 0;
}

static int load(struct ledger *l, struct leases *s)
{
	autostrv char **names = NULL;
	int r = store_list(l->dir, &names);

	for (char **name = names; r == 0 && *name; name++) {
		autofree char *text = NULL;
		int e = store_get(l->dir, *name, &text);

		if (e != -ENOENT)
			r = leases_add_record(s, *name, e, text);
	}
	return r;
}

int ledger_load(struct ledger *l, struct leases *ret, struct problem **reterr)
{
	autoleases s = { 0 };
	int r = load(l, &s);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"the claims in %s cannot be read: %s", l->dir, strerror(-r));
	leases_sort(&s);
	*ret = s;
	s = (struct leases) { 0 };
	return 0;
}

int ledger_put(struct ledger *l, const struct lease *lease, struct problem **reterr)
{
	autofree char *text = lease_to_json(lease);
	int r = text ? store_put_for_boot(l->dir, BDF_TEXT(lease->bdf), text) : -ENOMEM;

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), "make room there",
			"the claim of %s cannot be recorded: %s", BDF_TEXT(lease->bdf),
			strerror(-r));
	return 0;
}

int ledger_remove(struct ledger *l, struct bdf a, struct problem **reterr)
{
	int r = store_remove(l->dir, BDF_TEXT(a));

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"the claim of %s cannot be removed from %s: %s", BDF_TEXT(a), l->dir,
			strerror(-r));
	return r;
}

void lease_set_state(struct host *h, struct lease *l, enum lease_state state)
{
	bool works = state == LEASE_TAKING || state == LEASE_RETURNING;

	l->state = state;
	l->worker = works ? getpid() : 0;
	l->worker_start = 0;
	/* Where the machine's processes are not ours (a test's kernel), the number alone tells. */
	if (works)
		(void)process_start(h, l->worker, &l->worker_start);
}

bool lease_is_busy(struct host *h, const struct lease *l)
{
	if (l->state != LEASE_TAKING && l->state != LEASE_RETURNING)
		return false;
	return l->worker != getpid() && process_lives(h, l->worker, l->worker_start);
}
