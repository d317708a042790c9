// SPDX-License-Identifier: GPL-2.0-or-later
#include "domainxml.h"

#include "base/str.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

static void doc_freep(xmlDoc **doc)
{
	if (*doc)
		xmlFreeDoc(*doc);
}

static void xml_freep(xmlChar **s)
{
	if (*s)
		xmlFree(*s);
}

static bool is(const xmlNode *n, const char *name)
{
	return n && n->type == XML_ELEMENT_NODE && str_eq((const char *)n->name, name);
}

static xmlNode *child(const xmlNode *n, const char *name)
{
	for (xmlNode *c = n ? n->children : NULL; c; c = c->next)
		if (is(c, name))
			return c;
	return NULL;
}

/* A number in an attribute, decimal or 0x…, at most `most`. */
static bool number(xmlNode *n, const char *name, uint32_t most, uint32_t *ret)
{
	CLEANUP(xml_freep)
	xmlChar *text = xmlGetNoNsProp(n, (const xmlChar *)name);

	return text && parse_u32((const char *)text, ret) == 0 && *ret <= most;
}

static bool attribute_is(xmlNode *n, const char *name, const char *value)
{
	CLEANUP(xml_freep)
	xmlChar *text = xmlGetNoNsProp(n, (const xmlChar *)name);

	return text && str_eq((const char *)text, value);
}

/* A host's PCI address has a slot; USB and SCSI addresses have not. */
static int add_address(struct domain_xml *d, xmlNode *address)
{
	uint32_t domain, bus, slot, function;
	struct bdf *more;

	if (!number(address, "bus", 0xff, &bus) || !number(address, "slot", 0x1f, &slot) ||
		!number(address, "function", 7, &function))
		return 0;
	if (!number(address, "domain", UINT32_MAX, &domain))
		domain = 0;
	more = reallocarray(d->devices, d->n_devices + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	d->devices = more;
	more[d->n_devices++] = (struct bdf) {
		.domain = domain,
		.bus = (uint8_t)bus,
		.dev = (uint8_t)slot,
		.fn = (uint8_t)function,
	};
	return 0;
}

/*
 * The host's side of a device is its <source>: of a <hostdev>, an <interface type='hostdev'>, a
 * <disk type='nvme'>; of an interface from a pool that runs, the <source> in its <actual>.
 */
static int add_device(struct domain_xml *d, const xmlNode *device)
{
	xmlNode *address = child(child(device, "source"), "address");
	int r = address ? add_address(d, address) : 0;

	address = child(child(child(device, "actual"), "source"), "address");
	return r == 0 && address ? add_address(d, address) : r;
}

static int add_pool(struct domain_xml *d, const xmlNode *forward)
{
	int r = 0;

	for (xmlNode *c = forward->children; c && r == 0; c = c->next) {
		CLEANUP(xml_freep) xmlChar *dev = NULL;

		if (is(c, "address"))
			r = add_address(d, c);
		dev = is(c, "pf") ? xmlGetNoNsProp(c, (const xmlChar *)"dev") : NULL;
		if (r == 0 && dev)
			r = strv_add(&d->interfaces, (const char *)dev);
	}
	return r;
}

static int read_devices(struct domain_xml *d, const xmlNode *root)
{
	const xmlNode *devices = child(root, "devices");
	xmlNode *forward = child(root, "forward");
	int r = 0;

	for (xmlNode *c = devices ? devices->children : NULL; c && r == 0; c = c->next)
		r = add_device(d, c);
	if (r == 0 && forward && attribute_is(forward, "mode", "hostdev"))
		r = add_pool(d, forward);
	return r;
}

static int read_root(struct domain_xml *d, xmlNode *root)
{
	CLEANUP(xml_freep) xmlChar *name = NULL;
	uint32_t pid;

	if (is(root, "domstatus")) {
		if (number(root, "pid", INT32_MAX, &pid))
			d->pid = (int)pid;
		root = child(root, "domain");
	}
	if (!is(root, "domain") && !is(root, "network"))
		return -EBADMSG;
	name = xmlNodeGetContent(child(root, "name"));
	d->name = name ? str_printable((const char *)name) : NULL;
	if (!d->name)
		return name ? -ENOMEM : -EBADMSG;
	return read_devices(d, root);
}

int domain_xml_parse(const char *text, struct domain_xml *ret)
{
	const int options =
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
	struct domain_xml d CLEANUP(domain_xml_done) = { 0 };
	CLEANUP(doc_freep) xmlDoc *doc = NULL;
	size_t len = strlen(text);
	int r;

	if (len > INT32_MAX || strstr(text, "<!DOCTYPE"))
		return -EBADMSG;
	doc = xmlReadMemory(text, (int)len, NULL, NULL, options);
	if (!doc || doc->intSubset || !xmlDocGetRootElement(doc))
		return -EBADMSG;
	r = read_root(&d, xmlDocGetRootElement(doc));
	if (r < 0)
		return r;
	*ret = d;
	d = (struct domain_xml) { 0 };
	return 0;
}

void domain_xml_done(struct domain_xml *d)
{
	free(d->name);
	free(d->devices);
	strv_free(d->interfaces);
}
