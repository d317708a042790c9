// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "checking.h"
#include "config.h"

#include "check/claim.h"
#include "host/conf.h"

static const struct option options[] = { OPTION_MEM };

static const struct example examples[] = {
	{ "doctor", "what is wrong with this host" },
	{ "doctor -v --mem 64G", "all checks, for guests of that size" },
	{ "doctor --root capture.tar.gz --json", "of a captured machine, for a program" },
};

static int load_claims(struct cli *cli, const struct inventory *inv, struct foreign *found,
	struct claims *claims, struct check_opts *opts, struct problem **reterr)
{
	struct host *h = NULL;
	int r = cli_host(cli, &h, reterr);

	/* A capture without configuration says nothing about whose it was. */
	if (r < 0 || (h->captured && !conf_is_there(h)))
		return r;
	r = cli_foreign(cli, inv, found, reterr);
	if (r == 0)
		r = claims_make(found, claims);
	opts->claims = claims->v;
	opts->n_claims = claims->n;
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoforeign found = { 0 };
	autoclaims claims = { 0 };
	struct checked checked = { 0 };
	struct check_opts opts = { 0 };
	autochecker *c = NULL;
	struct host *h = NULL;
	int r = checking_opts(a, &opts, reterr);

	if (r == 0)
		r = cli_inventory(cli, INVENTORY_ALL, &inv, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = load_claims(cli, inv, &found, &claims, &opts, reterr);
	if (r == 0)
		r = checker_new(h, inv, &opts, &c, reterr);
	if (r == 0)
		r = checker_host(c, &checked.report, reterr);
	if (r == 0)
		r = out_checks(&cli->out, &checked, 1, cli->verbose, reterr);
	if (r == 0 && check_report_count(&checked.report, CHECK_FAIL))
		r = problem_kind_exit_code(PROBLEM_NOT_ASSIGNABLE);
	check_report_done(&checked.report);
	return r;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.section = VERB_LOOK,
	.args = "",
	.summary = "what is wrong with the host, and what helps",
	.description =
		"Checks the whole host: IOMMU, interrupt remapping, modules, limits, the kernel's\n"
		"log and what is set up unsafely. Each finding has its evidence and what helps.\n"
		"Exit status 6 when something keeps functions from guests; 0 also with warnings.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.max_args = 0,
	.run = run,
};
