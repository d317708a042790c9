// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "base/str.h"

static const struct option options[] = {
	{ 0, "autoprobe", TAKES_VALUE, "yes|no", "let the kernel bind drivers to the VFs",
		"yes no" },
	{ 0, "allow-in-use", TAKES_NOTHING, NULL, "also when existing VFs have users", NULL },
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "create ens1f0 4", "four VFs, each waited for" },
	{ "create 3b:00.0 2 --autoprobe no", "without drivers, for VFIO" },
	{ "create --dry-run nvme0 2", "would it be possible?" },
};

static int parse_count(const char *pf, const char *text, unsigned *ret, struct problem **reterr)
{
	uint32_t n;

	if (parse_u32(text, &n) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl create PF N",
			"'%s' is not a number of VFs", text);
	if (n == 0) {
		problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "there is nothing to create");
		problem_hint(reterr, "vfctl destroy %s removes all VFs", pf);
		return -EINVAL;
	}
	*ret = n;
	return 0;
}

/* -1: leave it as it is. */
static int parse_autoprobe(const struct args *a, int *ret, struct problem **reterr)
{
	const char *text = args_value(a, "autoprobe");
	bool on;

	*ret = -1;
	if (!text)
		return 0;
	if (parse_bool(text, &on) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "yes or no",
			"--autoprobe %s: no such choice", text);
	*ret = on;
	return 0;
}

/* One line for each VF that is there now: their addresses are what the user goes on with. */
static void add_vfs(struct act *act, const struct function *pf, int changed)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;

	if (sriov_vfs(act->host, pf->bdf, &vfs, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		act_add(act, BDF_TEXT(vfs[i].bdf), changed, NULL, "VF %u", vfs[i].index);
}

static void add_count(
	struct act *act, const struct function *pf, unsigned n, int r, struct problem *p)
{
	act_add(act, pf->address, r, p, "%u VF%s", n, n == 1 ? "" : "s");
}

static void check(struct act *act, const struct function *pf, unsigned n, int autoprobe)
{
	struct sriov_opts opts = act_sriov_opts(act);
	struct problem *p = NULL;
	int r;

	if (autoprobe >= 0)
		act_add(act, pf->address, pf->sriov.drivers_autoprobe != autoprobe, NULL,
			"autoprobe %s", autoprobe ? "on" : "off");
	r = sriov_check_numvfs(act->host, pf->bdf, n, &opts, &p);
	add_count(act, pf, n, r, p);
}

/* What became of the steps, for the lines about the PF. */
struct outcome {
	struct act *act;
	bool autoprobe; /* was changed */
	bool count;
};

static void step_ended(
	void *arg, const struct step *s, const char *word, int code, struct problem *p)
{
	autofree char *subject = NULL;
	struct outcome *o = arg;

	if (s->todo.kind == ACTION_AUTOPROBE)
		o->autoprobe = code > 0;
	else if (s->todo.kind == ACTION_NUM_VFS)
		o->count = code > 0;
	else if (code < 0 && word) {
		/* What a new VF shall inherit: how that failed is not told otherwise. */
		subject = act_subject(o->act, &s->todo);
		act_add(o->act, subject ? subject : "?", code, TAKE_PTR(p), "%s", word);
	}
	problem_free(p);
}

static int apply(
	struct act *act, const struct wishes *w, struct outcome *o, struct problem **reterr)
{
	struct apply_opts opts = act_apply_opts(act);

	opts.result = step_ended;
	opts.result_arg = o;
	return act_apply(act, w, NULL, &opts, reterr);
}

static int create(struct act *act, const struct function *pf, unsigned n, int autoprobe)
{
	struct sriov_opts check_opts = act_sriov_opts(act);
	struct outcome o = { .act = act };
	struct problem *p = NULL;
	autowishes w = { 0 };
	struct pf_wish *wish = wishes_pf(&w, pf->bdf);
	int r;

	if (!wish)
		return -ENOMEM;
	wish->num_vfs = (int)n;
	wish->autoprobe = autoprobe;
	r = sriov_check_numvfs(act->host, pf->bdf, n, &check_opts, &p);
	if (r >= 0)
		r = apply(act, &w, &o, &p);
	if (autoprobe >= 0 && r >= 0)
		act_add(act, pf->address, o.autoprobe, NULL, "autoprobe %s",
			autoprobe ? "on" : "off");
	add_count(act, pf, n, r < 0 ? r : o.count, p);
	if (r >= 0)
		add_vfs(act, pf, o.count);
	return 0;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct function *pf = NULL;
	int r, autoprobe = -1;
	autoact act = { 0 };
	unsigned n = 0;

	r = parse_count(a->words[0], a->words[1], &n, reterr);
	if (r == 0)
		r = parse_autoprobe(a, &autoprobe, reterr);
	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r == 0)
		r = select_pf(act.host, act.inv, a->words[0], &pf, reterr);
	if (r == 0)
		r = act_lock(&act, &(struct selection) { &pf, 1 }, reterr);
	if (r == 0 && cli->dry_run)
		check(&act, pf, n, autoprobe);
	else if (r == 0)
		r = create(&act, pf, n, autoprobe);
	return r < 0 ? r : act_finish(&act, reterr);
}

const struct verb verb_create = {
	.name = "create",
	.section = VERB_ACT,
	.args = "PF N",
	.summary = "make a physical function have N VFs",
	.description =
		"Makes the PF have N VFs and waits until each is usable. A count changes only\n"
		"through none, so it is refused while VFs are in use; on failure the count\n"
		"that was there comes back.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<pf>",
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
