// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The same work, done by vfctld: what it tells goes to the same callbacks, and its answer is the
 * answer. Verbs do not see the difference.
 */
#include "act.h"
#include "interrupt.h"
#include "base/str.h"

int act_find_daemon(struct act *act, struct problem **reterr)
{
	int r;

	if (!act->cli->asks_daemon || act->cli->root || act->cli->dry_run)
		return 0;
	r = daemon_find(&act->daemon);
	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory") : 0;
}

int act_ask(struct act *act, const struct wishes *w, const struct plan_opts *how,
	const struct apply_opts *opts, struct problem **reterr)
{
	const struct daemon_told told = { .apply = opts };
	const struct order o = {
		.kind = ORDER_CHANGE,
		.wishes = *w,
		.command = act->command,
		.keep_going = opts->keep_going,
		.allow_destroy = how->allow_destroy,
		.allow_in_use = how->allow_in_use,
		.as_is = how->as_is,
		.wait_for_holder = how->wait_for_holder,
		.force = opts->act.allow_in_use,
		.skip_refused = act->skips_refused,
		.record = act->records,
		.timeout_ms = act->timeout_ms,
	};

	interrupt_catch();
	return daemon_do(act->daemon, &o, &told, &act->journal_id, reterr);
}

static void line_told(void *arg, const char *subject, const char *text, int code, struct problem *p)
{
	act_add(arg, subject, code, p, "%s", text);
}

int act_ask_reset(
	struct act *act, const struct selection *s, const char *method, struct problem **reterr)
{
	const struct apply_opts opts = act_apply_opts(act);
	const struct daemon_told told = { .apply = &opts, .line = line_told };
	autostrv char **functions = NULL;
	autofree char *how = method ? strdup(method) : NULL;
	struct order o = { .kind = ORDER_RESET,
		.command = act->command,
		.method = how,
		.force = act->allow_in_use,
		.timeout_ms = act->timeout_ms };
	int r = method && !how ? -ENOMEM : 0;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = strv_add(&functions, s->v[i]->address);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	o.functions = functions;
	interrupt_catch();
	r = daemon_do(act->daemon, &o, &told, NULL, reterr);
	return MIN(r, 0);
}

int act_ask_claim(struct act *act, struct order *o, const struct bdf *functions, size_t n,
	char **ret_answer, struct problem **reterr)
{
	const struct apply_opts opts = act_apply_opts(act);
	const struct daemon_told told = { .apply = &opts, .line = line_told };
	int r = wish_put(&o->command, act->command);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = strv_add(&o->functions, BDF_TEXT(functions[i]));
	o->timeout_ms = act->timeout_ms;
	if (r < 0)
		problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	interrupt_catch();
	if (r == 0)
		r = daemon_claim(act->daemon, o, &told, 0, ret_answer, reterr);
	order_done(o);
	return r;
}
