// SPDX-License-Identifier: GPL-2.0-or-later
#include "view.h"

#include "base/str.h"

void view_free(struct view *v)
{
	if (!v)
		return;
	free(v->v);
	free(v->worst);
	free(v);
}

const struct function *view_vf(const struct view_item *i, unsigned k)
{
	const struct function *first = i->node->f;

	return function_vf(first->physfn, (unsigned)first->vf_index + k);
}

const struct holder *view_holder(const struct view_item *i)
{
	return i->view->worst[i->node->f - i->view->t->inv->functions];
}

const struct group_verdict *view_verdict(const struct view_item *i)
{
	return topology_verdict(i->view->t, i->node->f);
}

/* What is chosen of each function. */
enum {
	SHOWN = 1 << 0,
	BELOW = 1 << 1, /* and with it all that is below */
};

struct making {
	const struct topology *t;
	const struct inventory *inv;
	uint8_t *marks; /* by function */
	bool unfold;
	struct view *view;
	int *last_child; /* by item */
};

static size_t index_of(const struct making *m, const struct topo_node *n)
{
	return (size_t)(n - m->t->nodes);
}

static void mark_path(struct making *m, const struct function *f)
{
	const struct topo_node *n = topology_node(m->t, f);

	m->marks[index_of(m, n)] |= SHOWN | BELOW;
	if (f->physfn)
		m->marks[f->physfn - m->inv->functions] |= SHOWN;
	for (n = n->parent; n; n = n->parent)
		m->marks[index_of(m, n)] |= SHOWN;
}

/* Parents stand before what is below them in the list, and so do PFs before their VFs. */
static void spread(struct making *m)
{
	for (size_t i = 0; i < m->inv->n_functions; i++) {
		const struct topo_node *n = &m->t->nodes[i];
		const struct function *pf = n->f->physfn;

		if (n->parent && m->marks[index_of(m, n->parent)] & BELOW)
			m->marks[i] |= SHOWN | BELOW;
		if (pf && m->marks[pf - m->inv->functions] & BELOW)
			m->marks[i] |= SHOWN;
	}
}

static int mark(struct making *m, struct function *const *chosen, size_t n)
{
	m->marks = calloc(m->inv->n_functions + 1, 1);
	if (!m->marks)
		return -ENOMEM;
	if (!n)
		memset(m->marks, SHOWN | BELOW, m->inv->n_functions);
	for (size_t i = 0; i < n; i++)
		mark_path(m, chosen[i]);
	if (n)
		spread(m);
	return 0;
}

static bool is_shown(const struct making *m, const struct function *f)
{
	return m->marks[f - m->inv->functions] & SHOWN;
}

/* There is room for an item per function and per root. */
static int add(struct making *m, int parent, struct view_item what)
{
	int at = (int)m->view->n++;
	int *before = parent == VIEW_NONE ? NULL : &m->last_child[parent];

	what.parent = parent;
	what.first_child = what.next = m->last_child[at] = VIEW_NONE;
	what.view = m->view;
	m->view->v[at] = what;
	if (before && *before != VIEW_NONE)
		m->view->v[*before].next = at;
	else if (before)
		m->view->v[parent].first_child = at;
	if (before)
		*before = at;
	return at;
}

static bool look_alike(const struct making *m, const struct function *a, const struct function *b)
{
	const struct group_verdict *x = topology_verdict(m->t, a), *y = topology_verdict(m->t, b);
	const struct holder *p = m->view->worst[a - m->inv->functions];
	const struct holder *q = m->view->worst[b - m->inv->functions];

	return str_eq(a->driver, b->driver) && !x == !y && !p == !q &&
	       (!x || (x->assignable == y->assignable && x->trust == y->trust)) &&
	       (!p || (p->strength == q->strength && str_eq(p->text, q->text)));
}

static void add_vfs(struct making *m, int parent, const struct function *pf)
{
	unsigned shown = 0;

	for (size_t i = 0; i < pf->n_vfs; i++)
		shown += is_shown(m, pf->vfs[i]);
	for (size_t i = 0; i < pf->n_vfs;) {
		const struct function *first = pf->vfs[i++];
		struct view_item item = { .kind = VIEW_NODE, .n_vfs = 1 };

		if (!is_shown(m, first))
			continue;
		while (!m->unfold && shown >= VIEW_FOLD_FROM && i < pf->n_vfs &&
			is_shown(m, pf->vfs[i]) && look_alike(m, first, pf->vfs[i]) &&
			pf->vfs[i]->vf_index == pf->vfs[i - 1]->vf_index + 1) {
			item.n_vfs++;
			i++;
		}
		item.kind = item.n_vfs > 1 ? VIEW_VFS : VIEW_NODE;
		item.node = topology_node(m->t, first);
		add(m, parent, item);
	}
}

/* As deep as bridges are nested: bus numbers, which rise on the way down, bound that. */
static void add_nodes(struct making *m, int parent, struct topo_node *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct view_item item = { .kind = VIEW_NODE, .node = v[i] };
		int at;

		if (!is_shown(m, v[i]->f))
			continue;
		at = add(m, parent, item);
		add_vfs(m, at, v[i]->f);
		add_nodes(m, at, v[i]->children, v[i]->n_children);
	}
}

static void add_roots(struct making *m)
{
	for (size_t i = 0; i < m->t->n_roots; i++) {
		const struct topo_root *root = &m->t->roots[i];
		int at = add(m, VIEW_NONE, (struct view_item) { .kind = VIEW_ROOT, .root = root });

		add_nodes(m, at, root->children, root->n_children);
		if (m->view->v[at].first_child == VIEW_NONE)
			m->view->n--; /* nothing of it is chosen */
	}
	for (size_t i = 0, last = 0; i < m->view->n; i++)
		if (m->view->v[i].kind == VIEW_ROOT) {
			if (i)
				m->view->v[last].next = (int)i;
			last = i;
		}
}

/* The worst of each function stands first. */
static void note_holders(struct making *m, const struct holders *s)
{
	for (size_t i = 0; s && i < s->n; i++) {
		struct function *f = inventory_find_bdf(m->inv, s->v[i].bdf);
		const struct holder **worst = f ? &m->view->worst[f - m->inv->functions] : NULL;

		if (worst && !*worst && s->v[i].strength >= HOLD_USED)
			*worst = &s->v[i];
	}
}

int view_make(const struct topology *t, const struct holders *holders,
	struct function *const *chosen, size_t n, bool unfold, struct view **ret)
{
	CLEANUP(view_freep) struct view *view = calloc(1, sizeof(*view));
	size_t most = t->inv->n_functions + t->n_roots + 1;
	autofree int *last_child = calloc(most, sizeof(*last_child));
	struct making m = { .t = t, .inv = t->inv, .unfold = unfold, .view = view };
	int r;

	if (!view || !last_child)
		return -ENOMEM;
	m.last_child = last_child;
	view->t = t;
	view->v = calloc(most, sizeof(*view->v));
	view->worst = calloc(most, sizeof(*view->worst));
	r = view->v && view->worst ? mark(&m, chosen, n) : -ENOMEM;
	if (r == 0) {
		note_holders(&m, holders);
		add_roots(&m);
	}
	free(m.marks);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(view);
	return 0;
}
