// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "checking.h"
#include "config.h"

#include "base/str.h"
#include "host/conf.h"

static const struct option options[] = { OPTION_MEM };

static const struct example examples[] = {
	{ "doctor", "what is wrong with this host" },
	{ "doctor -v --mem 64G", "all checks, for guests of that size" },
	{ "doctor --root capture.tar.gz --json", "of a captured machine, for a program" },
};

/* What the table of `vfctl import` says, as the checks take it. */
struct claims {
	struct foreign found;
	struct check_claim *v;
	char **texts; /* that the claims borrow */
};

static void claims_done(struct claims *c)
{
	foreign_done(&c->found);
	free(c->v);
	strv_free(c->texts);
}

static const char *keep(struct claims *c, const char *text)
{
	return text && strv_add(&c->texts, text) == 0 ? c->texts[strv_len(c->texts) - 1] : NULL;
}

/* A conflict by its words; of what nobody contradicts, one line for a file and a PF is enough. */
static bool is_told(const struct foreign *f, size_t i)
{
	const struct foreign_fact *own = &f->facts[i];

	if (own->by == FOREIGN_VFCTL)
		return true;
	if (foreign_rival(f, i))
		return false;
	for (size_t k = 0; k < i; k++)
		if (bdf_eq(f->facts[k].pf, own->pf) && str_eq(f->facts[k].file, own->file))
			return true;
	return false;
}

static int claim(struct claims *c, size_t i, struct check_claim *ret)
{
	const struct foreign_fact *fact = &c->found.facts[i], *rival = foreign_rival(&c->found, i);
	autofree char *wants = NULL;

	wants = rival ? str_printf("%s; %s: %s", fact->said, foreign_manager_name(rival->by),
				rival->said)
		      : strdup(fact->said);
	*ret = (struct check_claim) { foreign_manager_name(fact->by), fact->file,
		keep(c, BDF_TEXT(fact->pf)), keep(c, wants), rival != NULL };
	return ret->pf && ret->wants ? 0 : -ENOMEM;
}

static int load_claims(struct cli *cli, const struct inventory *inv, struct claims *c,
	struct check_opts *opts, struct problem **reterr)
{
	struct host *h = NULL;
	int r = cli_host(cli, &h, reterr);

	/* A capture without configuration says nothing about whose it was. */
	if (r < 0 || (h->captured && !conf_is_there(h)))
		return r;
	r = cli_foreign(cli, inv, &c->found, reterr);
	if (r < 0)
		return r;
	c->v = calloc(c->found.n_facts + 1, sizeof(*c->v));
	if (!c->v)
		return -ENOMEM;
	opts->claims = c->v;
	for (size_t i = 0; r == 0 && i < c->found.n_facts; i++)
		if (!is_told(&c->found, i))
			r = claim(c, i, &c->v[opts->n_claims++]);
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(claims_done) struct claims claims = { 0 };
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
		r = load_claims(cli, inv, &claims, &opts, reterr);
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
