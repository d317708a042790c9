// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"
#include "out/group.h"
#include "select/select.h"

static const struct option options[] = { OPTION_COLUMNS, OPTION_HOLDERS };

static const struct example examples[] = {
	{ "groups", "all groups" },
	{ "groups 12", "one, by its number" },
	{ "groups ens1f0/vf0", "the group of a function" },
	{ "groups -o GROUP,VIABLE,BLOCKERS", "who keeps VFIO out" },
	{ "groups -o GROUP,VERDICT,MEMBERS,WHY", "what can be given away, and with whom" },
};

static int add(const struct topology *t, const struct group_verdict **v, size_t *n,
	const struct iommu_group *g)
{
	const struct group_verdict *verdict = &t->verdicts[g - t->inv->groups];

	for (size_t i = 0; i < *n; i++)
		if (v[i] == verdict)
			return 0;
	v[(*n)++] = verdict;
	return 0;
}

static int add_by_number(const struct topology *t, uint32_t id, const struct group_verdict **v,
	size_t *n, struct problem **reterr)
{
	const struct iommu_group *g =
		id <= INT32_MAX ? inventory_find_group(t->inv, (int)id) : NULL;

	if (!g)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
			"vfctl groups shows those that there are", "no IOMMU group %u", id);
	return add(t, v, n, g);
}

static int add_of_functions(struct host *h, const struct topology *t, const char *word,
	const struct group_verdict **v, size_t *n, struct problem **reterr)
{
	autoselection found = { 0 };
	int r;

	r = select_some(h, t->inv, &word, 1, &found, reterr);
	for (size_t i = 0; r == 0 && i < found.n; i++) {
		const struct iommu_group *g = inventory_find_group(t->inv, found.v[i]->iommu_group);

		if (!g)
			return problem(reterr, -ENODATA, PROBLEM_NO_IOMMU,
				"switch the IOMMU on in the firmware and with intel_iommu=on",
				"%s is in no IOMMU group", found.v[i]->address);
		r = add(t, v, n, g);
	}
	return r;
}

static int choose(struct host *h, const struct topology *t, const struct args *a,
	const struct group_verdict **v, size_t *n, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; !a->n_words && i < t->inv->n_groups; i++)
		r = add(t, v, n, &t->inv->groups[i]);
	for (size_t i = 0; r == 0 && i < a->n_words; i++) {
		uint32_t id;

		r = parse_u32(a->words[i], &id) == 0
			    ? add_by_number(t, id, v, n, reterr)
			    : add_of_functions(h, t, a->words[i], v, n, reterr);
	}
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(topology_freep) struct topology *t = NULL;
	autofree const struct group_verdict **v = NULL;
	struct host *h;
	size_t n = 0;
	int r;

	r = cli_inventory(cli, INVENTORY_GROUPS, &inv, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = cli_holders(cli, a, inv, "GROUP,VERDICT,MEMBERS,HOLDERS", reterr);
	if (r == 0)
		r = topology_load(h, inv, &t, reterr);
	if (r < 0)
		return r;
	v = calloc(inv->n_groups + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	r = choose(h, t, a, v, &n, reterr);
	if (r == 0)
		r = out_groups(&cli->out, v, n, reterr);
	if (r == 0 && !n && !out_is_json(&cli->out))
		fputs("vfctl: no IOMMU groups: the IOMMU is off or missing\n", cli->out.notes);
	return r;
}

const struct verb verb_groups = {
	.name = "groups",
	.section = VERB_LOOK,
	.args = "[GROUP|SELECTOR…]",
	.summary = "IOMMU groups, with verdicts",
	.description =
		"Shows IOMMU groups: what VFIO hands out as one piece. A group is viable when no\n"
		"member is bound to a host driver; those that are, are its blockers. The\n"
		"verdict tells what it is good for once it is viable: its only function alone,\n"
		"several together, or never, because the host needs a member; and why, by the\n"
		"name of the bridge or device without ACS. faked: only pcie_acs_override= on\n"
		"the kernel command line holds these functions apart, which is unsafe.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = group_columns,
	.n_columns = &n_group_columns,
	.completes = "<function>",
	.max_args = ANY_NUMBER,
	.run = run,
};
