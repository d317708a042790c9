// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "base/str.h"

static const struct option options[] = {
	{ 0, "with-group", TAKES_NOTHING, NULL, "also the others in its IOMMU group", NULL },
	OPTION_ALLOW_IN_USE,
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "bind ens1f0/vf0-3", "four VFs to VFIO" },
	{ "bind 05:02.0 --with-group", "all that VFIO needs to have" },
	{ "bind 3b:02.1 igbvf", "to a driver of choice" },
};

/* The others of each function's group; bridges never hinder and are never bound. */
static int add_groups(const struct inventory *inv, struct selection *s, struct problem **reterr)
{
	size_t n = s->n;
	struct function **all = calloc(inv->n_functions + 1, sizeof(struct function *));

	if (!all)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	memcpy(all, s->v, n * sizeof(struct function *));
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < inv->n_functions; k++) {
			struct function *f = &inv->functions[k];
			bool have = class_is_bridge(f->id.class_code);

			if (f->iommu_group < 0 || f->iommu_group != s->v[i]->iommu_group)
				continue;
			for (size_t j = 0; !have && j < n; j++)
				have = all[j] == f;
			if (!have)
				all[n++] = f;
		}
	free(s->v);
	s->v = all;
	s->n = n;
	return 0;
}

/* Nobody shall have overlooked it. */
static void note_unsafe(struct act *act, const struct function *f)
{
	int group = iommu_group_of(act->host, f->bdf);

	if (group >= 0)
		fprintf(act->cli->out.notes,
			"vfctl: note: UNSAFE: %s is on VFIO without an IOMMU: whoever opens "
			"/dev/vfio/noiommu-%d can have it read and write any memory of the host\n"
			"  hint: guests do not get it; take it back: vfctl restore %s\n",
			f->address, group, f->address);
}

/* Bound, and yet of no use to VFIO: better said now than by the guest's start. */
static void note_group(struct act *act, const struct function *f)
{
	struct iommu_group g;
	autoproblem *p = NULL;
	autofree char *text = NULL, *printable = NULL;

	if (f->iommu_group < 0) {
		note_unsafe(act, f);
		return;
	}
	if (iommu_group_read(act->host, f->iommu_group, &g) < 0)
		return;
	if (iommu_group_require_viable(&g, &p) < 0)
		text = problem_text(p);
	iommu_group_done(&g);
	printable = text ? str_printable(text) : NULL;
	if (printable)
		fprintf(act->cli->out.notes,
			"vfctl: note: %s\n  hint: --with-group binds them too\n", printable);
}

static void note_groups(struct act *act, const struct selection *s)
{
	for (size_t i = 0; i < s->n; i++) {
		bool said = false;

		for (size_t k = 0; k < i; k++)
			said |= s->v[k]->iommu_group == s->v[i]->iommu_group;
		if (!said)
			note_group(act, s->v[i]);
	}
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	const char *driver = a->n_words > 1 ? a->words[1] : NULL;
	struct act_driver what = { 0 };
	autoselection found = { 0 };
	autoact act = { 0 };
	int r;

	r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, 1, &found, reterr);
	if (r == 0 && args_has(a, "with-group"))
		r = add_groups(act.inv, &found, reterr);
	if (r < 0)
		return r;
	what.driver = driver ? driver : WISH_BEST_VFIO;
	r = act_on_drivers(&act, &found, &what, reterr);
	if (r < 0)
		return r;
	r = act_finish(&act, reterr);
	if (r == 0 && !cli->dry_run && !out_is_json(&cli->out) &&
		(!driver || driver_is_vfio(driver)))
		note_groups(&act, &found);
	return r;
}

const struct verb verb_bind = {
	.name = "bind",
	.section = VERB_ACT,
	.args = "SELECTOR [DRIVER]",
	.summary = "give functions to a driver, VFIO by default",
	.description =
		"Binds each function to DRIVER, or for VFIO to vfio-pci or its better variant, by\n"
		"driver_override alone, and reads back. What it had before is remembered for\n"
		"restore.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function> <driver>",
	.min_args = 1,
	.max_args = 2,
	.run = run,
};
