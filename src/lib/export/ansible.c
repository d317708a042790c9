// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file of tasks for Ansible's include_tasks: the functions as the fact vfctl_functions. All text
 * is quoted: 52:54:00 would be a number to YAML 1.1, and so would 10:20 of an address.
 */
#include "formats.h"

#include "base/str.h"

#include <stdio.h>
#include <yaml.h>

struct doc {
	yaml_document_t doc;
	bool failed;
};

static int added(struct doc *d, int node)
{
	d->failed |= node == 0;
	return node;
}

static int scalar(struct doc *d, const char *s, yaml_scalar_style_t style)
{
	return added(d, yaml_document_add_scalar(
				&d->doc, NULL, (const yaml_char_t *)s, (int)strlen(s), style));
}

static int mapping(struct doc *d)
{
	return added(d, yaml_document_add_mapping(&d->doc, NULL, YAML_BLOCK_MAPPING_STYLE));
}

static int sequence(struct doc *d, yaml_sequence_style_t style)
{
	return added(d, yaml_document_add_sequence(&d->doc, NULL, style));
}

static void put(struct doc *d, int map, const char *key, int value)
{
	int k = scalar(d, key, YAML_PLAIN_SCALAR_STYLE);

	if (!d->failed)
		d->failed = !yaml_document_append_mapping_pair(&d->doc, map, k, value);
}

static void append(struct doc *d, int list, int value)
{
	if (!d->failed)
		d->failed = !yaml_document_append_sequence_item(&d->doc, list, value);
}

/* NULL is YAML's null. */
static void put_str(struct doc *d, int map, const char *key, const char *s)
{
	put(d, map, key,
		scalar(d, s ? s : "null",
			s ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE));
}

static void put_int(struct doc *d, int map, const char *key, int64_t v)
{
	autofree char *s = v < 0 ? strdup("null") : str_printf("%lld", (long long)v);

	d->failed |= !s;
	if (s)
		put(d, map, key, scalar(d, s, YAML_PLAIN_SCALAR_STYLE));
}

static void put_hex(struct doc *d, int map, const char *key, unsigned digits, unsigned v)
{
	autofree char *s = str_printf("0x%0*x", (int)digits, v);

	d->failed |= !s;
	if (s)
		put_str(d, map, key, s);
}

static void put_nodes(
	struct doc *d, int map, const struct export_function *x, const struct export_opts *opts)
{
	int list = sequence(d, YAML_FLOW_SEQUENCE_STYLE);
	autostrv char **nodes = NULL;

	d->failed |= export_nodes(x, opts->iommufd, &nodes) < 0;
	STRV_FOREACH (node, nodes)
		append(d, list, scalar(d, *node, YAML_DOUBLE_QUOTED_SCALAR_STYLE));
	put(d, map, "device_nodes", list);
}

/* As libvirt's <address> wants it. */
static void put_address(struct doc *d, int map, struct bdf a)
{
	int parts = mapping(d);

	put_hex(d, parts, "domain", 4, a.domain);
	put_hex(d, parts, "bus", 2, a.bus);
	put_hex(d, parts, "slot", 2, a.dev);
	put_hex(d, parts, "function", 1, a.fn);
	put(d, map, "libvirt_address", parts);
}

static int describe(struct doc *d, const struct export_function *x, const struct export_opts *opts)
{
	const struct function *f = x->f;
	int m = mapping(d);

	put_str(d, m, "address", f->address);
	put_str(d, m, "kind", function_kind_name(f->kind));
	put_str(d, m, "class", f->class_word);
	put_hex(d, m, "vendor", 4, f->id.vendor);
	put_hex(d, m, "device", 4, f->id.device);
	put_str(d, m, "pf", f->physfn ? f->physfn->address : NULL);
	put_int(d, m, "vf_index", f->vf_index);
	put_str(d, m, "driver", f->driver);
	put_int(d, m, "iommu_group", f->iommu_group);
	put_int(d, m, "numa_node", f->numa_node);
	put_str(d, m, "mac", x->mac);
	put_int(d, m, "vlan", x->vlan ? (int64_t)x->vlan : -1);
	put_nodes(d, m, x, opts);
	put_address(d, m, f->bdf);
	return m;
}

static void build(struct doc *d, const struct exported *e, const struct export_opts *opts)
{
	int root = sequence(d, YAML_BLOCK_SEQUENCE_STYLE);
	int task = mapping(d), facts = mapping(d), list = sequence(d, YAML_BLOCK_SEQUENCE_STYLE);

	for (size_t i = 0; i < e->n; i++)
		append(d, list, describe(d, &e->v[i], opts));
	put(d, facts, "vfctl_functions", list);
	put_str(d, task, "name", "Functions for guests");
	put(d, task, "ansible.builtin.set_fact", facts);
	append(d, root, task);
}

static int dump(struct doc *d, FILE *to)
{
	yaml_emitter_t emitter;
	int ok;

	if (!yaml_emitter_initialize(&emitter)) {
		yaml_document_delete(&d->doc);
		return -ENOMEM;
	}
	yaml_emitter_set_output_file(&emitter, to);
	yaml_emitter_set_width(&emitter, -1);
	ok = yaml_emitter_open(&emitter) && yaml_emitter_dump(&emitter, &d->doc) &&
	     yaml_emitter_close(&emitter);
	yaml_emitter_delete(&emitter);
	return ok ? 0 : -ENOMEM;
}

int write_ansible(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr UNUSED)
{
	autofree char *text = NULL;
	struct doc d = { 0 };
	size_t len;
	FILE *to;
	int r;

	if (!yaml_document_initialize(&d.doc, NULL, NULL, NULL, 0, 1))
		return -ENOMEM;
	build(&d, e, opts);
	to = d.failed ? NULL : open_memstream(&text, &len);
	if (!to) {
		yaml_document_delete(&d.doc);
		return -ENOMEM;
	}
	r = dump(&d, to); /* which gives the document back */
	if (fclose(to) != 0 && r == 0)
		r = -ENOMEM;
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}
