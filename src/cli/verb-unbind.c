// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"

static const struct option options[] = { OPTION_ALLOW_IN_USE, OPTION_TIMEOUT };

static const struct example examples[] = {
	{ "unbind ens1f0/vf0", "one VF" },
	{ "unbind driver=igbvf", "all that igbvf drives" },
	{ "unbind --timeout 60 3b:02.1", "with patience for its user" },
};

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	static const struct act_driver unbind = { WISH_NO_DRIVER, driver_unbind_check, "unbind" };

	return act_on_each(cli, a, &unbind, reterr);
}

const struct verb verb_unbind = {
	.name = "unbind",
	.section = VERB_ACT,
	.args = "SELECTOR…",
	.summary = "take functions from their drivers",
	.description =
		"Leaves each function without driver and without driver_override. What it had\n"
		"before is remembered for restore.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
