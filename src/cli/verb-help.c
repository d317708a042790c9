// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "help.h"
#include "base/str.h"

/* Without help text: for the build and for completion scripts, not for people. */
static const struct option options[] = {
	{ 0, "complete", TAKES_NOTHING, NULL, NULL, NULL },
	{ 0, "manual", TAKES_VALUE, "SECTION", NULL, NULL },
};

static const struct example examples[] = {
	{ "help", "the overview" },
	{ "help create", "the same as vfctl create --help" },
};

static int help_on(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autofree char *name = NULL;
	const struct verb *v;

	name = a->n_words > 1 ? str_printf("%s %s", a->words[0], a->words[1]) : strdup(a->words[0]);
	if (!name)
		return -ENOMEM;
	v = verb_find(name);
	if (v)
		help_verb(cli->out.to, v);
	else if (verb_in_family(name, 0))
		help_family(cli->out.to, name);
	else
		return args_unknown_verb(name, reterr);
	return 0;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	const char *section = args_value(a, "manual");

	if (args_has(a, "complete"))
		help_complete(cli->out.to);
	else if (section && !help_manual(cli->out.to, section))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "no section '%s'", section);
	else if (!section && a->n_words)
		return help_on(cli, a, reterr);
	else if (!section)
		help_overview(cli->out.to);
	return 0;
}

const struct verb verb_help = {
	.name = "help",
	.section = VERB_HELP,
	.args = "[VERB]",
	.summary = "how to use vfctl, or one verb",
	.description = "Prints the overview, or how one verb is used.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<verb>",
	.max_args = 2,
	.run = run,
};
