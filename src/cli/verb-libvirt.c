// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl libvirt …: what libvirt is asked to do. */
#include "verbs.h"
#include "act.h"
#include "companion.h"
#include "base/str.h"
#include "export/export.h"

enum { DEADLINE_MS = 20000, WORDS_MAX = 8 };

#define OPTION_CONNECT                                                                             \
	{                                                                                          \
		0, "connect", TAKES_VALUE, "URI", "which libvirt, as for virsh -c", ""             \
	}
#define OPTION_LIBVIRT_TIMEOUT                                                                     \
	{                                                                                          \
		0, "timeout", TAKES_VALUE, "SECONDS", "how long to wait for libvirt, 20", ""       \
	}

/* ---- Asking ---- */

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static void told(void *arg, struct news *n)
{
	struct act *act = arg;

	if (n->kind == NEWS_LINE)
		act_add(act, n->subject, n->code, TAKE_PTR(n->problem), "%s", n->text);
	else if (n->kind == NEWS_NOTE)
		fprintf(act->cli->out.notes, "vfctl: note: %s\n  hint: %s\n", n->text,
			n->hint ? n->hint : "vfctl help libvirt");
}

/* A step that failed is among the results; what failed before any is the answer. */
static int ask(struct act *act, const struct args *a, const char *what, const char *name,
	const char *input, struct problem **reterr)
{
	const char *words[WORDS_MAX] = { 0 };
	const struct companion c = {
		.args = words,
		.input = input,
		.deadline_ms = act->timeout_ms ? act->timeout_ms : DEADLINE_MS,
		.told = told,
		.arg = act,
	};
	size_t n = 0;
	int r;

	if (act->cli->dry_run)
		words[n++] = "--dry-run";
	if (args_has(a, "connect")) {
		words[n++] = "--connect";
		words[n++] = args_value(a, "connect");
	}
	words[n++] = what;
	if (name)
		words[n++] = name;
	r = companion_run(act->host, &c, reterr);
	return r < 0 && (!act->results.n || !reterr || *reterr) ? r : act_finish(act, reterr);
}

static int start(struct act *act, struct cli *cli, const struct args *a, unsigned seen,
	struct problem **reterr)
{
	if (cli->root)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY,
			"vfctl export prints what libvirt would be told",
			"a captured machine has no libvirt that could be asked");
	return act_start_seeing(act, cli, a, seen, reterr);
}

/* ---- define-network ---- */

/* Of a pool: its own name; of a PF, export knows one; else the user must. */
static int read_name(const struct args *a, char **ret)
{
	const char *name = args_value(a, "name");

	*ret = NULL;
	if (name)
		*ret = strdup(name);
	else if (a->n_words == 1 && str_starts(a->words[0], "pool="))
		*ret = str_printf("vfctl-%s", a->words[0] + strlen("pool="));
	else
		return 0;
	return *ret ? 0 : -ENOMEM;
}

static int run_define(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct export_opts opts = { .as_is = args_has(a, "as-is"), .iommufd = -1 };
	autofree char *name = NULL;
	autoselection found = { 0 };
	autoexported e = { 0 };
	autoact act = { 0 };
	int r = start(&act, cli, a, INVENTORY_GROUPS, reterr);

	if (r == 0)
		r = select_some(act.host, act.inv, a->words, a->n_words, &found, reterr);
	if (r == 0 && read_name(a, &name) < 0)
		r = no_memory(reterr);
	opts.name = name;
	if (r == 0)
		r = export_make(act.host, act.inv, export_format_find("libvirt-network"), found.v,
			found.n, &opts, &e, reterr);
	return r < 0 ? r : ask(&act, a, "define-network", NULL, e.text, reterr);
}

static const struct option define_options[] = {
	{ 0, "name", TAKES_VALUE, "NAME", "of the network: vfctl-ens1f0, vfctl-fast", "" },
	{ 0, "as-is", TAKES_NOTHING, NULL, "also of a PF without VFs", NULL },
	OPTION_CONNECT,
	OPTION_LIBVIRT_TIMEOUT,
};

