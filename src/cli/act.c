// SPDX-License-Identifier: GPL-2.0-or-later
#include "act.h"
#include "base/str.h"

int act_start(struct act *act, struct cli *cli, const struct args *a, struct problem **reterr)
{
	int r;

	*act = (struct act) { .cli = cli, .allow_in_use = args_has(a, "allow-in-use") };
	r = args_timeout_ms(a, &act->timeout_ms, reterr);
	if (r == 0)
		r = cli_may_act(cli, reterr);
	if (r == 0)
		r = cli_host(cli, &act->host, reterr);
	if (r == 0)
		r = cli_inventory(cli, 0, &act->inv, reterr);
	return r;
}

void act_done(struct act *act)
{
	inventory_free(act->inv);
	results_done(&act->results);
}

static void waiting_for_holder(void *arg, struct bdf a, const char *who, unsigned waited_ms)
{
	struct act *act = arg;
	autofree char *text = who ? str_printf("waiting for %s", who)
				  : str_printf("waiting for the kernel to release %s", BDF_TEXT(a));

	if (text)
		cli_waiting(act->cli, text, waited_ms);
}

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

struct driver_opts act_driver_opts(struct act *act)
{
	return (struct driver_opts) {
		.state_dir = act->cli->root ? NULL : act->cli->driver_state_dir,
		.force = act->allow_in_use,
		.deadline_ms = act->timeout_ms,
		.waiting = waiting_for_holder,
		.arg = act,
	};
}

struct sriov_opts act_sriov_opts(struct act *act)
{
	return (struct sriov_opts) {
		.state_dir = act->cli->root ? NULL : act->cli->driver_state_dir,
		.force = act->allow_in_use,
		.deadline_ms = act->timeout_ms,
		.waiting = waiting,
		.note = note,
		.arg = act,
	};
}

void act_add(
	struct act *act, const char *subject, int code, struct problem *p, const char *fmt, ...)
{
	autofree char *action = NULL;
	va_list ap;

	cli_waited(act->cli);
	va_start(ap, fmt);
	if (vasprintf(&action, fmt, ap) < 0)
		action = NULL;
	va_end(ap);
	results_add(&act->results, subject, code, act->cli->dry_run, p, "%s", action ? action : "");
}

int act_finish(struct act *act, struct problem **reterr)
{
	return out_results(&act->cli->out, &act->results, reterr);
}

int act_on_each(struct cli *cli, const struct args *a, act_on_driver *apply, act_on_driver *check,
	const char *action, struct problem **reterr)
{
	autoselection found = { 0 };
	autoact act = { 0 };
	struct driver_opts opts;
	int r;

	r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, a->n_words, &found, reterr);
	if (r < 0)
		return r;
	opts = act_driver_opts(&act);
	for (size_t i = 0; i < found.n; i++) {
		struct problem *p = NULL;

		r = (cli->dry_run ? check : apply)(act.host, found.v[i]->bdf, &opts, &p);
		act_add(&act, found.v[i]->address, r, p, "%s", action);
	}
	return act_finish(&act, reterr);
}
