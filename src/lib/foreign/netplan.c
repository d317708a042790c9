// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netplan: "network:" of all *.yaml, by name. An interface of one name is one interface, whose keys
 * may stand in several files; the later wins. Of an Ethernet interface: virtual-function-count
 * (else as many VFs as have it as their link:), embedded-switch-mode; of a VF (link: names its PF):
 * macaddress; of a VLAN with renderer sriov: its id.
 */
#include "reader.h"

#include "base/grow.h"
#include "base/str.h"
#include "policy/match.h"

#include <yaml.h>

static const char *const dirs[] = { "/run/netplan", "/etc/netplan", "/usr/lib/netplan",
	"/lib/netplan", NULL };

/* One interface definition of one file. */
struct definition {
	const char *id;
	const char *file;
	yaml_document_t *doc;
	yaml_node_t *node;
};

struct definitions {
	struct definition *v;
	size_t n;
};

static const char *text_of(const yaml_node_t *n)
{
	return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static yaml_node_t *get(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
		p++)
		if (str_eq(text_of(yaml_document_get_node(doc, p->key)), key))
			return yaml_document_get_node(doc, p->value);
	return NULL;
}

/* Where the interface of that name has that key: the last place counts. NULL: nowhere. */
static const struct definition *place_of(
	const struct definitions *all, const char *id, const char *key)
{
	for (size_t k = all->n; k-- > 0;)
		if (str_eq(all->v[k].id, id) && get(all->v[k].doc, all->v[k].node, key))
			return &all->v[k];
	return NULL;
}

static const char *word(const struct definitions *all, const char *id, const char *key)
{
	const struct definition *d = place_of(all, id, key);

	return d ? text_of(get(d->doc, d->node, key)) : NULL;
}

/* What is said next stands there. */
static void be_at(struct reader *r, const struct definitions *all, const char *id, const char *key)
{
	const struct definition *d = place_of(all, id, key);

	if (!d)
		return;
	r->at.file = d->file;
	r->at.line = (unsigned)get(d->doc, d->node, key)->start_mark.line + 1;
}

static bool is_first_of_its_name(const struct definitions *all, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if (str_eq(all->v[i].id, all->v[k].id))
			return false;
	return true;
}

static int collect(
	struct definitions *all, const char *file, yaml_document_t *doc, const char *section)
{
	yaml_node_t *map = get(doc, get(doc, yaml_document_get_root_node(doc), "network"), section);

	if (!map || map->type != YAML_MAPPING_NODE)
		return 0;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
		p++) {
		const char *id = text_of(yaml_document_get_node(doc, p->key));

		if (!id)
			continue;
		if (!GROW(all->v, all->n))
			return -ENOMEM;
		all->v[all->n++] = (struct definition) { id, file, doc,
			yaml_document_get_node(doc, p->value) };
	}
	return 0;
}

/* ---- Whom a definition means ---- */

static bool fits(struct reader *r, const struct function *f, const char *key,
	const yaml_node_t *value, yaml_document_t *doc)
{
	if (!value)
		return true;
	if (value->type == YAML_SEQUENCE_NODE) {
		for (yaml_node_item_t *i = value->data.sequence.items.start;
			i < value->data.sequence.items.top; i++)
			if (fits(r, f, key, yaml_document_get_node(doc, *i), doc))
				return true;
		return false;
	} else {
		CLEANUP(match_done) struct match m = { 0 };
		const char *text = text_of(value);
		autofree char *bad = NULL;

		return text && match_add(&m, key, text, &bad) == 0 && match_pf(&m, r->h, f);
	}
}

static bool means(
	struct reader *r, const struct definitions *all, const char *id, const struct function *f)
{
	const struct definition *d = place_of(all, id, "match");
	yaml_node_t *match = d ? get(d->doc, d->node, "match") : NULL;
	const yaml_node_t *mac;

	if (!f->n_netdevs)
		return false;
	if (!match) {
		CLEANUP(match_done) struct match m = { 0 };
		autofree char *bad = NULL;

		return match_add(&m, "Name", id, &bad) == 0 && match_pf(&m, r->h, f);
	}
	mac = get(d->doc, match, "macaddress");
	return fits(r, f, "Name", get(d->doc, match, "name"), d->doc) &&
	       fits(r, f, "Driver", get(d->doc, match, "driver"), d->doc) &&
	       (fits(r, f, "PermanentMACAddress", mac, d->doc) ||
		       fits(r, f, "MACAddress", mac, d->doc));
}

/* The function that the interface of that name means; NULL. */
static const struct function *function_of(
	struct reader *r, const struct definitions *all, const char *id, enum function_kind kind)
{
	bool known = false;

	for (size_t k = 0; k < all->n; k++)
		known |= str_eq(all->v[k].id, id);
	for (size_t i = 0; known && i < r->inv->n_functions; i++)
		if (r->inv->functions[i].kind == kind && means(r, all, id, &r->inv->functions[i]))
			return &r->inv->functions[i];
	return NULL;
}

/* ---- What it says ---- */

