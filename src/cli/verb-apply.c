// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "interrupt.h"
#include "wanted.h"
#include "out/complaint.h"
#include "out/plan.h"

static const struct option options[] = {
	{ 0, "yes", TAKES_NOTHING, NULL, "do not ask", NULL },
	OPTION_ALLOW_DESTROY,
	OPTION_ALLOW_IN_USE,
	OPTION_PF,
	{ 0, "keep-going", TAKES_NOTHING, NULL, "go on when something fails or is refused", NULL },
	{ 0, "retry", TAKES_VALUE, "SECONDS", "try again for so long what may yet succeed", "" },
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "apply", "asks first, on a terminal" },
	{ "apply --yes ./10-uplink.conf", "this file, without" },
	{ "apply --allow-destroy", "VFs that nobody uses may go" },
	{ "apply --yes --pf ens1f0 --retry 30", "one PF, when it has just come" },
};

static int apply(
	struct act *act, const struct wishes *w, const struct args *a, struct problem **reterr)
{
	const struct plan_opts how = wanted_consent(a);
	autoplan plan = { 0 };
	autonow now = { 0 };
	int r = act->cli->dry_run ? 0 : wanted_lock(act, w, reterr);

	if (r == 0)
		r = wanted_plan(act, w, a, &now, &plan, reterr);
	if (r < 0)
		return r;
	if (act->cli->dry_run)
		return wanted_show(act, &plan, reterr);
	act->records = true;
	r = wanted_apply(act, w, &how, &plan, a, reterr);
	if (r)
		return r;
	r = act_record_cards(act, w, reterr);
	return r < 0 ? problem_wrap(reterr, r,
			       "all is as it should be, but which cards have it cannot be noted")
		     : 0;
}

static int try_once(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autowishes w = { 0 };
	autoact act = { 0 };
	int r;

	r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r == 0)
		r = wanted_read(&act, a, &w, reterr);
	return r < 0 ? r : apply(&act, &w, a, reterr);
}

/* ---- Again ---- */

enum { FIRST_PAUSE_MS = 1000, LONGEST_PAUSE_MS = 16000, STEP_MS = 100 };

/* What time heals: a driver that is not ready, a holder that lets go. Nobody else's mistakes. */
static bool may_pass(int r, const struct problem *p)
{
	int code = r < 0 && p ? problem_kind_exit_code(p->kind) : r;

	if (r == -ECANCELED || r == -ENOMEM || interrupt_came(NULL))
		return false;
	return code == problem_kind_exit_code(PROBLEM_FAILED) ||
	       code == problem_kind_exit_code(PROBLEM_IN_USE) ||
	       code == problem_kind_exit_code(PROBLEM_TIMEOUT);
}

/* False when the user has enough. */
static bool pause_for(struct host *h, unsigned ms)
{
	uint64_t end = host_now_ms(h) + ms;

	interrupt_catch();
	while (!interrupt_came(NULL) && host_now_ms(h) < end)
		host_sleep_ms(h, STEP_MS);
	return !interrupt_came(NULL);
}

static int tell_and_wait(
	struct cli *cli, struct host *h, int r, struct problem **p, unsigned pause_ms)
{
	cli_waited(cli);
	if (r < 0)
		out_complain(&cli->out, *p, r);
	problem_free(TAKE_PTR(*p));
	fprintf(cli->out.notes, "vfctl: once more in %u s\n", pause_ms / 1000);
	fflush(cli->out.notes);
	return pause_for(h, pause_ms) ? 0 : -ECANCELED;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	unsigned retry_ms, pause_ms = FIRST_PAUSE_MS;
	struct problem *p = NULL;
	struct host *h = NULL;
	uint64_t end;
	int r = args_seconds_ms(a, "retry", &retry_ms, reterr);

	if (r == 0)
		r = cli_may_act(cli, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r < 0)
		return r;
	end = host_now_ms(h) + retry_ms;
	for (;;) {
		r = try_once(cli, a, &p);
		if (r == 0 || !may_pass(r, p) || host_now_ms(h) + pause_ms > end)
			break;
		r = tell_and_wait(cli, h, r, &p, pause_ms);
		if (r < 0)
			return problem(reterr, r, PROBLEM_FAILED, NULL, "interrupted");
		pause_ms = MIN(pause_ms * 2, (unsigned)LONGEST_PAUSE_MS);
	}
	if (r < 0 && reterr)
		*reterr = TAKE_PTR(p);
	problem_free(p);
	return r;
}

const struct verb verb_apply = {
	.name = "apply",
	.section = VERB_ACT,
	.args = "[FILE…]",
	.summary = "make it as the configuration says",
	.description =
		"Does what plan shows, and nothing when nothing differs. Every step is written\n"
		"to a journal first: when one fails all is taken back, and after a crash the\n"
		"next vfctl completes it or takes it back. VFs are destroyed only with\n"
		"--allow-destroy, used ones only with --allow-in-use too, and held ones never.\n"
		"With --retry, what failed, is in use or took too long is tried again, after 1,\n"
		"2, 4 … seconds; each try prints its own answer.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<file>",
	.min_args = 0,
	.max_args = ANY_NUMBER,
	.run = run,
};
