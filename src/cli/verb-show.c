// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "out/show.h"
#include "select/select.h"

static const struct example examples[] = {
	{ "show ens1f0", "a PF and the attributes of its VFs" },
	{ "show 0000:3b:02.1", "a function by its address" },
	{ "show nvme0/vf0 --json", "a VF, for a program" },
};

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(about_freep) struct about *about = NULL;
	struct function *f = NULL;
	struct host *h = NULL;
	int r;

	r = cli_inventory(cli, INVENTORY_ALL, &inv, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = select_one(h, inv, a->words[0], &f, reterr);
	if (r == 0)
		r = about_load(h, inv, f, cli->learned_dir, &about, reterr);
	return r < 0 ? r : out_show(&cli->out, about, reterr);
}

const struct verb verb_show = {
	.name = "show",
	.section = VERB_LOOK,
	.args = "SELECTOR",
	.summary = "everything about one function",
	.description =
		"Shows one function: identity, driver, IOMMU group, users, SR-IOV capability,\n"
		"interfaces, drivers that it could have, the way to the root port, interrupts,\n"
		"resets, link, regions, what the PF set for each VF, and what its driver lets\n"
		"be set: as the kernel tells, or as it answered before.\n",
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
