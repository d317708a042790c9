// SPDX-License-Identifier: GPL-2.0-or-later
#include "act.h"
#include "interrupt.h"
#include "base/str.h"

/* The verb and its words, as they were typed. */
static char *command_of(const struct args *a)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "%s", a->verb->name);
	for (size_t i = 0; i < a->n_words; i++)
		strbuf_add(&b, " %s", a->words[i]);
	return strbuf_take(&b);
}

int act_start_seeing(struct act *act, struct cli *cli, const struct args *a, unsigned seen,
	struct problem **reterr)
{
	int r;

	*act = (struct act) { .cli = cli,
		.seen = seen,
		.allow_in_use = args_has(a, "allow-in-use"),
		.places = { .run_dir = cli->run_dir, .history_dir = cli->history_dir },
		.command = command_of(a) };
	if (!act->command)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = args_timeout_ms(a, &act->timeout_ms, reterr);
	if (r == 0)
		r = cli_may_act(cli, reterr);
	if (r == 0)
		r = cli_host(cli, &act->host, reterr);
	if (r == 0)
		r = cli_inventory(cli, seen, &act->inv, reterr);
	return r;
}

int act_start(struct act *act, struct cli *cli, const struct args *a, struct problem **reterr)
{
	return act_start_seeing(act, cli, a, 0, reterr);
}

void act_done(struct act *act)
{
	daemon_free(act->daemon);
	work_end(act->work);
	free(act->command);
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
		.cancelled = interrupt_came,
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
		.cancelled = interrupt_came,
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

int act_lock(struct act *act, const struct selection *s, struct problem **reterr)
{
	autofree struct bdf *pfs = calloc(s->n + 1, sizeof(*pfs));
	struct apply_opts opts = act_apply_opts(act);
	int r = act_verify_cards(act, s, reterr);

	if (r < 0 || act->cli->dry_run || act->daemon)
		return r;
	if (!pfs)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < s->n; i++)
		pfs[i] = s->v[i]->physfn ? s->v[i]->physfn->bdf : s->v[i]->bdf;
	return work_begin(act->host, pfs, s->n, &opts, &act->work, reterr);
}

static void recovered(
	void *arg, const struct entry *e, enum journal_end how, const struct problem *why_not)
{
	static const char *const what[JOURNAL_ENDS] = {
		[JOURNAL_RUNNING] = "was interrupted and could not be taken back",
		[JOURNAL_DONE] = "was interrupted when all was done: it is complete",
		[JOURNAL_UNDONE] = "was interrupted: all is as it was before it",
		[JOURNAL_VOID] = "was interrupted by a reboot: nothing of it is left",
	};
	struct act *act = arg;
	autofree char *why = why_not ? problem_text(why_not) : NULL;
	autofree char *verb = str_printable(e->verb), *safe = why ? str_printable(why) : NULL;

	cli_waited(act->cli);
	fprintf(act->cli->out.notes, "vfctl: note: %u (%s) %s%s%s\n", e->id, verb ? verb : "?",
		what[how], safe ? ": " : "", safe ? safe : "");
}

struct apply_opts act_apply_opts(struct act *act)
{
	return (struct apply_opts) {
		.act = { .driver = act_driver_opts(act),
			.sriov = act_sriov_opts(act),
			.allow_in_use = act->allow_in_use,
			.learned_dir = act->cli->root ? NULL : act->cli->learned_dir,
			.idle_ms = act->timeout_ms },
		.journal = act->cli->run_dir && !act->cli->root ? &act->places : NULL,
		.verb = act->command,
		.jobs = act->cli->jobs,
		.lock_ms = act->timeout_ms,
		.waiting = waiting,
		.recovered = recovered,
		.cancelled = interrupt_came,
		.note = note,
		.arg = act,
	};
}

int act_apply(struct act *act, const struct wishes *w, const struct plan_opts *how,
	const struct apply_opts *opts, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const struct plan_opts all = {
		.allow_destroy = true, .allow_in_use = true, .wait_for_holder = true
	};
	const struct problem *no;
	autoplan plan = { 0 };
	autonow now = { 0 };
	int r;

	if (act->daemon)
		return act_ask(act, w, how ? how : &all, opts, reterr);
	r = cli_inventory(act->cli, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);
	if (r == 0)
		r = now_read(act->host, inv, w, opts->act.driver.state_dir, &now, reterr);
	if (r == 0 && plan_make(inv, &now, w, how ? how : &all, &plan) < 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	no = r == 0 ? plan_refusal(&plan) : NULL;
	if (no)
		r = problem(reterr, no->code, no->kind, no->hint, "%s", no->what);
	interrupt_catch();
	return r < 0 ? r : plan_apply(act->work, &plan, opts, &act->journal_id, reterr);
}

char *act_subject(struct act *act, const struct action *a)
{
	struct bdf f;

	return action_function(act->host, a, &f) == 0 ? strdup(BDF_TEXT(f)) : action_target(a);
}

int act_read_entry(
	const struct journal_place *places, unsigned id, struct entry *ret, struct problem **reterr)
{
	int r = journal_read(places, id, ret);

	if (r == -ENOENT)
		return problem(reterr, r, PROBLEM_NOT_FOUND, "vfctl history shows them",
			"there is no change %u", id);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"what is recorded of %u cannot be read: %s", id, journal_why(r));
	return 0;
}
