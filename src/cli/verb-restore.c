// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"

static const struct option options[] = { OPTION_ALLOW_IN_USE, OPTION_TIMEOUT };

static const struct example examples[] = {
	{ "restore 3b:02.1", "one function" },
	{ "restore driver=vfio-pci", "all that VFIO has" },
	{ "restore --dry-run ens1f0/vf0-3", "what would be done" },
};

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	static const struct act_driver restore = { WISH_RESTORE, driver_restore_check, "restore" };

	return act_on_each(cli, a, &restore, reterr);
}

const struct verb verb_restore = {
	.name = "restore",
	.section = VERB_ACT,
	.args = "SELECTOR…",
	.summary = "give functions back to the drivers they had",
	.description =
		"Gives each function the driver and driver_override from before vfctl bound or\n"
		"unbound it. Where nothing is remembered, the kernel chooses for those on a\n"
		"VFIO driver, and the others stay.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
