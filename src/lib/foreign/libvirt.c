// SPDX-License-Identifier: GPL-2.0-or-later
/* libvirt's networks: <forward mode='hostdev'> hands out the VFs of a PF, or single functions. */
#include "reader.h"

#include "base/str.h"
#include "host/conf.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

static void doc_freep(xmlDoc **doc)
{
	if (*doc)
		xmlFreeDoc(*doc);
}

static xmlNode *child(xmlNode *parent, const char *name)
{
	for (xmlNode *n = parent ? parent->children : NULL; n; n = n->next)
		if (n->type == XML_ELEMENT_NODE && str_eq((const char *)n->name, name))
			return n;
	return NULL;
}

/* Copied: the document's own allocator is not ours. */
static char *attribute(xmlNode *n, const char *name)
{
	xmlChar *v = xmlGetProp(n, (const xmlChar *)name);
	char *copy = v ? strdup((const char *)v) : NULL;

	xmlFree(v);
	return copy;
}

static void say_pf(struct reader *r, xmlNode *n, const char *network)
{
	autofree char *dev = attribute(n, "dev");
	autofree char *said = str_printf("<pf dev='%s'/> of network %s", dev ? dev : "", network);
	const struct function *f = dev ? inventory_find_netdev(r->inv, dev) : NULL;

	if (said && f && f->kind == FUNCTION_PF)
		reader_say(r, f->bdf, FOREIGN_ALL_VFS, "network", network, said);
	else if (said)
		reader_doubt(r, "%s: there is no such PF", said);
}

static int hex_attribute(xmlNode *n, const char *name, uint64_t max, uint64_t *ret)
{
	autofree char *text = attribute(n, name);

	*ret = 0;
	if (!text)
		return 0;
	return parse_hex(text, ret) == 0 && *ret <= max ? 0 : -EINVAL;
}

static void say_address(struct reader *r, xmlNode *n, const char *network)
{
	uint64_t domain, bus, slot, function;
	autofree char *said = NULL;
	struct bdf a;

	if (hex_attribute(n, "domain", UINT32_MAX, &domain) < 0 ||
		hex_attribute(n, "bus", UINT8_MAX, &bus) < 0 ||
		hex_attribute(n, "slot", 31, &slot) < 0 ||
		hex_attribute(n, "function", 7, &function) < 0) {
		reader_doubt(r, "network %s: an address that is none", network);
		return;
	}
	a = (struct bdf) { (uint32_t)domain, (uint8_t)bus, (uint8_t)slot, (uint8_t)function };
	said = str_printf("<address> %s of network %s", BDF_TEXT(a), network);
	if (said)
		reader_say_of(r, a, "network", network, said);
}

static void read_network(struct reader *r, const char *path)
{
	CLEANUP(doc_freep) xmlDoc *doc = NULL;
	autofree char *text = NULL, *mode = NULL;
	xmlNode *root, *forward, *name;
	size_t len;

	text = reader_open(r, path, &len);
	if (!text)
		return;
	doc = xmlReadMemory(text, (int)len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	root = doc ? xmlDocGetRootElement(doc) : NULL;
	if (!root) {
		reader_doubt(r, "is no XML");
		return;
	}
	forward = child(root, "forward");
	name = child(root, "name");
	mode = forward ? attribute(forward, "mode") : NULL;
	if (!name || !name->children || !name->children->content || !str_eq(mode, "hostdev"))
		return;
	for (xmlNode *n = forward->children; n; n = n->next) {
		const char *network = (const char *)name->children->content;

		r->at.line = n->line;
		if (n->type == XML_ELEMENT_NODE && str_eq((const char *)n->name, "pf"))
			say_pf(r, n, network);
		else if (n->type == XML_ELEMENT_NODE && str_eq((const char *)n->name, "address"))
			say_address(r, n, network);
	}
}

void foreign_read_libvirt(struct reader *r)
{
	static const char dir[] = "/etc/libvirt/qemu/networks";
	autostrv char **names = NULL;

	if (conf_list(r->h, dir, ".xml", &names) < 0)
		return;
	STRV_FOREACH (it, names) {
		autofree char *path = str_printf("%s/%s", dir, *it);

		if (path)
			read_network(r, path);
	}
}
