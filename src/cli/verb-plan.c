// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "wanted.h"
#include "out/plan.h"

static const struct option options[] = {
	{ 0, "detailed-exitcode", TAKES_NOTHING, NULL, "0: nothing to do; 2: there are changes",
		NULL },
	OPTION_PF,
	OPTION_ALLOW_DESTROY,
	OPTION_ALLOW_IN_USE,
};

static const struct example examples[] = {
	{ "plan", "what the configuration would change" },
	{ "plan --detailed-exitcode", "for scripts: is there anything to do?" },
	{ "plan ./10-uplink.conf", "what this file would change" },
	{ "plan before.json", "back to what show --json told" },
};

enum { EXIT_CHANGES = 2 };

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autowishes w = { 0 };
	autoplan plan = { 0 };
	autonow now = { 0 };
	autoact act = { 0 };
	const struct problem *no;
	int r;

	r = wanted_start(&act, cli, a, reterr);
	if (r == 0)
		r = wanted_read(&act, a, &w, reterr);
	if (r == 0)
		r = wanted_plan(&act, &w, a, &now, &plan, reterr);
	if (r == 0)
		r = out_plan(&cli->out, &plan, reterr);
	if (r < 0)
		return r;
	no = plan_refusal(&plan);
	if (no)
		return problem_kind_exit_code(no->kind);
	return args_has(a, "detailed-exitcode") && plan.n ? EXIT_CHANGES : 0;
}

const struct verb verb_plan = {
	.name = "plan",
	.section = VERB_ACT,
	.args = "[FILE…]",
	.summary = "what would change, and who would be hurt",
	.description =
		"Compares what is wanted with what is there: the configuration in pf.d, or FILEs\n"
		"of that form, or one picture in JSON (NAME.json, or - for standard input) that\n"
		"show printed. Shows the changes (+ made, ~ changed, - taken away), who holds\n"
		"what they would take, and what is refused because of it. Changes nothing.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<file>",
	.min_args = 0,
	.max_args = ANY_NUMBER,
	.run = run,
};
