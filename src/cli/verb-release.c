// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act-claim.h"
#include "base/str.h"

static const struct option options[] = {
	{ 0, "owner", TAKES_VALUE, "OWNER", "all that he has", "<owner>" },
	{ 0, "gone", TAKES_NOTHING, NULL, "all of owners who are gone", NULL },
	{ 0, "clear-quarantine", TAKES_NOTHING, NULL, "try again what had failed", NULL },
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "release ens1f0/vf3", "take one VF back" },
	{ "release --owner process:4711", "all that a process has" },
	{ "release --gone", "what the dead have left" },
	{ "release --clear-quarantine 3b:02.1", "once more, after a look at it" },
};

static int check_words(const struct args *a, struct problem **reterr)
{
	unsigned ways = (a->n_words > 0) + args_has(a, "owner") + args_has(a, "gone");

	if (ways == 1)
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"vfctl release SELECTOR…, or --owner OWNER, or --gone",
		ways ? "release takes functions, --owner or --gone: one of them"
		     : "release: which functions?");
}

/* Those in quarantine are nobody's any more: they wait for a person. */
static size_t keep_gone(struct host *h, const struct lease **v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool lost = !lease_is_of(h, v[i]);

		if (lost || (v[i]->state != LEASE_QUARANTINE &&
				    owner_alive(h, &v[i]->owner, NULL) == OWNER_GONE))
			v[kept++] = v[i];
	}
	return kept;
}

static int pick(struct act *act, const struct args *a, const struct leases *s,
	const struct lease **v, size_t *n, struct problem **reterr)
{
	const char *owner = args_value(a, "owner");
	int r = owner ? act_owner_named(act->host, owner, s, v, n, reterr)
		      : act_leases_selected(act->host, act->inv, a, s, v, n, reterr);

	if (r == 0 && args_has(a, "gone"))
		*n = keep_gone(act->host, v, *n);
	return r;
}

static void release(struct act *act, const struct args *a, const struct lease *l)
{
	struct claim_opts opts = act_claim_opts(act);
	autofree char *owner = owner_text(&l->owner);
	struct problem *p = NULL;
	int r = 1;

	if (!act->cli->dry_run)
		r = claim_return(act->host, l->bdf, args_has(a, "clear-quarantine"), &opts, &p);
	act_add(act, BDF_TEXT(l->bdf), MIN(r, 1), p, "%s %s",
		r == CLAIM_DROPPED ? "drop from" : "release from", owner ? owner : "?");
}

/* What it tells of each are the results; without any, all of it was refused. */
static int ask(struct act *act, const struct args *a, const struct lease *const *v, size_t n,
	struct problem **reterr)
{
	autofree struct bdf *functions = calloc(n + 1, sizeof(*functions));
	autoorder o = { .kind = ORDER_RELEASE };
	struct problem *p = NULL;
	int r;

	if (!functions)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		functions[i] = v[i]->bdf;
	o.claim.quarantined = args_has(a, "clear-quarantine");
	r = act_ask_claim(act, &o, functions, n, NULL, &p);
	if (r < 0 && !act->results.n && p) {
		*reterr = p;
		return r;
	}
	problem_free(p);
	return r < 0 && !act->results.n ? r : 0;
}

static int release_all(struct act *act, const struct args *a, const struct lease *const *v,
	size_t n, struct problem **reterr)
{
	if (act->daemon && n)
		return ask(act, a, v, n, reterr);
	for (size_t i = 0; i < n; i++)
		release(act, a, v[i]);
	return 0;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autofree const struct lease **v = NULL;
	autoleases all = { 0 };
	autoact act = { 0 };
	size_t n = 0;
	int r = check_words(a, reterr);

	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r >= 0)
		r = leases_read(act.host, &all);
	v = r == 0 ? calloc(all.n + 1, sizeof(*v)) : NULL;
	if (r == 0)
		r = v ? pick(&act, a, &all, v, &n, reterr) : -ENOMEM;
	if (r == 0)
		r = release_all(&act, a, v, n, reterr);
	if (r < 0)
		return r;
	if (!n && !out_is_json(&cli->out))
		fputs("Nothing to release: no owner is gone.\n", cli->out.to);
	return n || out_is_json(&cli->out) ? act_finish(&act, reterr) : 0;
}

const struct verb verb_release = {
	.name = "release",
	.section = VERB_HAND_OVER,
	.args = "[SELECTOR…]",
	.summary = "take functions back from their owners",
	.description =
		"Returns functions that assign gave out: nobody may have them open any more; they\n"
		"are reset, their configuration space is verified, and settings, driver and the\n"
		"device node's owner are as they were before. What fails on the way leaves the\n"
		"function in quarantine, given to nobody, until --clear-quarantine succeeds. A\n"
		"function that is gone, or was made anew since, is only struck off the list.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<claimed>",
	.max_args = ANY_NUMBER,
	.run = run,
};
