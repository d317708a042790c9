// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "identity/identity.h"

static void accept(struct act *act, const struct function *f)
{
	struct identity_finding found = { 0 };
	autopfidentity now = { 0 };
	autofree char *text = NULL;
	struct problem *p = NULL;
	int r = pf_identity_read(act->host, f->bdf, &now);

	if (r == 0)
		text = pf_identity_text(&now);
	if (act->cli->dry_run)
		r = identity_verify(act->host, act->cli->identity_dir, f->bdf, &found, NULL) < 0 ||
		    found.verdict != IDENTITY_SAME;
	else
		r = identity_record(act->host, act->cli->identity_dir, f->bdf, &p);
	identity_finding_done(&found);
	act_add(act, f->address, r, p, "is %s", text ? text : "not known");
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autoselection found = { 0 };
	autoact act = { 0 };
	int r = act_start(&act, cli, a, reterr);

	if (r == 0)
		r = select_some(act.host, act.inv, a->words, a->n_words, &found, reterr);
	for (size_t i = 0; r == 0 && i < found.n; i++)
		if (found.v[i]->kind != FUNCTION_PF)
			r = problem(reterr, -ENODEV, PROBLEM_UNSUPPORTED,
				"vfctl list kind=pf shows those that there are", "%s is no PF",
				found.v[i]->address);
	for (size_t i = 0; r == 0 && i < found.n; i++)
		accept(&act, found.v[i]);
	return r < 0 ? r : act_finish(&act, reterr);
}

static const struct example examples[] = {
	{ "config accept 0000:3b:00.0", "another card, and that is meant" },
	{ "config accept ens1f0 --dry-run", "only say which card it is" },
};

const struct verb verb_config_accept = {
	.name = "config accept",
	.section = VERB_ACT,
	.args = "PF…",
	.summary = "let the configuration hold for another card",
	.description =
		"Records which card a PF is: its ids, permanent MAC address and serial numbers.\n"
		"Where another card was recorded, nothing is done to the new one before that;\n"
		"see IDENTITY in vfctl-pf.d(5). A new card has stable addresses of its own.\n",
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<pf>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
