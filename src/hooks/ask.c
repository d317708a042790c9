// SPDX-License-Identifier: GPL-2.0-or-later
#include "turn.h"

#include "base/str.h"
#include "ipc/client.h"

#include <time.h>

uint64_t turn_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

unsigned turn_left_ms(const struct turn *t, unsigned least_ms)
{
	uint64_t now = turn_now_ms();
	uint64_t left = t->end_ms > now ? t->end_ms - now : 0;

	return (unsigned)MAX(left, (uint64_t)least_ms);
}

static int find(unsigned deadline_ms, struct daemon **ret, struct problem **reterr)
{
	int r = daemon_find_within(deadline_ms, ret);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r == 0)
		return problem(reterr, TURN_NOBODY, PROBLEM_NOT_FOUND, "systemctl status vfctld",
			"vfctld, which gives functions out, is not there");
	return 0;
}

int turn_find_daemon(unsigned deadline_ms, struct problem **reterr)
{
	CLEANUP(daemon_freep) struct daemon *d = NULL;

	return find(deadline_ms, &d, reterr);
}

int turn_ask_daemon(const struct order *o, unsigned deadline_ms, struct problem **reterr)
{
	CLEANUP(daemon_freep) struct daemon *d = NULL;
	struct problem *p = NULL;
	int r = find(deadline_ms, &d, reterr);

	if (r < 0)
		return r;
	r = daemon_claim(d, o, NULL, deadline_ms, NULL, &p);
	if (r < 0 && daemon_was_silent(p)) {
		r = TURN_NOBODY;
		problem_hint(&p, "systemctl status vfctld");
	}
	if (r < 0 && reterr)
		*reterr = TAKE_PTR(p);
	problem_free(p);
	return r;
}
