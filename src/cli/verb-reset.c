// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "base/str.h"
#include "reset/reset.h"

static const struct option options[] = {
	{ 0, "method", TAKES_VALUE, "METHOD", "flr, pm, bus…: see vfctl show",
		"flr af_flr pm bus acpi device_specific cxl_bus" },
	{ 0, "allow-in-use", TAKES_NOTHING, NULL, "also under host drivers and what they serve",
		NULL },
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "reset ens1f0/vf0", "as the kernel likes best" },
	{ "reset --dry-run 3b:00.0", "what would be reset along with it?" },
	{ "reset --method bus 3b:00.0", "all that hangs below its bridge" },
};

static void waiting(void *arg, const char *text, unsigned waited_ms)
{
	struct act *act = arg;

	cli_waiting(act->cli, text, waited_ms);
}

static void note(void *arg, const char *text, const char *hint)
{
	struct act *act = arg;

	cli_waited(act->cli);
	fprintf(act->cli->out.notes, "vfctl: note: %s\n  hint: %s\n", text, hint);
}

static void told(void *arg, const char *subject, const char *text, int code, struct problem *p)
{
	act_add(arg, subject, code, p, "%s", text);
}

static void reset_one(
	struct act *act, const struct topology *t, const struct function *f, const char *method)
{
	const struct reset_opts opts = { .force = act->allow_in_use,
		.deadline_ms = act->timeout_ms,
		.waiting = waiting,
		.note = note,
		.arg = act };

	reset_told(act->host, t, f, method, act->cli->dry_run, &opts, told, act);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(topology_freep) struct topology *t = NULL;
	autoselection found = { 0 };
	autoact act = { 0 };
	int r;

	r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r == 0)
		r = topology_load(act.host, act.inv, &t, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = act_lock(&act, &found, reterr);
	if (r < 0)
		return r;
	if (act.daemon)
		r = act_ask_reset(&act, &found, args_value(a, "method"), reterr);
	for (size_t i = 0; !act.daemon && i < found.n; i++)
		reset_one(&act, t, found.v[i], args_value(a, "method"));
	return r < 0 ? r : act_finish(&act, reterr);
}

const struct verb verb_reset = {
	.name = "reset",
	.section = VERB_ACT,
	.args = "SELECTOR…",
	.summary = "reset functions, and see them come back",
	.description =
		"Resets each function by the method that the kernel would choose, or by --method,\n"
		"and tells which it was. Lists what is reset along with it: of a PF its VFs; by\n"
		"bus all below the same bridge. Refuses when one of them is in use, and without\n"
		"--allow-in-use also when a host driver is bound. Then command register and BARs\n"
		"of all of them must be as before.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
