// SPDX-License-Identifier: GPL-2.0-or-later
#include "run.h"

static int cancelled(struct proof_run *r)
{
	if (!r->cancelled && r->opts->cancelled)
		r->cancelled = r->opts->cancelled(r->opts->arg);
	return r->cancelled ? -ECANCELED : 0;
}

static void tell(struct proof_run *r, uint64_t *told_ms, uint64_t now)
{
	const struct proof *p = r->proof;

	if (now - *told_ms < 1000 || !p->n || !r->opts->progress)
		return;
	*told_ms = now;
	r->opts->progress(r->opts->arg, p->v[p->n - 1].name, (unsigned)(now - r->started_ms));
}

int proof_wait(struct proof_run *r, unsigned ms, int (*done)(void *arg), void *arg)
{
	uint64_t start = host_now_ms(r->host), told = start;

	for (;;) {
		uint64_t now = host_now_ms(r->host);
		int e = cancelled(r);

		if (e == 0)
			e = done(arg);
		if (e != 0)
			return e;
		/* Asked once more after the time was up: a busy machine may have stolen it. */
		if (now - start > ms)
			return 0;
		tell(r, &told, now);
		host_sleep_ms(r->host, 1);
	}
}
