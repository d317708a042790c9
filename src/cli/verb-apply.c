// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "wanted.h"
#include "out/plan.h"

static const struct option options[] = {
	{ 0, "yes", TAKES_NOTHING, NULL, "do not ask", NULL },
	OPTION_ALLOW_DESTROY,
	OPTION_ALLOW_IN_USE,
	{ 0, "keep-going", TAKES_NOTHING, NULL, "go on when something fails or is refused", NULL },
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "apply", "asks first, on a terminal" },
	{ "apply --yes ./10-uplink.conf", "this file, without" },
	{ "apply --allow-destroy", "VFs that nobody uses may go" },
};

static int apply(
	struct act *act, const struct wishes *w, const struct args *a, struct problem **reterr)
{
	autoplan plan = { 0 };
	autonow now = { 0 };
	int r = act->cli->dry_run ? 0 : wanted_lock(act, w, reterr);

	if (r == 0)
		r = wanted_plan(act, w, a, &now, &plan, reterr);
	if (r < 0)
		return r;
	if (act->cli->dry_run)
		return wanted_show(act, &plan, reterr);
	r = wanted_apply(act, &plan, a, reterr);
	if (r)
		return r;
	r = act_record_cards(act, w, reterr);
	return r < 0 ? problem_wrap(reterr, r,
			       "all is as it should be, but which cards have it cannot be noted")
		     : 0;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autowishes w = { 0 };
	autoact act = { 0 };
	int r;

	r = cli_may_act(cli, reterr);
	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = wanted_read(&act, a, &w, reterr);
	return r < 0 ? r : apply(&act, &w, a, reterr);
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
		"--allow-destroy, used ones only with --allow-in-use too, and held ones never.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<file>",
	.min_args = 0,
	.max_args = ANY_NUMBER,
	.run = run,
};
