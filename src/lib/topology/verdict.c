// SPDX-License-Identifier: GPL-2.0-or-later
/* What each IOMMU group can be used for, and why it is not smaller. */
#include "nodes.h"

#include "base/str.h"

enum {
	CLASS_HOST_BRIDGE = 0x0600,
	CLASS_MCA_BRIDGE = 0x0603, /* ISA and EISA lie between */
	CLASS_IOMMU = 0x0806,
};

const char *topo_node_kept_because(const struct topo_node *n)
{
	uint32_t class_code = n->f->id.class_code >> 8;

	if (n->bridge)
		return "it is a bridge";
	if (class_code == CLASS_HOST_BRIDGE)
		return "it is the host bridge";
	if (class_code > CLASS_HOST_BRIDGE && class_code <= CLASS_MCA_BRIDGE)
		return "it is the ISA bridge, which the host needs";
	if (class_code == CLASS_IOMMU)
		return "it is the IOMMU itself";
	if (n->port == PORT_EVENT_COLLECTOR)
		return "it collects events of the root complex";
	return NULL;
}

void group_verdict_done(struct group_verdict *v)
{
	free(v->members);
	free(v->kept);
	free(v->gaps);
	free(v->why);
	*v = (struct group_verdict) { 0 };
}

/* A kept member that a host driver holds: the group is never free of the host. */
static const struct group_member *kept_blocker(const struct group_verdict *v)
{
	for (size_t i = 0; i < v->n_kept; i++)
		for (size_t k = 0; k < v->group->n_members; k++)
			if (v->group->members[k].blocks &&
				bdf_eq(v->group->members[k].bdf, v->kept[i]->f->bdf))
				return &v->group->members[k];
	return NULL;
}

static enum assignable assignable_of(const struct group_verdict *v)
{
	if (!v->n_members || kept_blocker(v))
		return ASSIGNABLE_NEVER;
	return v->n_members == 1 ? ASSIGNABLE_ALONE : ASSIGNABLE_TOGETHER;
}

static int read_members(const struct topology *t, struct group_verdict *v)
{
	v->members = calloc(v->group->n_members + 1, sizeof(struct topo_node *));
	v->kept = calloc(v->group->n_members + 1, sizeof(struct topo_node *));
	if (!v->members || !v->kept)
		return -ENOMEM;
	for (size_t i = 0; i < v->group->n_members; i++) {
		struct function *f = inventory_find_bdf(t->inv, v->group->members[i].bdf);
		const struct topo_node *n = f ? topology_node(t, f) : NULL;

		if (n && topo_node_kept_because(n))
			v->kept[v->n_kept++] = n;
		else if (n)
			v->members[v->n_members++] = n;
	}
	v->assignable = assignable_of(v);
	return 0;
}

/* From the root down, as the reader walks. */
static int by_address(const void *a, const void *b)
{
	const struct acs_gap *x = a, *y = b;

	return bdf_cmp(x->node->f->bdf, y->node->f->bdf);
}

static int collect(const struct topology *t, struct group_verdict *v, const struct topo_node *n)
{
	v->acs_unknown |= topology_has_unknown_hop(n);
	return topology_gaps_of(t, n, &v->gaps, &v->n_gaps);
}

/* `tighter`: the kernel keeps apart what the registers do not. */
static int find_gaps(const struct topology *t, struct group_verdict *v, bool tighter)
{
	size_t several = v->n_members + v->n_kept;
	int r = 0;

	/* A bridge that came along with the one function below it is nobody's trouble. */
	for (size_t i = 0; i < v->n_kept; i++)
		several -= v->kept[i]->bridge;
	if (several < 2 && !tighter)
		return 0;
	for (size_t i = 0; r == 0 && i < v->n_members; i++)
		r = collect(t, v, v->members[i]);
	for (size_t i = 0; r == 0 && i < v->n_kept; i++)
		r = collect(t, v, v->kept[i]);
	if (v->n_gaps)
		qsort(v->gaps, v->n_gaps, sizeof(*v->gaps), by_address);
	for (size_t i = 0; tighter && i < v->n_gaps; i++)
		if (acs_override_covers(t->acs_override, &v->gaps[i]))
			v->trust = TRUST_FAKED;
	if (tighter && v->n_gaps && v->trust == TRUST_PLAIN)
		v->trust = TRUST_QUIRK;
	return r;
}

