// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "base/str.h"
#include "out/plan.h"

#include <signal.h>

static const struct example examples[] = {
	{ "history", "all changes, the latest last" },
	{ "history 17", "what that one did, step by step" },
	{ "history 17 --json", "for programs, with the way back" },
};

static int show_one(struct cli *cli, const struct journal_place *places, const char *word,
	struct problem **reterr)
{
	autoentry e = { 0 };
	uint32_t id;
	int r;

	if (parse_u32(word, &id) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl history shows them",
			"'%s' is not the number of a change", word);
	r = act_read_entry(places, id, &e, reterr);
	return r < 0 ? r : out_entry(&cli->out, &e, reterr);
}

static void entries_free(struct entry *e, size_t n)
{
	for (size_t i = 0; e && i < n; i++)
		entry_done(&e[i]);
	free(e);
}

/* One that cannot be read is there all the same. */
static bool read_one(
	struct cli *cli, const struct journal_place *places, unsigned id, struct entry *ret)
{
	int r = journal_read(places, id, ret);

	if (r == -ENOENT) /* moved away meanwhile */
		return false;
	if (r < 0) {
		*ret = (struct entry) { .id = id, .end = JOURNAL_BROKEN };
		fprintf(cli->out.notes, "vfctl: note: what is recorded of %u cannot be read: %s\n",
			id, journal_why(r));
	}
	return true;
}

static int show_all(struct cli *cli, const struct journal_place *places, struct problem **reterr)
{
	autofree unsigned *ids = NULL;
	struct entry *all;
	size_t n = 0, have = 0;
	int r = places->run_dir ? journal_ids(places, &ids, &n) : 0;

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot read the journal: %s", strerror(-r));
	all = calloc(n + 1, sizeof(*all));
	if (!all)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < n; i++)
		have += read_one(cli, places, ids[i], &all[have]);
	r = out_history(&cli->out, all, have, reterr);
	if (r == 0 && !have && !out_is_json(&cli->out))
		fputs("vfctl: nothing has been changed yet\n", cli->out.notes);
	for (size_t i = 0; r == 0 && i < have; i++)
		if (all[i].end == JOURNAL_RUNNING && kill(all[i].pid, 0) < 0 && errno == ESRCH)
			fprintf(cli->out.notes,
				"vfctl: note: %u was interrupted; the next change puts it in order\n",
				all[i].id);
	entries_free(all, have);
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	const struct journal_place places = { cli->run_dir, cli->history_dir, NULL };

	if (cli->root)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"%s is a captured machine: its journal was not captured", cli->root);
	return a->n_words ? show_one(cli, &places, a->words[0], reterr)
			  : show_all(cli, &places, reterr);
}

const struct verb verb_history = {
	.name = "history",
	.section = VERB_ACT,
	.args = "[ID]",
	.summary = "what was changed, and can be undone",
	.description =
		"Lists what vfctl has changed on this machine, or shows one change step by step.\n"
		"done: it is there. undone: it failed, and all was taken back. kept: some of it\n"
		"failed, the rest is there. void: a reboot came in between. running: now, or\n"
		"interrupted. torn: the end of its record is lost; what is known of it can be\n"
		"undone. broken: the record cannot be read.\n",
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<change>",
	.min_args = 0,
	.max_args = 1,
	.run = run,
};
