// SPDX-License-Identifier: GPL-2.0-or-later
/* What things look like in a picture, whoever draws it. */
#include "picture.h"

#include "function.h"
#include "tree.h"
#include "base/str.h"

/* Light enough for black text, and apart from each other also for most who see few colours. */
static const char *const fills[] = { "#b9d9f0", "#ffd59a", "#dccbea", "#f9bbb6", "#eee39a",
	"#b4e2d8", "#e5cbaa", "#f7cbe2", "#cddc9f", "#a9c4e4", "#ffe6c2", "#d3cff5", "#efd0b8",
	"#bfe0ba" };
#define FILL_VFIO "#8fdba8"
#define FILL_NONE "#ffffff"

bool item_is_bridge(const struct view_item *i)
{
	return i->kind == VIEW_ROOT || i->node->bridge;
}

bool item_is_vf(const struct view_item *i)
{
	return i->kind != VIEW_ROOT && i->node->f->physfn;
}

static bool same_driver(const char *a, const char *b)
{
	return str_eq(a, b);
}

static void count_driver(struct palette *all, size_t max, const char *driver)
{
	for (size_t i = 0; i < all->n; i++)
		if (same_driver(all->v[i].driver, driver)) {
			all->v[i].n++;
			return;
		}
	if (all->n < max) {
		all->v[all->n].driver = driver;
		all->v[all->n++].n = 1;
	} else {
		all->n_others++;
	}
}

/* The most first; equal ones by name, so that the same machine looks the same each time. */
static int by_number(const void *a, const void *b)
{
	const typeof(((struct palette *)0)->v[0]) *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return strcmp(x->driver ? x->driver : "", y->driver ? y->driver : "");
}

void palette_make(const struct view *v, struct palette *ret)
{
	struct palette p = { 0 };
	size_t next = 0;

	for (size_t i = 0; i < v->n; i++)
		if (!item_is_bridge(&v->v[i]))
			count_driver(&p, PALETTE_MAX, v->v[i].node->f->driver);
	qsort(p.v, p.n, sizeof(p.v[0]), by_number);
	for (size_t i = 0; i < p.n; i++) {
		if (!p.v[i].driver)
			p.v[i].fill = FILL_NONE;
		else if (str_eq(p.v[i].driver, "vfio-pci"))
			p.v[i].fill = FILL_VFIO;
		else
			p.v[i].fill = fills[next++ % ARRAY_SIZE(fills)];
	}
	*ret = p;
}

const char *palette_fill(const struct palette *p, const struct function *f)
{
	for (size_t i = 0; i < p->n; i++)
		if (same_driver(p->v[i].driver, f->driver))
			return p->v[i].fill;
	return OTHER_FILL;
}

const char *item_verdict_color(const struct view_item *i)
{
	const struct group_verdict *v = view_verdict(i);

	if (v && v->trust == TRUST_FAKED)
		return COLOR_FAKED;
	switch (topology_assignable(i->view->t, i->node->f)) {
	case ASSIGNABLE_ALONE:
		return COLOR_ALONE;
	case ASSIGNABLE_TOGETHER:
		return COLOR_TOGETHER;
	case ASSIGNABLE_NEVER:
		return COLOR_NEVER;
	default:
		return COLOR_UNKNOWN;
	}
}

const char *item_holder_color(const struct view_item *i)
{
	const struct holder *h = i->kind == VIEW_ROOT ? NULL : view_holder(i);

	if (!h)
		return NULL;
	return h->strength == HOLD_BLOCKS ? COLOR_HELD : COLOR_USED;
}

const char *item_holder_text_color(const struct view_item *i)
{
	const char *color = item_holder_color(i);

	return str_eq(color, COLOR_USED) ? "#9a4a00" : color;
}

int item_acs_badge(const struct view_item *i, char **ret_text, const char **ret_color)
{
	const struct topo_node *n = i->node;
	autofree char *text = NULL;
	int r = i->kind == VIEW_ROOT ? 0 : topo_node_acs_text(n, &text);

	*ret_text = NULL;
	if (r < 0 || !text)
		return r;
	if (n->isolates > 0)
		*ret_text = strdup("ACS");
	else if (n->isolates == 0 && n->acs.state != ACS_PRESENT)
		*ret_text = strdup("no ACS");
	else
		*ret_text = str_printf("ACS %s", text);
	*ret_color = n->isolates > 0 ? COLOR_ALONE : n->isolates < 0 ? COLOR_UNKNOWN : COLOR_FAKED;
	return *ret_text ? 0 : -ENOMEM;
}

const char *item_address(const struct view_item *i)
{
	const char *address = i->node->f->address;

	return str_starts(address, "0000:") ? address + strlen("0000:") : address;
}

char *item_group_text(const struct view_item *i)
{
	const struct group_verdict *v = view_verdict(i);
	enum assignable a = topology_assignable(i->view->t, i->node->f);

	if (!v)
		return strdup("no IOMMU group");
	if (v->trust == TRUST_FAKED)
		return str_printf("group %d, faked", v->group->id);
	if (a == ASSIGNABLE_TOGETHER && v->n_members == 2)
		return str_printf("group %d, with 1 other", v->group->id);
	if (a == ASSIGNABLE_TOGETHER)
		return str_printf("group %d, with %zu others", v->group->id, v->n_members - 1);
	return str_printf("group %d, %s", v->group->id, a == ASSIGNABLE_ALONE ? "alone" : "never");
}

static void add_line(struct strbuf *b, const char *key, const char *value)
{
	if (value && *value)
		strbuf_add(b, "\n%s: %s", key, value);
}

char *item_tooltip(const struct view_item *i)
{
	autofree char *device = NULL, *name = NULL, *group = NULL, *verdict = NULL, *acs = NULL;
	const struct function *f = i->node ? i->node->f : NULL;
	const struct group_verdict *v;
	const struct holder *h;
	autostrbuf b = { 0 };

	if (!f)
		return str_printf("root bus %04x:%02x", i->root->domain, i->root->bus);
	v = view_verdict(i);
	h = view_holder(i);
	if (function_text_device(f, &device) < 0 || function_text_name(f, &name) < 0 ||
		topo_node_acs_text(i->node, &acs) < 0)
		return NULL;
	group = item_group_text(i);
	verdict = topology_assignable_text(i->view->t, f);
	strbuf_add(&b, "%s %s", f->address, device ? device : "");
	if (f->physfn)
		strbuf_add(&b, "\nVF %d of %s", f->vf_index, f->physfn->address);
	add_line(&b, "slot", i->node->slot);
	add_line(&b, "name", name);
	add_line(&b, "driver", f->driver ? f->driver : "none");
	add_line(&b, "ACS", acs);
	add_line(&b, "IOMMU", group);
	add_line(&b, "assignable", verdict);
	add_line(&b, "why", v ? v->why : NULL);
	add_line(&b, "used by", h ? h->text : NULL);
	return strbuf_take(&b);
}

char *picture_title(const struct view *v)
{
	size_t functions = 0, vfs = 0;

	for (size_t i = 0; i < v->n; i++) {
		functions += v->v[i].kind != VIEW_ROOT;
		vfs += item_is_vf(&v->v[i]);
	}
	if (!vfs)
		return str_printf("%zu PCI functions", functions);
	return str_printf("%zu PCI functions, %zu of them VFs", functions, vfs);
}
