// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "out/function.h"
#include "select/select.h"

static const struct option options[] = { OPTION_COLUMNS, OPTION_HOLDERS };

static const struct example examples[] = {
	{ "list", "all functions" },
	{ "list class=network driver=igb", "network functions on igb" },
	{ "list --holders class=network", "and who uses them" },
	{ "list -o ADDRESS,DRIVER ens1f0/vf0-3", "four VFs, two columns" },
	{ "--root web1.tar list --json", "another machine's, for a program" },
};

/* What the answer shows decides what is read: some facts cost as much as all the others. */
static unsigned needed(const struct cli *cli, const struct args *a)
{
	unsigned brief = a->n_words ? 0 : INVENTORY_BRIEF;

	if (out_is_json(&cli->out))
		return brief | INVENTORY_NAMES | INVENTORY_OVERRIDES | INVENTORY_SRIOV;
	return brief | function_columns_need(cli->out.columns);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoselection found = { 0 };
	struct host *h;
	int r;

	r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = cli_inventory(cli, needed(cli, a), &inv, reterr);
	if (r == 0)
		r = select_matching(h, inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = cli_holders(cli, a, inv, "ADDRESS,KIND,CLASS,DRIVER,GROUP,NAME,HOLDER", reterr);
	if (r == 0)
		r = out_functions(
			&cli->out, (const struct function *const *)found.v, found.n, reterr);
	if (r == 0 && !found.n && !out_is_json(&cli->out))
		fputs("vfctl: no function matches\n", cli->out.notes);
	return r;
}

const struct verb verb_list = {
	.name = "list",
	.section = VERB_LOOK,
	.args = "[SELECTOR…]",
	.summary = "functions, their drivers, groups and VFs",
	.description = "Shows the machine's PCI functions, or those that a selector names.\n"
		       "Several attributes (driver=, class=…) must all hold; names add up.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = function_columns,
	.n_columns = &n_function_columns,
	.completes = "<function>",
	.max_args = ANY_NUMBER,
	.run = run,
};
