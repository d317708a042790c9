// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"

static const struct option options[] = {
	{ 0, "allow-in-use", TAKES_NOTHING, NULL, "also VFs with addresses, mounts or drivers",
		NULL },
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "destroy ens1f0", "all its VFs" },
	{ "destroy --dry-run nvme0", "would anybody be hurt?" },
};

static int destroy(struct act *act, const struct function *pf, struct problem **reterr)
{
	struct apply_opts opts = act_apply_opts(act);
	autowishes w = { 0 };
	struct pf_wish *wish = wishes_pf(&w, pf->bdf);

	if (!wish)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	wish->num_vfs = 0;
	return act_apply(act, &w, NULL, &opts, reterr);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct function *pf = NULL;
	struct problem *p = NULL;
	struct sriov_opts opts;
	autoact act = { 0 };
	int r;

	r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r == 0)
		r = select_pf(act.host, act.inv, a->words[0], &pf, reterr);
	if (r == 0)
		r = act_lock(&act, &(struct selection) { &pf, 1 }, reterr);
	if (r < 0)
		return r;
	opts = act_sriov_opts(&act);
	r = sriov_check_numvfs(act.host, pf->bdf, 0, &opts, &p);
	if (r > 0 && !cli->dry_run)
		r = destroy(&act, pf, &p);
	act_add(&act, pf->address, r, p, "no VFs");
	return act_finish(&act, reterr);
}

const struct verb verb_destroy = {
	.name = "destroy",
	.section = VERB_ACT,
	.args = "PF",
	.summary = "remove all VFs of a physical function",
	.description =
		"Removes the PF's VFs. VFs that somebody uses are refused; those that a process\n"
		"holds through VFIO always, because the kernel would wait for it without end.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<pf>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
