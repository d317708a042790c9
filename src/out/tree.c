// SPDX-License-Identifier: GPL-2.0-or-later
#include "tree.h"
#include "cell.h"
#include "function.h"
#include "group.h"

enum { CLASS_ISA_BRIDGE = 0x0601 };

#define ITEM(row) ((const struct view_item *)(row))

static bool is_function(const void *row)
{
	return ITEM(row)->kind != VIEW_ROOT;
}

static unsigned last_vf(const struct view_item *i)
{
	return (unsigned)i->node->f->vf_index + i->n_vfs - 1;
}

static int text_address(const void *row, char **ret)
{
	const struct view_item *i = ITEM(row);

	switch (i->kind) {
	case VIEW_ROOT:
		return cell_fmt(ret, "pci%04x:%02x", i->root->domain, i->root->bus);
	case VIEW_VFS:
		return cell_fmt(ret, "vf%d-%u", i->node->f->vf_index, last_vf(i));
	case VIEW_NODE:
		break;
	}
	return cell_str(ret, i->node->f->address);
}

static int text_what(const void *row, char **ret)
{
	const struct view_item *i = ITEM(row);
	const struct function *f = i->node ? i->node->f : NULL;

	if (i->kind == VIEW_ROOT)
		return cell_str(ret, "root bus");
	if (i->kind == VIEW_VFS)
		return cell_fmt(ret, "%u vfs", i->n_vfs);
	if (f->kind == FUNCTION_VF)
		return cell_fmt(ret, "vf%d", f->vf_index);
	if (i->node->bridge || i->node->port == PORT_HOST_BRIDGE)
		return cell_str(ret, port_type_text(i->node->port));
	if (f->id.class_code >> 8 == CLASS_ISA_BRIDGE)
		return cell_str(ret, "ISA bridge");
	if (f->kind == FUNCTION_PF)
		return cell_fmt(ret, "pf %u/%u", f->sriov.num_vfs, f->sriov.total_vfs);
	return cell_str(ret, f->class_word);
}

static int text_slot(const void *row, char **ret)
{
	return cell_str(ret, is_function(row) ? ITEM(row)->node->slot : NULL);
}

static int text_driver(const void *row, char **ret)
{
	return cell_str(ret, is_function(row) ? ITEM(row)->node->f->driver : NULL);
}

int topo_node_acs_text(const struct topo_node *n, char **ret)
{
	bool says = n->bridge ? n->port != PORT_UPSTREAM || n->multifunction : n->multifunction;

	if (!says || n->port == PORT_HOST_BRIDGE)
		return cell_str(ret, NULL);
	if (n->isolates < 0)
		return cell_str(ret, "?");
	if (n->acs.state != ACS_PRESENT)
		return cell_str(ret, "none");
	if (!n->isolates)
		return cell_fmt(ret, "lacks %s", ACS_TEXT(n->acs_missing));
	return cell_str(ret, ACS_TEXT(n->acs.control));
}

static int text_acs(const void *row, char **ret)
{
	return is_function(row) ? topo_node_acs_text(ITEM(row)->node, ret) : cell_str(ret, NULL);
}

static int text_group(const void *row, char **ret)
{
	const struct view_item *i = ITEM(row);
	int first, last;

	if (!is_function(row))
		return cell_str(ret, NULL);
	first = i->node->f->iommu_group;
	last = i->kind == VIEW_VFS ? view_vf(i, i->n_vfs - 1)->iommu_group : first;
	if (first < 0 || last == first)
		return cell_known(ret, first);
	return cell_fmt(ret, "%d-%d", MIN(first, last), MAX(first, last));
}

/* Bridges stay, which is no news. */
static int text_assignable(const void *row, char **ret)
{
	const struct view_item *i = ITEM(row);
	const struct group_verdict *v;
	autofree char *text = NULL;

	if (!is_function(row) || topo_node_kept_because(i->node))
		return cell_str(ret, NULL);
	v = view_verdict(i);
	if (i->kind == VIEW_VFS && v && v->assignable == ASSIGNABLE_TOGETHER)
		return cell_fmt(ret, "with %zu others", v->n_members - 1);
	text = topology_assignable_text(i->view->t, i->node->f);
	if (!text)
		return -ENOMEM;
	return cell_fmt(ret, "%s%s", text, v && v->trust == TRUST_FAKED ? ", faked" : "");
}

static int text_name(const void *row, char **ret)
{
	if (ITEM(row)->kind != VIEW_NODE)
		return cell_str(ret, NULL);
	return function_text_name(ITEM(row)->node->f, ret);
}

static int text_user(const void *row, char **ret)
{
	const struct holder *h = is_function(row) ? view_holder(ITEM(row)) : NULL;

	return cell_str(ret, h ? h->text : NULL);
}

static int text_device(const void *row, char **ret)
{
	return is_function(row) ? function_text_device(ITEM(row)->node->f, ret)
				: cell_str(ret, NULL);
}

static int text_numa(const void *row, char **ret)
{
	return cell_known(ret, is_function(row) ? ITEM(row)->node->f->numa_node : -1);
}

static int text_why(const void *row, char **ret)
{
	const struct group_verdict *v = is_function(row) ? view_verdict(ITEM(row)) : NULL;

	return cell_str(ret, v ? v->why : NULL);
}

static const char *color_address(const void *row)
{
	const struct holder *h = is_function(row) ? view_holder(ITEM(row)) : NULL;

	if (h)
		return h->strength == HOLD_BLOCKS ? "red" : "yellow";
	return NULL;
}

static const char *color_driver(const void *row)
{
	const char *driver = is_function(row) ? ITEM(row)->node->f->driver : NULL;

	return driver_is_vfio(driver) ? "cyan" : NULL;
}

