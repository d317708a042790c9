// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The groups that a kernel without quirks would make (pci_device_group, Linux 6.12): a function is
 * put together with every bridge above it, up to the last that does not isolate, and with the
 * functions of its slot if neither of the two isolates.
 */
#include "nodes.h"

/* From here up to the root every hop isolates. */
static bool is_path_isolated(const struct topo_node *n)
{
	for (; n; n = n->parent)
		if (n->isolates == 0)
			return false;
	return true;
}

static size_t find(size_t *of, size_t i)
{
	while (of[i] != i)
		i = of[i] = of[of[i]];
	return i;
}

static void join(size_t *of, size_t a, size_t b)
{
	of[find(of, b)] = find(of, a);
}

static bool is_same_slot(const struct topo_node *a, const struct topo_node *b)
{
	return a->f->bdf.domain == b->f->bdf.domain && a->f->bdf.bus == b->f->bdf.bus &&
	       a->f->bdf.dev == b->f->bdf.dev;
}

/* Bridges isolate their own slot as endpoints do; what they do to those below is another matter. */
static bool leaks_to_neighbours(const struct topo_node *n)
{
	return n->isolates == 0 && (n->multifunction || n->bridge);
}

int topology_predict(const struct topology *t, size_t **ret)
{
	size_t n = t->inv->n_functions;
	size_t *of = calloc(n + 1, sizeof(*of));

	if (!of)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		of[i] = i;
	for (size_t i = 0; i < n; i++) {
		const struct topo_node *x = &t->nodes[i];

		for (const struct topo_node *p = x->parent; p && !is_path_isolated(p);
			p = p->parent)
			join(of, (size_t)(p - t->nodes), i);
		/* A slot's functions are neighbours in the list, but for VFs among them. */
		for (size_t k = i; leaks_to_neighbours(x) && k-- > 0;) {
			if (!is_same_slot(x, &t->nodes[k]))
				break;
			if (leaks_to_neighbours(&t->nodes[k]))
				join(of, k, i);
		}
	}
	for (size_t i = 0; i < n; i++)
		of[i] = find(of, i);
	*ret = of;
	return 0;
}

static int add_gap(struct acs_gap **gaps, size_t *n, const struct topo_node *node, enum gap_kind k)
{
	struct acs_gap *more;

	for (size_t i = 0; i < *n; i++) {
		const struct topo_node *have = (*gaps)[i].node;

		if (have == node || (k == GAP_MULTIFUNCTION && (*gaps)[i].kind == k &&
					    is_same_slot(have, node)))
			return 0;
	}
	more = reallocarray(*gaps, *n + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	*gaps = more;
	more[(*n)++] = (struct acs_gap) { .node = node, .kind = k };
	return 0;
}

static enum gap_kind kind_of_bridge(const struct topo_node *n)
{
	if (n->port != PORT_ROOT && n->port != PORT_DOWNSTREAM)
		return n->port == PORT_UPSTREAM ? GAP_MULTIFUNCTION : GAP_CONVENTIONAL;
	return n->acs.state == ACS_PRESENT ? GAP_ACS_OFF : GAP_NO_ACS;
}

/* The first function of the slot that leaks to its neighbours; NULL when `n` has no such one. */
static const struct topo_node *first_of_slot(const struct topology *t, const struct topo_node *n)
{
	const struct topo_node *first = n, *end = t->nodes + t->inv->n_functions;
	bool several = false;

	for (const struct topo_node *x = n; x >= t->nodes && is_same_slot(x, n); x--)
		if (x != n && leaks_to_neighbours(x)) {
			first = x;
			several = true;
		}
	for (const struct topo_node *x = n; x < end && is_same_slot(x, n); x++)
		several |= x != n && leaks_to_neighbours(x);
	return several ? first : NULL;
}

int topology_gaps_of(
	const struct topology *t, const struct topo_node *n, struct acs_gap **gaps, size_t *n_gaps)
{
	const struct topo_node *first;
	int r = 0;

	for (const struct topo_node *p = n->parent; r == 0 && p; p = p->parent)
		if (p->isolates == 0)
			r = add_gap(gaps, n_gaps, p, kind_of_bridge(p));
	first = r == 0 && !n->bridge && leaks_to_neighbours(n) ? first_of_slot(t, n) : NULL;
	if (first)
		r = add_gap(gaps, n_gaps, first, GAP_MULTIFUNCTION);
	return r;
}

bool topology_has_unknown_hop(const struct topo_node *n)
{
	for (; n; n = n->parent)
		if (n->isolates < 0)
			return true;
	return false;
}
