// SPDX-License-Identifier: GPL-2.0-or-later
#include "topology.h"
#include "nodes.h"

#include "base/str.h"

static int load(struct host *h, struct topology *t)
{
	int r = topology_read_nodes(h, t);

	if (r == 0)
		r = topology_read_slots(h, t);
	if (r == 0)
		r = topology_read_override(h, t);
	if (r == 0)
		r = topology_judge(t);
	return r;
}

int topology_load(
	struct host *h, const struct inventory *inv, struct topology **ret, struct problem **reterr)
{
	CLEANUP(topology_freep) struct topology *t = calloc(1, sizeof(*t));
	int r = -ENOMEM;

	if (t) {
		t->inv = inv;
		t->nodes = calloc(inv->n_functions + 1, sizeof(*t->nodes));
		t->n_nodes = inv->n_functions;
		t->verdicts = calloc(inv->n_groups + 1, sizeof(*t->verdicts));
		t->n_verdicts = inv->n_groups;
	}
	if (t && t->nodes && t->verdicts)
		r = load(h, t);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot find out how the functions are connected: %s", strerror(-r));
	*ret = TAKE_PTR(t);
	return 0;
}

void topology_free(struct topology *t)
{
	if (!t)
		return;
	for (size_t i = 0; t->nodes && i < t->n_nodes; i++) {
		free(t->nodes[i].children);
		free(t->nodes[i].slot);
	}
	for (size_t i = 0; i < t->n_roots; i++)
		free(t->roots[i].children);
	for (size_t i = 0; t->verdicts && i < t->n_verdicts; i++)
		group_verdict_done(&t->verdicts[i]);
	free(t->nodes);
	free(t->roots);
	free(t->verdicts);
	free(t->acs_override);
	free(t);
}

const struct topo_node *topology_node(const struct topology *t, const struct function *f)
{
	return &t->nodes[f - t->inv->functions];
}

const struct group_verdict *topology_verdict(const struct topology *t, const struct function *f)
{
	const struct iommu_group *g = inventory_find_group(t->inv, f->iommu_group);

	return g ? &t->verdicts[g - t->inv->groups] : NULL;
}

enum assignable topology_assignable(const struct topology *t, const struct function *f)
{
	const struct group_verdict *v = topology_verdict(t, f);

	if (topo_node_kept_because(topology_node(t, f)))
		return ASSIGNABLE_NEVER;
	return v ? v->assignable : ASSIGNABLE_NO_IOMMU;
}

/* As many as fit a table's cell. */
static void add_companions(
	struct strbuf *b, const struct group_verdict *v, const struct function *f)
{
	enum { NAMED = 3 };
	size_t n = 0;

	for (size_t i = 0; v && i < v->n_members; i++) {
		if (v->members[i]->f == f)
			continue;
		if (n < NAMED)
			strbuf_add(b, "%s%s", n ? ", " : "", v->members[i]->f->address);
		n++;
	}
	if (n > NAMED)
		strbuf_add(b, " and %zu more", n - NAMED);
}

char *topology_assignable_text(const struct topology *t, const struct function *f)
{
	const char *kept = topo_node_kept_because(topology_node(t, f));
	autostrbuf b = { 0 };

	switch (topology_assignable(t, f)) {
	case ASSIGNABLE_ALONE:
		return strdup("alone");
	case ASSIGNABLE_NO_IOMMU:
		return strdup("no IOMMU");
	case ASSIGNABLE_NEVER:
		return kept ? str_printf("never: %s", kept)
			    : strdup("never: its group has a member that the host needs");
	case ASSIGNABLE_TOGETHER:
		break;
	}
	strbuf_add(&b, "with ");
	add_companions(&b, topology_verdict(t, f), f);
	return strbuf_take(&b);
}

const char *assignable_name(enum assignable a)
{
	static const char *const names[] = {
		[ASSIGNABLE_ALONE] = "alone",
		[ASSIGNABLE_TOGETHER] = "together",
		[ASSIGNABLE_NEVER] = "never",
		[ASSIGNABLE_NO_IOMMU] = "no-iommu",
	};

	return names[a];
}

const char *gap_kind_name(enum gap_kind k)
{
	static const char *const names[] = {
		[GAP_NO_ACS] = "no-acs",
		[GAP_ACS_OFF] = "acs-off",
		[GAP_CONVENTIONAL] = "conventional",
		[GAP_MULTIFUNCTION] = "multifunction",
	};

	return names[k];
}
