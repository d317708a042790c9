// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act-claim.h"
#include "base/str.h"

static const struct option options[] = {
	OPTION_COLUMNS,
	{ 0, "owner", TAKES_VALUE, "OWNER", "only what he has", "<owner>" },
	{ 0, "gone", TAKES_NOTHING, NULL, "only of owners who are gone", NULL },
};

static const struct example examples[] = {
	{ "leases", "who has what, and whether he lives" },
	{ "leases ens1f0/vf0-3", "of some VFs" },
	{ "leases --gone -o FUNCTION,OWNER,WHY", "what release --gone would return" },
	{ "leases --json", "for a program, with what was before" },
};

static size_t keep_gone(struct host *h, const struct lease **v, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!lease_is_of(h, v[i]) || owner_alive(h, &v[i]->owner, NULL) == OWNER_GONE)
			v[kept++] = v[i];
	return kept;
}

/* Nothing is claimed without a word about what could not be read. */
static void note_unreadable(const struct out *o, const struct leases *s)
{
	STRV_FOREACH (u, s->unreadable) {
		fprintf(o->notes, "vfctl: note: a claim cannot be read: %s\n", *u);
	}
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autofree const struct lease **v = NULL;
	const char *owner = args_value(a, "owner");
	struct host *h = NULL;
	size_t n = 0;
	int r = cli_inventory(cli, 0, &inv, reterr);

	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r < 0)
		return r;
	v = calloc(inv->leases->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	note_unreadable(&cli->out, inv->leases);
	r = owner ? act_owner_named(h, owner, inv->leases, v, &n, reterr)
		  : act_leases_selected(h, inv, a, inv->leases, v, &n, reterr);
	if (r == 0 && args_has(a, "gone"))
		n = keep_gone(h, v, n);
	return r < 0 ? r : act_show_leases(cli, h, inv, v, n, inv->leases->unreadable, reterr);
}

const struct verb verb_leases = {
	.name = "leases",
	.section = VERB_HAND_OVER,
	.args = "[SELECTOR…]",
	.summary = "who was given what",
	.description =
		"Shows the functions that were given out by assign, to whom, and whether he\n"
		"lives: a process by its number and start time, a domain by libvirt's run state,\n"
		"a container by its control group; of others only a person can tell. One in\n"
		"quarantine could not be brought back to what it was, for the reason shown.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = lease_columns,
	.n_columns = &n_lease_columns,
	.completes = "<claimed>",
	.max_args = ANY_NUMBER,
	.run = run,
};