/* Without a number there are as many as are described. */
static void say_described(
	struct reader *r, const struct definitions *all, const char *id, const struct function *pf)
{
	autofree char *said = NULL, *count = NULL;
	unsigned n = 0;

	for (size_t k = 0; k < all->n; k++) {
		const char *vf = all->v[k].id;

		if (!is_first_of_its_name(all, k) || !str_eq(word(all, vf, "link"), id))
			continue;
		if (!n++)
			be_at(r, all, vf, "link");
	}
	if (!n)
		return;
	count = str_printf("%u", n);
	said = str_printf("link: %s, of %u VF%s", id, n, n == 1 ? "" : "s");
	if (count && said)
		reader_say_count(r, pf->bdf, "num-vfs", count, said);
}

static void say_of_pf(
	struct reader *r, const struct definitions *all, const char *id, const struct function *pf)
{
	static const char key[] = "virtual-function-count", mode_key[] = "embedded-switch-mode";
	const char *count = word(all, id, key), *mode = word(all, id, mode_key);
	autofree char *said = str_printf("%s: %s", key, count ? count : "");
	autofree char *said_mode = str_printf("%s: %s", mode_key, mode ? mode : "");

	be_at(r, all, id, key);
	if (count && said)
		reader_say_count(r, pf->bdf, "num-vfs", count, said);
	else
		say_described(r, all, id, pf);
	be_at(r, all, id, mode_key);
	if (mode && said_mode)
		reader_say_setting(r, pf->bdf, FOREIGN_ITSELF, "eswitch-mode", mode, said_mode);
}

static void say_of_vf(
	struct reader *r, const struct definitions *all, const char *id, const struct function *vf)
{
	const char *mac = word(all, id, "macaddress");
	autofree char *said = mac ? str_printf("macaddress: %s", mac) : NULL;

	be_at(r, all, id, "macaddress");
	if (said && vf->physfn)
		reader_say_setting(r, vf->physfn->bdf, vf->vf_index, "mac", mac, said);
}

static void say_interfaces(struct reader *r, const struct definitions *all)
{
	for (size_t k = 0; k < all->n; k++)
		for (size_t i = 0; is_first_of_its_name(all, k) && i < r->inv->n_functions; i++) {
			const struct function *f = &r->inv->functions[i];
			const char *id = all->v[k].id;

			if (f->kind == FUNCTION_PLAIN || !means(r, all, id, f))
				continue;
			if (f->kind == FUNCTION_PF)
				say_of_pf(r, all, id, f);
			else if (word(all, id, "link"))
				say_of_vf(r, all, id, f);
		}
}

static void say_vlans(
	struct reader *r, const struct definitions *vlans, const struct definitions *all)
{
	for (size_t k = 0; k < vlans->n; k++) {
		const char *name = vlans->v[k].id;
		const char *id = word(vlans, name, "id"), *link = word(vlans, name, "link");
		autofree char *said = str_printf("vlans: %s: id: %s", name, id ? id : "");
		const struct function *vf;

		if (!is_first_of_its_name(vlans, k) || !said || !id || !link ||
			!str_eq(word(vlans, name, "renderer"), "sriov"))
			continue;
		be_at(r, vlans, name, "id");
		vf = function_of(r, all, link, FUNCTION_VF);
		if (vf && vf->physfn)
			reader_say_setting(r, vf->physfn->bdf, vf->vf_index, "vlan", id, said);
		else
			reader_doubt(r, "%s: %s is no VF that is there now", said, link);
	}
}

/* ---- Files ---- */

static int load(struct reader *r, const char *path, yaml_document_t *doc)
{
	yaml_parser_t parser;
	autofree char *text;
	size_t len;
	int ok;

	text = reader_open(r, path, &len);
	if (!text)
		return -ENODATA;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	ok = yaml_parser_load(&parser, doc);
	if (!ok) {
		r->at.line = (unsigned)parser.problem_mark.line + 1;
		reader_doubt(r, "is no YAML: %s", parser.problem ? parser.problem : "unreadable");
	}
	yaml_parser_delete(&parser);
	return ok ? 0 : -EBADMSG;
}

void foreign_read_netplan(struct reader *r)
{
	struct definitions all = { 0 }, vlans = { 0 };
	autofree yaml_document_t *docs = NULL;
	autounits units = { 0 };
	size_t n = 0;

	if (units_find(r->h, dirs, ".yaml", &units) < 0 ||
		!(docs = calloc(units.n + 1, sizeof(*docs)))) {
		r->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < units.n && r->error == 0; i++) {
		if (load(r, units.v[i].paths[0], &docs[n]) < 0)
			continue;
		n++;
		if (collect(&all, units.v[i].paths[0], &docs[n - 1], "ethernets") < 0 ||
			collect(&vlans, units.v[i].paths[0], &docs[n - 1], "vlans") < 0)
			r->error = -ENOMEM;
	}
	if (r->error == 0) {
		say_interfaces(r, &all);
		say_vlans(r, &vlans, &all);
	}
	for (size_t i = 0; i < n; i++)
		yaml_document_delete(&docs[i]);
	free(all.v);
	free(vlans.v);
}