static const struct example define_examples[] = {
	{ "libvirt define-network ens1f0", "as vfctl-ens1f0" },
	{ "libvirt define-network pool=fast", "of a pool's VFs, as vfctl-fast" },
	{ "libvirt define-network ens1f0/vf0-3 --name guests", "of some VFs" },
	{ "libvirt define-network ens1f0 --dry-run", "only say what would be done" },
};

const struct verb verb_libvirt_define_network = {
	.name = "libvirt define-network",
	.section = VERB_HAND_OVER,
	.args = "PF|SELECTOR…",
	.summary = "have libvirt hand out a PF's VFs",
	.description =
		"Makes a network in libvirt that gives each guest on it a VF: defined, started,\n"
		"and started again with libvirt. What is so already is left alone, so that it can\n"
		"be said again after the PF or its VFs have changed. A network that guests are on\n"
		"is not stopped; one of another kind is never touched. VFs that are all on VFIO\n"
		"drivers stay there (managed='no'); else libvirt binds each for its guest's time.\n",
	.options = define_options,
	.n_options = ARRAY_SIZE(define_options),
	.examples = define_examples,
	.n_examples = ARRAY_SIZE(define_examples),
	.completes = "<pf>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run_define,
};

/* ---- undefine-network ---- */

static int run_undefine(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autoact act = { 0 };
	int r = start(&act, cli, a, 0, reterr);

	return r < 0 ? r : ask(&act, a, "undefine-network", a->words[0], NULL, reterr);
}

static const struct option undefine_options[] = { OPTION_CONNECT, OPTION_LIBVIRT_TIMEOUT };

static const struct example undefine_examples[] = {
	{ "libvirt undefine-network vfctl-ens1f0", "its VFs stay as they are" },
	{ "libvirt undefine-network guests --timeout 60", "of a busy libvirt" },
};

const struct verb verb_libvirt_undefine_network = {
	.name = "libvirt undefine-network",
	.section = VERB_HAND_OVER,
	.args = "NETWORK",
	.summary = "and take such a network away",
	.description =
		"Stops and removes a network that hands out functions. While guests are on it, it\n"
		"is refused, and networks of other kinds are always. That there is none of that\n"
		"name is fine.\n",
	.options = undefine_options,
	.n_options = ARRAY_SIZE(undefine_options),
	.examples = undefine_examples,
	.n_examples = ARRAY_SIZE(undefine_examples),
	.completes = "",
	.min_args = 1,
	.max_args = 1,
	.run = run_undefine,
};

/* ---- attach ---- */

static int run_attach(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autoact act = { 0 };
	int r = start(&act, cli, a, 0, reterr);

	return r < 0 ? r : ask(&act, a, "attach", a->words[0], NULL, reterr);
}

static const struct option attach_options[] = { OPTION_CONNECT, OPTION_LIBVIRT_TIMEOUT };

static const struct example attach_examples[] = {
	{ "libvirt attach web1", "what its <vfctl:assign> have come to" },
	{ "libvirt attach web1 --dry-run", "only say what that would be" },
};

const struct verb verb_libvirt_attach = {
	.name = "libvirt attach",
	.section = VERB_HAND_OVER,
	.args = "DOMAIN",
	.summary = "give a running guest what it wishes for",
	.description =
		"Attaches to a running guest the functions that are claimed for it from the pools\n"
		"of its <vfctl:assign>, and what it wants instead of those that were not free:\n"
		"vfctl-hooks(7). What it has already is left alone. The service vfctld-libvirt\n"
		"does the same for each guest that starts.\n",
	.options = attach_options,
	.n_options = ARRAY_SIZE(attach_options),
	.examples = attach_examples,
	.n_examples = ARRAY_SIZE(attach_examples),
	.completes = "",
	.min_args = 1,
	.max_args = 1,
	.run = run_attach,
};
