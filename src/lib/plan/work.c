// SPDX-License-Identifier: GPL-2.0-or-later
/* Locks, and what was left behind. */
#include "work.h"
#include "back.h"

#include "base/str.h"

enum { POLL_MS = 100, TELL_MS = 1000 };

static void release(struct work *w)
{
	for (size_t i = 0; i < w->n; i++)
		lock_release(&w->locks[i]);
	w->n = 0;
}

void work_end(struct work *w)
{
	if (!w)
		return;
	release(w);
	free(w->locks);
	free(w->bdfs);
	free(w->lock_dir);
	free(w);
}

static int compare(const void *a, const void *b)
{
	const struct bdf *x = a, *y = b;

	return bdf_cmp(*x, *y);
}

/* "pid 4711 (create eth0 4)" of what the lock says. */
static char *owner_text(const char *who)
{
	size_t pid = who ? strcspn(who, " ") : 0;

	if (!pid || !who[pid])
		return strdup("another vfctl");
	return str_printf("pid %.*s (vfctl %s)", (int)pid, who, who + pid + 1);
}

static int too_late(struct bdf a, const char *owner, bool waited, const struct apply_opts *opts,
	struct problem **reterr)
{
	autofree char *safe = owner ? str_printable(owner) : NULL;
	int r = waited ? -ETIMEDOUT : -EBUSY;

	return problem(reterr, r, waited ? PROBLEM_TIMEOUT : PROBLEM_IN_USE,
		opts->lock_ms ? "try again when it has ended" : "--timeout SECONDS waits for it",
		"%s works on %s", safe ? safe : "another vfctl", BDF_TEXT(a));
}

static int take_one(struct work *w, struct bdf a, const struct apply_opts *opts, const char *who,
	uint64_t begin, struct problem **reterr)
{
	uint64_t told = begin;

	for (;;) {
		autofree char *other = NULL, *owner = NULL, *text = NULL;
		uint64_t now = host_now_ms(w->h);
		int r = lock_try(w->lock_dir, BDF_TEXT(a), who, &w->locks[w->n], &other);

		if (r == 0) {
			w->bdfs[w->n++] = a;
			return 0;
		}
		if (r != -EWOULDBLOCK)
			return problem(reterr, r, problem_kind_from_errno(r),
				"nothing was changed; run it as root", "cannot lock %s in %s: %s",
				BDF_TEXT(a), w->lock_dir, strerror(-r));
		owner = owner_text(other);
		if (now - begin >= opts->lock_ms)
			return too_late(a, owner, opts->lock_ms > 0, opts, reterr);
		text = str_printf("waiting for %s to end", owner ? owner : "another vfctl");
		if (opts->waiting && text && now - told >= TELL_MS) {
			told = now;
			opts->waiting(opts->arg, text, (unsigned)(now - begin));
		}
		host_sleep_ms(w->h, POLL_MS);
	}
}

static int new_work(struct host *h, size_t n, const struct apply_opts *opts, struct work **ret)
{
	autowork *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->h = h;
	w->locks = calloc(n + 1, sizeof(*w->locks));
	w->bdfs = calloc(n + 1, sizeof(*w->bdfs));
	if (opts->journal)
		w->lock_dir = str_printf("%s/lock", opts->journal->run_dir);
	if (!w->locks || !w->bdfs || (opts->journal && !w->lock_dir))
		return -ENOMEM;
	*ret = TAKE_PTR(w);
	return 0;
}

/* In the order of addresses, so that two who want several never wait for each other. */
static int take_all(struct work *w, const struct bdf *pfs, size_t n, const struct apply_opts *opts,
	struct problem **reterr)
{
	autofree struct bdf *sorted = calloc(n + 1, sizeof(*sorted));
	autofree char *who = str_printf("%d %s", getpid(), opts->verb);
	uint64_t begin = host_now_ms(w->h);
	int r = 0;

	if (!sorted || !who)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (n)
		memcpy(sorted, pfs, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!i || !bdf_eq(sorted[i], sorted[i - 1]))
			r = take_one(w, sorted[i], opts, who, begin, reterr);
	return r;
}

int work_begin(struct host *h, const struct bdf *pfs, size_t n, const struct apply_opts *opts,
	struct work **ret, struct problem **reterr)
{
	autowork *w = NULL;
	int r = new_work(h, n, opts, &w);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (opts->journal)
		r = take_all(w, pfs, n, opts, reterr);
	/* Only now: who died while we waited for him has left something behind. */
	if (r == 0)
		r = recover_all(w, opts, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(w);
	return 0;
}

int work_recover(struct host *h, const struct apply_opts *opts, struct problem **reterr)
{
	autowork *w = NULL;

	return work_begin(h, NULL, 0, opts, &w, reterr);
}
