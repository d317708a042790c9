// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl import: one table of who configures what, and the same as configuration of ours. */
#include "verbs.h"
#include "config.h"

#include "base/str.h"
#include "out/foreign.h"
#include "select/select.h"
#include "store/store.h"

#include <stdio.h>

static const struct option options[] = {
	{ 0, "config", TAKES_NOTHING, NULL, "print it as our configuration", NULL },
	{ 0, "write", TAKES_VALUE, "DIR", "write that, one file for each PF", "<file>" },
	OPTION_COLUMNS,
};

static const struct example examples[] = {
	{ "import", "who configures what" },
	{ "import ens1f0 --config", "one PF, as a file of ours" },
	{ "import --write /etc/vfctl/pf.d", "take all of it over" },
	{ "--root web1.tar.gz import --json", "of a captured machine, for a program" },
};

struct import {
	struct cli *cli;
	struct inventory *inv;
	struct foreign found;
	struct selection chosen; /* of no words: everything */
	bool all;
};

static void import_done(struct import *im)
{
	selection_done(&im->chosen);
	foreign_done(&im->found);
	if (im->inv)
		inventory_free(im->inv);
}

static bool is_chosen(const struct import *im, struct bdf pf)
{
	for (size_t i = 0; i < im->chosen.n; i++) {
		const struct function *f = im->chosen.v[i];

		if (bdf_eq(f->bdf, pf) || (f->physfn && bdf_eq(f->physfn->bdf, pf)))
			return true;
	}
	return im->all;
}

static int load(struct import *im, const struct args *a, struct problem **reterr)
{
	struct host *h = NULL;
	int r;

	r = cli_inventory(im->cli, INVENTORY_SRIOV, &im->inv, reterr);
	if (r == 0)
		r = cli_host(im->cli, &h, reterr);
	if (r == 0)
		r = cli_foreign(im->cli, im->inv, &im->found, reterr);
	im->all = !a->n_words;
	if (r == 0 && a->n_words)
		r = select_some(h, im->inv, a->words, a->n_words, &im->chosen, reterr);
	return r;
}

static int show_table(const struct import *im, struct problem **reterr)
{
	autofree struct foreign_row *rows = calloc(im->found.n_facts + 1, sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < im->found.n_facts; i++) {
		struct bdf pf = im->found.facts[i].pf;

		if (is_chosen(im, pf))
			rows[n++] = (struct foreign_row) { &im->found, i,
				inventory_find_bdf(im->inv, pf) };
	}
	if (!n && !out_is_json(&im->cli->out))
		fprintf(im->cli->out.notes, "vfctl: nobody configures %s\n",
			im->all ? "a PF of this machine" : "any of these");
	return out_foreign(&im->cli->out, &im->found, rows, n, reterr);
}

/* Never over a file that is there: it may be somebody's work. */
static int write_file(
	const char *dir, const struct function *pf, const char *text, struct problem **reterr)
{
	const char *own = pf->n_netdevs ? pf->netdevs[0].name : pf->nvme ? pf->nvme : pf->address;
	autofree char *name = str_printf("50-%s.conf", own), *before = NULL;
	int r = name ? store_get(dir, name, &before) : -ENOMEM;

	if (r != -ENOENT && r != -ENOMEM)
		return problem(reterr, r < 0 ? r : -EEXIST, PROBLEM_USAGE,
			"move it away first; it is not overwritten", "%s/%s is there already", dir,
			name);
	if (r == -ENOENT)
		r = store_put(dir, name, text);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s/%s: %s", dir,
			name ? name : "", strerror(-r));
	printf("%s/%s\n", dir, name);
	return 0;
}

static int show_policy(const struct import *im, const char *dir, struct problem **reterr)
{
	size_t shown = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < im->inv->n_functions; i++) {
		const struct function *pf = &im->inv->functions[i];
		autofree char *text = NULL;

		if (pf->kind != FUNCTION_PF || !is_chosen(im, pf->bdf))
			continue;
		r = foreign_as_policy(im->inv, &im->found, pf->bdf, &text);
		if (r < 0 || !*text)
			continue;
		if (dir && !im->cli->dry_run)
			r = write_file(dir, pf, text, reterr);
		else
			printf("%s%s", shown ? "\n" : "", text);
		shown++;
	}
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(import_done) struct import im = { .cli = cli };
	const char *dir = args_value(a, "write");
	int r;

	if ((dir || args_has(a, "config")) && out_is_json(&cli->out))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "leave --json away",
			"configuration is text");
	r = load(&im, a, reterr);
	if (r < 0)
		return r;
	return dir || args_has(a, "config") ? show_policy(&im, dir, reterr)
					    : show_table(&im, reterr);
}

const struct verb verb_import = {
	.name = "import",
	.section = VERB_ACT,
	.args = "[SELECTOR…]",
	.summary = "who else configures our functions",
	.description =
		"Reads what other managers' files say about this machine's functions, and shows\n"
		"it as one table beside our own configuration: systemd's .link and .network,\n"
		"NetworkManager's keyfiles, netplan, driverctl.d, modprobe.d and the kernel's\n"
		"command line (max_vfs=, vfio-pci ids=, blacklist), mdevctl.d and libvirt's\n"
		"hostdev networks. Two that want different things are in conflict: who comes\n"
		"last wins, until the next boot. Nothing is changed but what --write writes; to\n"
		"take a setting over, import it and then remove it from where it came.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = foreign_columns,
	.n_columns = &n_foreign_columns,
	.completes = "<pf>",
	.max_args = ANY_NUMBER,
	.run = run,
};
