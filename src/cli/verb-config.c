// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl config …: the configuration of PFs. It changes nothing. */
#include "verbs.h"
#include "config.h"

#include "out/finding.h"
#include "out/policy.h"
#include "select/select.h"

static int load(struct cli *cli, const char *const *files, size_t n, struct inventory **inv,
	struct policy **p, struct problem **reterr)
{
	int r = cli_inventory(cli, 0, inv, reterr);

	return r < 0 ? r : cli_policy(cli, *inv, files, n, p, reterr);
}

/* The files of the machine, vfctl.conf among them. */
static int load_all(
	struct cli *cli, struct inventory **inv, struct policy **p, struct problem **reterr)
{
	struct host *h = NULL;
	int r = load(cli, NULL, 0, inv, p, reterr);

	if (r == 0)
		r = cli_host(cli, &h, reterr);
	return r < 0 ? r : policy_add_general(*p, h);
}

/* What is shown is what would hold; whoever trusts it must know that it is not applied like that.
 */
static int tell_errors(const struct cli *cli, const struct policy *p)
{
	size_t n = p->findings.errors;

	if (!n)
		return 0;
	if (!out_is_json(&cli->out))
		fprintf(cli->out.notes,
			"vfctl: %zu %s in the configuration: nothing of it is applied\n"
			"  hint: vfctl config check shows %s\n",
			n, n == 1 ? "error" : "errors", n == 1 ? "it" : "them");
	return problem_kind_exit_code(PROBLEM_USAGE);
}

/* ---- config check ---- */

static int run_check(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(policy_freep) struct policy *p = NULL;
	int r = a->n_words ? load(cli, a->words, a->n_words, &inv, &p, reterr)
			   : load_all(cli, &inv, &p, reterr);

	return r < 0 ? r : out_findings(&cli->out, p, reterr);
}

static const struct example check_examples[] = {
	{ "config check", "what apply would read" },
	{ "config check 10-igb.conf", "a file that is not in its place yet" },
	{ "--root web1.tar.gz config check", "that of a captured machine" },
	{ "config check --json", "for an editor: lines and columns" },
};

const struct verb verb_config_check = {
	.name = "config check",
	.section = VERB_ACT,
	.args = "[FILE…]",
	.summary = "all that is wrong with the configuration",
	.description =
		"Reads the configuration of PFs, vfctl-pf.d(5), or the files and folders that\n"
		"are named instead, against the functions that there are, and tells everything\n"
		"that is wrong, with its file, line and column, and what was probably meant;\n"
		"without files that of vfctl.conf(5), too. Changes nothing. With errors the exit\n"
		"status is 2; those in the configuration of PFs keep apply from all work.\n",
	.examples = check_examples,
	.n_examples = ARRAY_SIZE(check_examples),
	.completes = "<file>",
	.max_args = ANY_NUMBER,
	.run = run_check,
};

/* ---- config show ---- */

static int run_show(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(policy_freep) struct policy *p = NULL;
	autoselection found = { 0 };
	struct host *h = NULL;
	int r = load(cli, NULL, 0, &inv, &p, reterr);

	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0 && a->n_words)
		r = select_some(h, inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = out_policy(
			&cli->out, p, (const struct function *const *)found.v, found.n, reterr);
	return r < 0 ? r : tell_errors(cli, p);
}

static const struct option show_options[] = { OPTION_COLUMNS };

static const struct example show_examples[] = {
	{ "config show", "what the configuration comes to" },
	{ "config show ens1f0", "for one PF" },
	{ "config show -o VFS,SETTING,SOURCE", "in the words of vfctl set" },
};

const struct verb verb_config_show = {
	.name = "config show",
	.section = VERB_ACT,
	.args = "[SELECTOR…]",
	.summary = "the values that hold, and who says so",
	.description =
		"Shows for each PF that the configuration is about, and for its VFs, the values\n"
		"that hold, with the file and line of each and the lines that it won over. Stable\n"
		"addresses are shown as the addresses that they are.\n",
	.options = show_options,
	.n_options = ARRAY_SIZE(show_options),
	.examples = show_examples,
	.n_examples = ARRAY_SIZE(show_examples),
	.columns = policy_columns,
	.n_columns = &n_policy_columns,
	.completes = "<pf>",
	.max_args = ANY_NUMBER,
	.run = run_show,
};

/* ---- config cat ---- */

static int run_cat(struct cli *cli, const struct args *a UNUSED, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(policy_freep) struct policy *p = NULL;
	int r = load_all(cli, &inv, &p, reterr);

	return r < 0 ? r : out_policy_files(&cli->out, p, reterr);
}

static const struct example cat_examples[] = {
	{ "config cat", "the files that count, in their order" },
	{ "config cat --json", "the same for a program" },
};

const struct verb verb_config_cat = {
	.name = "config cat",
	.section = VERB_ACT,
	.args = "",
	.summary = "the files that count, in their order",
	.description =
		"Prints the files of the configuration as they are read, drop-ins behind the\n"
		"files that they add to, and vfctl.conf(5). Masked and replaced files are left\n"
		"out.\n",
	.examples = cat_examples,
	.n_examples = ARRAY_SIZE(cat_examples),
	.completes = "",
	.run = run_cat,
};

/* ---- config pools ---- */

static int run_pools(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(policy_freep) struct policy *p = NULL;
	autopolicypools pools = { 0 };
	int r = load(cli, NULL, 0, &inv, &p, reterr);

	if (r == 0)
		r = policy_pools_find(p, &pools);
	if (r == 0)
		r = out_pools(&cli->out, &pools, a->words, a->n_words, reterr);
	return r < 0 ? r : tell_errors(cli, p);
}

static const struct option pools_options[] = { OPTION_COLUMNS };

static const struct example pools_examples[] = {
	{ "config pools", "all pools and their VFs" },
	{ "config pools fast", "one pool" },
	{ "config pools -o VF,DRIVER,NUMA", "to choose from by node" },
};

const struct verb verb_config_pools = {
	.name = "config pools",
	.section = VERB_ACT,
	.args = "[POOL…]",
	.summary = "pools of VFs",
	.description =
		"Shows the pools that Pool= lines of the configuration make, and the VFs in\n"
		"them, also those that do not exist yet.\n",
	.options = pools_options,
	.n_options = ARRAY_SIZE(pools_options),
	.examples = pools_examples,
	.n_examples = ARRAY_SIZE(pools_examples),
	.columns = pool_columns,
	.n_columns = &n_pool_columns,
	.completes = "",
	.max_args = ANY_NUMBER,
	.run = run_pools,
};
