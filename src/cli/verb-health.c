// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"
#include "out/health.h"
#include "pci/identity.h"
#include "select/select.h"

static const struct option options[] = {
	OPTION_COLUMNS,
	{ 0, "problems", TAKES_NOTHING, NULL, "only those with something to tell", NULL },
};

static const struct example examples[] = {
	{ "health", "all functions, and what is wrong" },
	{ "health ens1f0/vf0-3 -v", "some VFs, with every finding" },
	{ "health --problems -o NAME,EVIDENCE", "and where it stands" },
	{ "health kind=pf -o NAME,FATAL,NONFATAL", "error counters of PFs" },
	{ "health --json", "for a program" },
};

/* Those that were named; without a word all that a guest could have. */
static size_t without_bridges(
	const struct function **v, struct function *const *f, size_t n, bool named)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		if (named || !class_is_bridge(f[i]->id.class_code))
			v[k++] = f[i];
	return k;
}

static int show(struct cli *cli, const struct healths *all, const struct function **v, size_t n,
	bool problems, struct problem **reterr)
{
	autofree struct health_row *rows = calloc(n + 1, sizeof(*rows));
	bool unhealthy = false;
	size_t k = 0;
	int r;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct health *health = healths_of(all, v[i]);

		unhealthy |= health->state == HEALTH_UNHEALTHY;
		if (!problems || health->n)
			rows[k++] = (struct health_row) { v[i], health };
	}
	r = out_healths(&cli->out, rows, k, cli->verbose, reterr);
	return r == 0 && unhealthy ? problem_kind_exit_code(PROBLEM_UNHEALTHY) : r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autofree const struct function **v = NULL;
	autoselection found = { 0 };
	autohealths *all = NULL;
	struct host *h = NULL;
	size_t n = 0;
	int r = cli_inventory(cli, 0, &inv, reterr);

	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = select_matching(h, inv, a->words, a->n_words, &found, reterr);
	if (r < 0)
		return r;
	v = calloc(found.n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	n = without_bridges(v, found.v, found.n, a->n_words > 0);
	r = healths_look(h, inv, v, n, &all, reterr);
	return r < 0 ? r : show(cli, all, v, n, args_has(a, "problems"), reterr);
}

const struct verb verb_health = {
	.name = "health",
	.section = VERB_LOOK,
	.args = "[SELECTOR…]",
	.summary = "how well functions are, and what tells",
	.description =
		"Judges functions by what the kernel tells anyway, and sends nothing to a device:\n"
		"whether it answers, PCIe errors, its link, its power state, an NVMe controller's\n"
		"state, quarantine, and what the kernel and drivers wrote of it; of a VF its PF's\n"
		"health, too. Who is unhealthy is not assigned until recover has succeeded, and\n"
		"pools prefer the healthy. Exit status 6 when one of them is unhealthy. -v shows\n"
		"every finding.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = health_columns,
	.n_columns = &n_health_columns,
	.completes = "<function>",
	.max_args = ANY_NUMBER,
	.run = run,
};
