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

static int set_autoprobe(struct act *act, const struct function *pf, bool on)
{
	struct problem *p = NULL;
	int r;

	if (act->cli->dry_run)
		r = pf->sriov.drivers_autoprobe != on;
	else
		r = sriov_set_autoprobe(act->host, pf->bdf, on, &p);
	act_add(act, pf->address, r, p, "autoprobe %s", on ? "on" : "off");
	return r;
}

/* One line for each VF that is there now: their addresses are what the user goes on with. */
static void add_vfs(struct act *act, const struct function *pf, int changed)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;

	if (act->cli->dry_run || sriov_vfs(act->host, pf->bdf, &vfs, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		act_add(act, BDF_TEXT(vfs[i].bdf), changed, NULL, "VF %u", vfs[i].index);
}

static void create(struct act *act, const struct function *pf, unsigned n)
{
	struct sriov_opts opts = act_sriov_opts(act);
	struct problem *p = NULL;
	int r;

	r = act->cli->dry_run ? sriov_check_numvfs(act->host, pf->bdf, n, &opts, &p)
			      : sriov_set_numvfs(act->host, pf->bdf, n, &opts, &p);
	act_add(act, pf->address, r, p, "%u VF%s", n, n == 1 ? "" : "s");
	if (r >= 0)
		add_vfs(act, pf, r);
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
		r = select_pf(act.host, act.inv, a->words[0], &pf, reterr);
	if (r < 0)
		return r;
	if (autoprobe < 0 || set_autoprobe(&act, pf, autoprobe) >= 0)
		create(&act, pf, n);
	return act_finish(&act, reterr);
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
