// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"
#include "out/picture.h"
#include "out/tree.h"
#include "select/select.h"

static const struct option options[] = {
	OPTION_COLUMNS,
	{ 0, "format", TAKES_VALUE, "text|svg|dot", "a tree of text, or a picture",
		"text svg dot" },
	{ 0, "unfold", TAKES_NOTHING, NULL, "a line for each VF, however many", NULL },
};

static const struct example examples[] = {
	{ "tree", "the whole machine" },
	{ "tree ens1f0 --unfold", "one PF, its VFs, and the way there" },
	{ "tree --format svg >machine.svg", "a picture of it, by driver and user" },
	{ "tree --format dot >machine.dot", "the same for Graphviz to lay out" },
	{ "tree driver=igb -o ADDRESS,ACS,WHY", "what keeps these NICs together" },
};

struct tree {
	struct host *h;
	struct inventory *inv;
	struct topology *t;
	struct holders holders;
	struct selection found;
	struct view *view;
};

static void tree_done(struct tree *t)
{
	view_free(t->view);
	selection_done(&t->found);
	holders_done(&t->holders);
	topology_free(t->t);
	inventory_free(t->inv);
}
#define autotree CLEANUP(tree_done) struct tree

/* Of what may be held at all; one walk for all. */
static int find_holders(struct tree *t)
{
	autofree struct bdf *a = calloc(t->inv->n_functions + 1, sizeof(*a));
	size_t n = 0;

	if (!a)
		return -ENOMEM;
	for (size_t i = 0; i < t->inv->n_functions; i++)
		if (!t->t->nodes[i].bridge && t->inv->functions[i].driver)
			a[n++] = t->inv->functions[i].bdf;
	return holders_find(t->h, a, n, &t->holders);
}

static int look(struct cli *cli, const struct args *a, struct tree *t, struct problem **reterr)
{
	unsigned flags = INVENTORY_NAMES | INVENTORY_GROUPS;
	int r;

	if (out_is_json(&cli->out))
		flags |= INVENTORY_OVERRIDES | INVENTORY_SRIOV;
	r = cli_host(cli, &t->h, reterr);
	if (r == 0)
		r = cli_inventory(cli, flags, &t->inv, reterr);
	if (r == 0)
		r = topology_load(t->h, t->inv, &t->t, reterr);
	if (r == 0 && a->n_words)
		r = select_some(t->h, t->inv, a->words, a->n_words, &t->found, reterr);
	if (r == 0)
		r = find_holders(t);
	return r;
}

static bool acs_is_unknown(const struct topology *t)
{
	for (size_t i = 0; i < t->inv->n_functions; i++)
		if (t->nodes[i].isolates < 0)
			return true;
	return false;
}

/* What a reader of the tree must not overlook. */
static void warn(const struct out *o, const struct topology *t)
{
	if (t->acs_override)
		fprintf(o->notes,
			"vfctl: warning: pcie_acs_override=%s is on the kernel command line: groups "
			"marked\n  faked are not isolated by the hardware, which is unsafe\n",
			t->acs_override);
	if (acs_is_unknown(t))
		fputs("vfctl: note: ACS marked ? could not be read: only root may\n", o->notes);
}

/* How a view is written: the text also as JSON. */
static const struct format {
	const char *name;
	bool picture;
	int (*write)(const struct out *o, const struct view *v, struct problem **reterr);
} formats[] = {
	{ "text", false, out_tree },
	{ "svg", true, out_svg },
	{ "dot", true, out_dot },
};

static int find_format(const struct cli *cli, const struct args *a, const struct format **ret,
	struct problem **reterr)
{
	const char *name = args_value(a, "format");

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!str_eq(name ? name : "text", formats[i].name))
			continue;
		if (formats[i].picture && out_is_json(&cli->out))
			return problem(reterr, -EINVAL, PROBLEM_USAGE, "leave one of the two away",
				"a picture cannot be JSON");
		*ret = &formats[i];
		return 0;
	}
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "text, svg or dot",
		"--format %s: no such format", name);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	const struct format *format = &formats[0];
	autotree t = { 0 };
	bool unfold;
	int r;

	r = find_format(cli, a, &format, reterr);
	if (r == 0)
		r = look(cli, a, &t, reterr);
	if (r < 0)
		return r;
	unfold = args_has(a, "unfold") || format->picture || out_is_json(&cli->out);
	r = view_make(t.t, &t.holders, t.found.v, t.found.n, unfold, &t.view);
	if (r == 0)
		r = format->write(&cli->out, t.view, reterr);
	if (r == 0 && !out_is_json(&cli->out)) {
		fflush(cli->out.to);
		warn(&cli->out, t.t);
	}
	return r;
}

const struct verb verb_tree = {
	.name = "tree",
	.section = VERB_LOOK,
	.args = "[SELECTOR…]",
	.summary = "how functions hang together, with ACS",
	.description =
		"Shows root buses, the ports and bridges below them and the functions at the\n"
		"end, or those that selectors name with the way to them. ACS is what a hop does\n"
		"to keep the functions below it apart: the bits that are on (all four of SV RR\n"
		"CR UF are needed), none, or those it lacks; ? where only root may read.\n"
		"ASSIGNABLE tells whether a guest can have the function alone, or with whom.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = tree_columns,
	.n_columns = &n_tree_columns,
	.completes = "<function>",
	.max_args = ANY_NUMBER,
	.run = run,
};