char *acs_gap_text(const struct acs_gap *g)
{
	const struct topo_node *n = g->node;
	const char *address = n->f->address;

	switch (g->kind) {
	case GAP_NO_ACS:
		return str_printf("%s %s has no ACS", port_type_text(n->port), address);
	case GAP_ACS_OFF:
		return str_printf("%s %s has ACS switched off (%s)", port_type_text(n->port),
			address, ACS_TEXT(n->acs_missing));
	case GAP_CONVENTIONAL:
		return str_printf("%s %s cannot have ACS", port_type_text(n->port), address);
	case GAP_MULTIFUNCTION:
		break;
	}
	return str_printf("device %.*s has no ACS between its functions",
		(int)(strlen(address) - 2), address);
}

static void say_trust(struct strbuf *b, const struct topology *t, const struct group_verdict *v)
{
	if (v->trust == TRUST_FAKED)
		strbuf_add(b,
			"; isolated only because pcie_acs_override=%s says so, which is unsafe: "
			"the hardware does not keep these functions apart",
			t->acs_override);
	if (v->trust == TRUST_QUIRK)
		strbuf_add(b, "; isolated all the same: the kernel knows the device better");
}

static int explain(const struct topology *t, struct group_verdict *v)
{
	const struct group_member *blocker = kept_blocker(v);
	autostrbuf b = { 0 };

	if (blocker) {
		struct function *f = inventory_find_bdf(t->inv, blocker->bdf);

		strbuf_add(&b, "; %s (%s) stays with the host: %s", f->address, blocker->driver,
			topo_node_kept_because(topology_node(t, f)));
	}
	for (size_t i = 0; i < v->n_gaps; i++) {
		autofree char *text = acs_gap_text(&v->gaps[i]);

		if (!text)
			return -ENOMEM;
		strbuf_add(&b, "; %s", text);
	}
	if (!v->n_gaps && v->n_members > 1)
		strbuf_add(&b, "; %s",
			v->acs_unknown
				? "the ACS registers above it cannot be read: are you root?"
				: "no ACS register tells why: the kernel sees one requester");
	say_trust(&b, t, v);
	if (b.failed)
		return -ENOMEM;
	v->why = b.len ? strdup(b.s + strlen("; ")) : NULL;
	return b.len && !v->why ? -ENOMEM : 0;
}

/* For each group: whether a function that the registers do not keep apart is in another one. */
static int find_tighter(const struct topology *t, bool **ret)
{
	autofree size_t *of = NULL;
	autofree int *first = calloc(t->inv->n_functions + 1, sizeof(*first));
	autofree bool *mixed = calloc(t->inv->n_functions + 1, sizeof(*mixed));
	bool *tighter = calloc(t->inv->n_groups + 1, sizeof(*tighter));
	int r = first && mixed && tighter ? topology_predict(t, &of) : -ENOMEM;

	if (r < 0) {
		free(tighter);
		return r;
	}
	for (size_t i = 0; i < t->inv->n_functions; i++) /* 0: nobody yet */
		if (t->inv->functions[i].iommu_group >= 0) {
			int group = t->inv->functions[i].iommu_group + 1;

			mixed[of[i]] |= first[of[i]] && first[of[i]] != group;
			first[of[i]] = group;
		}
	for (size_t i = 0; i < t->inv->n_functions; i++) {
		int group = t->inv->functions[i].iommu_group;
		struct iommu_group *g = inventory_find_group(t->inv, group);

		if (g && mixed[of[i]])
			tighter[g - t->inv->groups] = true;
	}
	*ret = tighter;
	return 0;
}

int topology_judge(struct topology *t)
{
	autofree bool *tighter = NULL;
	int r = find_tighter(t, &tighter);

	for (size_t i = 0; r == 0 && i < t->inv->n_groups; i++) {
		struct group_verdict *v = &t->verdicts[i];

		v->group = &t->inv->groups[i];
		r = read_members(t, v);
		if (r == 0)
			r = find_gaps(t, v, tighter[i]);
		if (r == 0)
			r = explain(t, v);
	}
	return r;
}
