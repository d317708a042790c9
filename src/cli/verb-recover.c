// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act-claim.h"
#include "base/str.h"
#include "out/ladder.h"
#include "recovery/recovery.h"

static const struct option options[] = {
	{ 0, "up-to", TAKES_VALUE, "RUNG", "also higher rungs, that one included",
		"flr af_flr device_specific pm acpi driver bus remove" },
	{ 0, "yes", TAKES_NOTHING, NULL, "every rung, until one helps", NULL },
	{ 0, "accept", TAKES_NOTHING, NULL, "do nothing: what was counted is forgiven", NULL },
	{ 0, "allow-in-use", TAKES_NOTHING, NULL, "also under host drivers and what they serve",
		NULL },
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "recover --dry-run 3b:02.1", "the rungs, and who else each one hits" },
	{ "recover 3b:02.1", "the least that there is" },
	{ "recover --up-to driver 3b:02.1", "and, if need be, its driver anew" },
	{ "recover --yes 3b:00.0", "whatever it takes" },
	{ "recover --accept ens1f0", "the errors' cause is mended" },
};

static int check_words(const struct args *a, struct problem **reterr)
{
	unsigned ways = args_has(a, "up-to") + args_has(a, "yes") + args_has(a, "accept");

	if (ways < 2)
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl recover --help",
		"--up-to, --yes and --accept: one of them");
}

/* ---- --dry-run ---- */

static int show(struct act *act, const struct selection *s, struct problem **reterr)
{
	CLEANUP(topology_freep) struct topology *t = NULL;
	autofree struct ladder_of *v = calloc(s->n + 1, sizeof(*v));
	autohealths *all = NULL;
	size_t n = 0;
	int r = v ? topology_load(act->host, act->inv, &t, reterr) : -ENOMEM;

	if (r == 0)
		r = healths_look(act->host, act->inv, (const struct function *const *)s->v, s->n,
			&all, reterr);
	for (; r == 0 && n < s->n; n++) {
		v[n].f = s->v[n];
		v[n].health = healths_of(all, s->v[n]);
		r = ladder_make(act->host, t, s->v[n], &v[n].ladder, reterr);
	}
	if (r == 0)
		r = out_ladders(&act->cli->out, v, n, reterr);
	for (size_t i = 0; i < n; i++)
		ladder_done(&v[i].ladder);
	return r;
}

/* ---- Doing it ---- */

static void tried(void *arg, const struct rung *r, int code, const struct problem *p)
{
	struct act *act = arg;
	autofree char *why = p ? problem_text(p) : NULL, *safe = why ? str_printable(why) : NULL;

	if (code >= 0)
		return;
	cli_waited(act->cli);
	fprintf(act->cli->out.notes, "vfctl: note: %s did not help: %s\n", r->name,
		safe ? safe : "?");
}

static void recover(struct act *act, const struct args *a, const struct function *f)
{
	bool several = args_has(a, "up-to") || args_has(a, "yes");
	const struct recovery_opts opts = { .up_to = args_value(a, "up-to"),
		.all = args_has(a, "yes"),
		.force = act->allow_in_use,
		.claim = act_claim_opts(act),
		.tried = several ? tried : NULL,
		.arg = act };
	autofree char *rung = NULL;
	struct problem *p = NULL;
	int r = recovery_climb(act->host, f->bdf, &opts, &rung, &p);

	act_add(act, f->address, r, p, "recover%s%s", rung ? " by " : "", rung ? rung : "");
}

/* What remains against it after that is no matter of counting. */
static int accept(struct act *act, const struct function *f, struct problem **reterr)
{
	autohealths *all = NULL;
	struct health_mark mark;
	int r = health_mark(act->host, f->bdf, &mark, reterr);

	if (r == 0)
		r = health_forgive(&mark, act->cli->run_dir, reterr);
	if (r == 0)
		r = healths_look(act->host, act->inv, &f, 1, &all, reterr);
	if (r == 0)
		r = health_refuse(healths_of(all, f), f->address, reterr);
	return r < 0 ? r : 1;
}

static void do_one(struct act *act, const struct args *a, const struct function *f)
{
	struct problem *p = NULL;
	int r;

	if (!args_has(a, "accept")) {
		recover(act, a, f);
		return;
	}
	r = act->cli->dry_run ? 1 : accept(act, f, &p);
	act_add(act, f->address, r, p, "forgive what was counted");
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autoselection found = { 0 };
	autoact act = { 0 };
	int r = check_words(a, reterr);

	if (r == 0)
		r = act_start_seeing(&act, cli, a, INVENTORY_GROUPS, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = act_verify_cards(&act, &found, reterr);
	if (r == 0 && cli->dry_run && !args_has(a, "accept"))
		return show(&act, &found, reterr);
	for (size_t i = 0; r == 0 && i < found.n; i++)
		do_one(&act, a, found.v[i]);
	return r < 0 ? r : act_finish(&act, reterr);
}

const struct verb verb_recover = {
	.name = "recover",
	.section = VERB_ACT,
	.args = "SELECTOR…",
	.summary = "make functions well by the least that helps",
	.description =
		"Does for functions that health calls unhealthy or degraded what this one and\n"
		"this kernel can: the release from quarantine, its own resets, its driver anew,\n"
		"a reset of all below its bridge, taking it out of the kernel and finding it\n"
		"again. Tries the first that there is, more of them only when told to, and looks\n"
		"after each whether it answers and is well; then what was counted before is\n"
		"forgiven. Never touches what is held, and what is used with --allow-in-use only.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
