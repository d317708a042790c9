// SPDX-License-Identifier: GPL-2.0-or-later
/* Who stands below whom: the folders of sysfs are nested as the buses are. */
#include "nodes.h"

#include "base/str.h"
#include "host/sysfs.h"

enum { REG_HEADER_TYPE = 0x0e, HEADER_LAYOUT = 0x7f, HEADER_MULTIFUNCTION = 0x80 };

/* A root bus. */
struct place {
	uint32_t domain;
	uint8_t bus;
};

/* "pci0000:00", also with the 32-bit domains of VMD: "pci10000:e0". */
static bool parse_root(const char *s, struct place *ret)
{
	autofree char *address = NULL;
	struct bdf a;

	if (!str_starts(s, "pci"))
		return false;
	address = str_printf("%s:00.0", s + strlen("pci"));
	if (!address || bdf_parse(address, &a) < 0)
		return false;
	*ret = (struct place) { .domain = a.domain, .bus = a.bus };
	return true;
}

static struct topo_root *find_root(struct topology *t, struct place p)
{
	for (size_t i = 0; i < t->n_roots; i++)
		if (t->roots[i].domain == p.domain && t->roots[i].bus == p.bus)
			return &t->roots[i];
	return NULL;
}

static int add_root(struct topology *t, struct place p)
{
	struct topo_root *r;

	if (find_root(t, p))
		return 0;
	r = reallocarray(t->roots, t->n_roots + 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	t->roots = r;
	r[t->n_roots++] = (struct topo_root) { .domain = p.domain, .bus = p.bus };
	return 0;
}

static struct topo_node *node_of(const struct topology *t, struct bdf a)
{
	struct function *f = inventory_find_bdf(t->inv, a);

	return f ? &t->nodes[f - t->inv->functions] : NULL;
}

/*
 * The last folder but one of "../../../devices/pci0000:00/0000:00:04.0/0000:04:00.0" is the bridge
 * above, or the root bus. A bridge's own bus has the lower number, so that what a broken capture
 * says can never become a circle. What says neither stands on a root bus of its own bus's number.
 */
static int find_place(struct host *h, struct topology *t, struct topo_node *n, struct place *ret)
{
	autofree char *target = NULL;
	char *above, *slash;
	struct bdf a;
	int r = sysfs_read_link(h, &target, "bus/pci/devices/%s", n->f->address);

	*ret = (struct place) { .domain = n->f->bdf.domain, .bus = n->f->bdf.bus };
	slash = r < 0 ? NULL : strrchr(target, '/');
	if (slash) {
		*slash = '\0';
		slash = strrchr(target, '/');
		above = slash ? slash + 1 : target;
		if (!parse_root(above, ret) && bdf_parse(above, &a) == 0 &&
			a.domain == n->f->bdf.domain && a.bus < n->f->bdf.bus)
			n->parent = node_of(t, a);
	}
	if (r == -ENOMEM || n->parent)
		return r == -ENOMEM ? r : 0;
	return add_root(t, *ret);
}

/*
 * The kernel looks at the header's bit and at the number (pci_scan_slot); a VF is on its own
 * (pci_iov_add_virtfn clears it), and isolated from its siblings by the device.
 */
static void read_registers(struct host *h, struct topo_node *n)
{
	struct config_space c;
	uint8_t header;

	if (n->f->kind == FUNCTION_VF) {
		n->port = PORT_ENDPOINT;
		n->acs = (struct acs) { .state = ACS_ABSENT };
		n->isolates = 1;
		return;
	}
	if (config_space_read(h, n->f->bdf, &c) < 0)
		c.len = 0;
	config_u8(&c, REG_HEADER_TYPE, &header);
	if (header == 0xff) /* it does not answer */
		c.len = header = 0;
	n->bridge =
		(header & HEADER_LAYOUT) || (!c.len && class_is_bus_bridge(n->f->id.class_code));
	n->multifunction = header & HEADER_MULTIFUNCTION || n->f->bdf.fn;
	n->port = port_type_decode(&c, n->f->id.class_code);
	if (n->bridge && n->port == PORT_UNKNOWN)
		n->port = PORT_UNKNOWN_BRIDGE;
	n->acs = acs_decode(&c);
	n->isolates = acs_isolates(n->acs, n->port, n->multifunction, &n->acs_missing);
}

static int append(struct topo_node ***list, size_t *n, struct topo_node *child)
{
	struct topo_node **more = reallocarray(*list, *n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*list = more;
	more[(*n)++] = child;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct topo_root *x = a, *y = b;

	if (x->domain != y->domain)
		return x->domain < y->domain ? -1 : 1;
	return (x->bus > y->bus) - (x->bus < y->bus);
}

/* Functions come by address, and so do children. */
static int hang_in(struct topology *t, struct topo_node *n, struct place p)
{
	struct topo_root *root;

	if (n->parent)
		return append(&n->parent->children, &n->parent->n_children, n);
	root = find_root(t, p); /* added by find_place() */
	return root ? append(&root->children, &root->n_children, n) : -ENOMEM;
}

static bool is_vf_of_known(const struct topo_node *n)
{
	return n->f->kind == FUNCTION_VF && n->f->physfn;
}

int topology_read_nodes(struct host *h, struct topology *t)
{
	size_t n = t->inv->n_functions;
	autofree struct place *places = calloc(n + 1, sizeof(*places));
	int r = places ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		t->nodes[i].f = &t->inv->functions[i];
		read_registers(h, &t->nodes[i]);
		if (!is_vf_of_known(&t->nodes[i]))
			r = find_place(h, t, &t->nodes[i], &places[i]);
	}
	if (r < 0)
		return r;
	if (t->n_roots)
		qsort(t->roots, t->n_roots, sizeof(*t->roots), by_number);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct topo_node *node = &t->nodes[i];

		if (is_vf_of_known(node))
			node->parent = t->nodes[node->f->physfn - t->inv->functions].parent;
		else
			r = hang_in(t, node, places[i]);
	}
	return r;
}
