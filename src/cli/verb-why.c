// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "checking.h"
#include "base/str.h"
#include "select/select.h"

static const struct option options[] = { OPTION_MEM };

static const struct example examples[] = {
	{ "why ens1f0/vf0", "what keeps it from a guest" },
	{ "why 3b:02.1 --mem 16G -v", "for a guest of that size, in full" },
	{ "why ens1f0/vf0-3 --json", "several, for a program" },
};

static void checked_free(struct checked *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		check_report_done(&v[i].report);
	free(v);
}

static int check_all(
	struct cli *cli, struct checker *c, const struct selection *s, struct problem **reterr)
{
	struct checked *v = calloc(s->n + 1, sizeof(*v));
	bool fails = false;
	int r = v ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		v[i].f = s->v[i];
		r = checker_function(c, s->v[i], &v[i].report, reterr);
		fails |= check_report_count(&v[i].report, CHECK_FAIL) > 0;
	}
	if (r == 0)
		r = out_checks(&cli->out, v, s->n, cli->verbose, reterr);
	checked_free(v, s->n);
	return r == 0 && fails ? problem_kind_exit_code(PROBLEM_NOT_ASSIGNABLE) : r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct check_opts opts = { 0 };
	autoselection found = { 0 };
	autochecker *c = NULL;
	struct host *h = NULL;
	int r = checking_opts(a, &opts, reterr);

	if (r == 0)
		r = cli_inventory(cli, INVENTORY_ALL, &inv, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = select_some(h, inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = checker_new(h, inv, &opts, &c, reterr);
	if (r == 0)
		r = checker_look_for_holders(c, found.v, found.n, reterr);
	return r < 0 ? r : check_all(cli, c, &found, reterr);
}

const struct verb verb_why = {
	.name = "why",
	.section = VERB_LOOK,
	.args = "SELECTOR…",
	.summary = "why a function cannot be given to a guest now",
	.description =
		"Tells what keeps each function from a guest: the most decisive cause first, each\n"
		"with the file that shows it and the command that helps. Exit status 0 when\n"
		"nothing does, else 6. -v shows what was found in order, too.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