static const char *color_acs(const void *row)
{
	autofree char *text = NULL;

	if (!is_function(row) || topo_node_acs_text(ITEM(row)->node, &text) < 0 || !text)
		return NULL;
	if (ITEM(row)->node->isolates > 0)
		return "green";
	return ITEM(row)->node->isolates == 0 ? "red" : NULL;
}

static const char *color_assignable(const void *row)
{
	const struct group_verdict *v;

	if (!is_function(row) || topo_node_kept_because(ITEM(row)->node))
		return NULL;
	v = view_verdict(ITEM(row));
	return v ? group_verdict_color(v) : NULL;
}

const struct out_column tree_columns[] = {
	{ "ADDRESS", "where in the tree", OUT_USUAL | OUT_TREE, text_address, color_address },
	{ "WHAT", "port, pf, vf or class", OUT_USUAL, text_what, NULL },
	{ "SLOT", "physical slot", 0, text_slot, NULL },
	{ "DRIVER", "bound driver", OUT_USUAL, text_driver, color_driver },
	{ "ACS", "isolation of this hop", OUT_USUAL, text_acs, color_acs },
	{ "GROUP", "IOMMU group", OUT_USUAL | OUT_RIGHT, text_group, NULL },
	{ "ASSIGNABLE", "alone, with whom, never", OUT_USUAL, text_assignable, color_assignable },
	{ "NAME", "interfaces or controller", OUT_USUAL, text_name, NULL },
	{ "USER", "who uses it", OUT_USUAL | OUT_WRAP, text_user, color_address },
	{ "DEVICE", "device name, or its ids", OUT_USUAL | OUT_WRAP, text_device, NULL },
	{ "NUMA", "NUMA node", OUT_RIGHT, text_numa, NULL },
	{ "WHY", "what makes the group large", OUT_WRAP, text_why, NULL },
};
const size_t n_tree_columns = ARRAY_SIZE(tree_columns);

static int in_text(const struct out *o, const struct view *v, struct problem **reterr)
{
	autofree const void **rows = calloc(v->n + 1, sizeof(*rows));
	autofree int *parents = calloc(v->n + 1, sizeof(*parents));

	if (!rows || !parents)
		return -ENOMEM;
	for (size_t i = 0; i < v->n; i++) {
		rows[i] = &v->v[i];
		parents[i] = v->v[i].parent;
	}
	return out_tree_table(o, tree_columns, n_tree_columns, rows, parents, v->n, reterr);
}

static void bits_json(struct json *j, json_object *to, const char *key, uint16_t bits)
{
	json_object *list = json_add_array(j, to, key);

	for (unsigned i = 0; i < ACS_BITS; i++)
		if (bits & 1U << i)
			json_add_str(j, list, NULL, acs_bit_name(i));
}

static void acs_json(struct json *j, json_object *to, const struct topo_node *n)
{
	static const char *const states[] = {
		[ACS_UNKNOWN] = "unknown",
		[ACS_ABSENT] = "absent",
		[ACS_PRESENT] = "present",
	};
	json_object *e = json_add_object(j, to, "acs");

	json_add_str(j, e, "state", states[n->acs.state]);
	bits_json(j, e, "capability", n->acs.capability);
	bits_json(j, e, "control", n->acs.control);
	bits_json(j, e, "missing", n->acs_missing);
	json_add_maybe(j, e, "isolates", n->isolates);
}

static void verdict_json(struct json *j, json_object *to, const struct view_item *i)
{
	const struct topology *t = i->view->t;
	const struct group_verdict *v = view_verdict(i);
	enum assignable a = topology_assignable(t, i->node->f);
	json_object *with;

	json_add_str(j, to, "assignable", assignable_name(a));
	with = json_add_array(j, to, "together_with");
	for (size_t k = 0; v && a == ASSIGNABLE_TOGETHER && k < v->n_members; k++)
		if (v->members[k] != i->node)
			json_add_str(j, with, NULL, v->members[k]->f->address);
	json_add_bool(j, to, "faked", v && v->trust == TRUST_FAKED);
	json_add_str(j, to, "why", v ? v->why : NULL);
}

static void node_json(struct json *j, json_object *to, const struct view_item *i)
{
	const struct holder *h = view_holder(i);

	function_json(j, to, i->node->f);
	json_add_str(j, to, "port", port_type_name(i->node->port));
	json_add_str(j, to, "slot", i->node->slot);
	acs_json(j, to, i->node);
	verdict_json(j, to, i);
	json_add_str(j, to, "used_by", h ? h->text : NULL);
}

static int in_json(const struct out *o, const struct view *v, struct problem **reterr)
{
	autofree json_object **children = calloc(v->n + 1, sizeof(json_object *));
	autojson j = json_start();
	json_object *roots;

	if (!children)
		return -ENOMEM;
	json_add_str(&j, j.root, "pcie_acs_override", v->t->acs_override);
	roots = json_add_array(&j, j.root, "roots");
	for (size_t i = 0; i < v->n; i++) {
		const struct view_item *item = &v->v[i];
		json_object *e = json_add_object(
			&j, item->parent < 0 ? roots : children[item->parent], NULL);

		if (item->kind == VIEW_ROOT) {
			json_add_fmt(
				&j, e, "name", "pci%04x:%02x", item->root->domain, item->root->bus);
			json_add_u64(&j, e, "domain", item->root->domain);
			json_add_u64(&j, e, "bus", item->root->bus);
		} else {
			node_json(&j, e, item);
		}
		children[i] = json_add_array(&j, e, "children");
	}
	return json_print(&j, o, reterr);
}

int out_tree(const struct out *o, const struct view *v, struct problem **reterr)
{
	return out_is_json(o) ? in_json(o, v, reterr) : in_text(o, v, reterr);
}
