// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "wanted.h"
#include "base/str.h"
#include "out/plan.h"

static const struct option options[] = {
	{ 0, "yes", TAKES_NOTHING, NULL, "do not ask", NULL },
	{ 0, "force", TAKES_NOTHING, NULL, "also when it was changed again since", NULL },
	OPTION_ALLOW_IN_USE,
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "undo", "the last change" },
	{ "undo 17", "the one that history calls 17" },
	{ "undo --dry-run 17", "what that would do" },
};

/* The latest that changed something and was not taken back. */
static int find_last(struct act *act, struct entry *ret, struct problem **reterr)
{
	autofree unsigned *ids = NULL;
	size_t n = 0;
	int r = journal_ids(&act->places, &ids, &n);

	for (; r == 0 && n--;) {
		autoentry e = { 0 };

		if (journal_read(&act->places, ids[n], &e) < 0 ||
			(e.end != JOURNAL_DONE && e.end != JOURNAL_KEPT && e.end != JOURNAL_TORN))
			continue;
		*ret = e;
		e = (struct entry) { 0 };
		return 0;
	}
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot read the journal: %s", strerror(-r));
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is nothing to undo");
}

static int find(struct act *act, const struct args *a, struct entry *ret, struct problem **reterr)
{
	uint32_t id;

	if (!act->places.run_dir)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no journal");
	if (!a->n_words)
		return find_last(act, ret, reterr);
	if (parse_u32(a->words[0], &id) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl history shows them",
			"'%s' is not the number of a change", a->words[0]);
	return act_read_entry(&act->places, id, ret, reterr);
}

static int undo(struct act *act, struct entry *e, const struct args *a, struct problem **reterr)
{
	struct apply_opts how = act_apply_opts(act);
	autowishes w = { 0 };
	autoplan plan = { 0 }, consented = { 0 };
	autonow now = { 0 };
	struct plan_opts opts = { .allow_destroy = true,
		.allow_in_use = args_has(a, "allow-in-use") };
	int r = entry_follow(act->host, act->inv, e, &how, reterr);

	if (r == 0)
		r = entry_undo(e, &w, reterr);
	if (r == 0 && !act->cli->dry_run)
		r = wanted_lock(act, &w, reterr);
	if (r == 0)
		r = wanted_plan(act, &w, a, &now, &plan, reterr);
	if (r == 0 && !args_has(a, "force"))
		r = entry_drift(e, act->inv, &now, reterr);
	/* Taking back a creation destroys, and that is what was asked for. */
	if (r == 0 && plan_make(act->inv, &now, &w, &opts, &consented) < 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r < 0)
		return r;
	return act->cli->dry_run ? wanted_show(act, &consented, reterr)
				 : wanted_apply(act, &w, &opts, &consented, a, reterr);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct apply_opts opts;
	autoentry e = { 0 };
	autoact act = { 0 };
	int r;

	r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r < 0)
		return r;
	/* What was left behind is put in order first: it may be what is meant. */
	opts = act_apply_opts(&act);
	if (!cli->dry_run && !act.daemon)
		r = work_recover(act.host, &opts, reterr);
	if (r == 0)
		r = find(&act, a, &e, reterr);
	return r < 0 ? r : undo(&act, &e, a, reterr);
}

const struct verb verb_undo = {
	.name = "undo",
	.section = VERB_ACT,
	.args = "[ID]",
	.summary = "take a change back",
	.description =
		"Brings back what was before a change that vfctl made: the last one, or the one\n"
		"that history calls ID. It is refused when somebody has changed it since, and for\n"
		"VFs that are held. Taking it back is a change, too: it can be undone.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<change>",
	.min_args = 0,
	.max_args = 1,
	.run = run,
};
