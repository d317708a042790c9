// SPDX-License-Identifier: GPL-2.0-or-later
#include "inside.h"

#include "base/str.h"

#include <libxml/parser.h>

static void doc_freep(xmlDoc **doc)
{
	if (*doc)
		xmlFreeDoc(*doc);
}

static void context_freep(xmlParserCtxt **c)
{
	if (*c)
		xmlFreeParserCtxt(*c);
}

static xmlNode *child(const xmlNode *n, const char *name)
{
	for (xmlNode *c = n ? n->children : NULL; c; c = c->next)
		if (xml_is(c, name))
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
	xmlChar *text = n ? xmlGetNoNsProp(n, (const xmlChar *)name) : NULL;

	return text && str_eq((const char *)text, value);
}

int xml_attribute_take(xmlNode *n, const char *name, char **ret)
{
	CLEANUP(xml_freep)
	xmlChar *text = n ? xmlGetNoNsProp(n, (const xmlChar *)name) : NULL;

	*ret = text ? str_printable((const char *)text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

/* A host's PCI address has a slot; USB and SCSI addresses have not. */
static bool read_address(xmlNode *address, struct bdf *ret)
{
	uint32_t domain, bus, slot, function;

	if (!number(address, "bus", 0xff, &bus) || !number(address, "slot", 0x1f, &slot) ||
		!number(address, "function", 7, &function))
		return false;
	if (!number(address, "domain", UINT32_MAX, &domain))
		domain = 0;
	*ret = (struct bdf) {
		.domain = domain,
		.bus = (uint8_t)bus,
		.dev = (uint8_t)slot,
		.fn = (uint8_t)function,
	};
	return true;
}

int array_grow(void **v, size_t n, size_t size)
{
	void *more;

	if (n & (n - 1))
		return 0;
	more = reallocarray(*v, n ? 2 * n : 1, size);
	if (!more)
		return -ENOMEM;
	*v = more;
	return 0;
}

static int add_address(struct domain *d, xmlNode *address, bool managed, const char *driver)
{
	struct domain_device device = { .managed = managed };
	int r;

	if (!read_address(address, &device.bdf))
		return 0;
	r = array_grow((void **)&d->devices, d->n_devices, sizeof(*d->devices));
	if (r == 0 && driver) {
		device.driver = strdup(driver);
		r = device.driver ? 0 : -ENOMEM;
	}
	if (r == 0)
		d->devices[d->n_devices++] = device;
	return r;
}

/* The host's side of a device is its <source>: */
static int add_source(struct domain *d, xmlNode *of)
{
	xmlNode *source = child(of, "source"), *address = child(source, "address");
	autofree char *driver = NULL;
	int r;

	if (!address)
		return 0;
	r = xml_attribute_take(child(of, "driver"), "name", &driver);
	return r < 0 ? r
		     : add_address(d, address,
			       attribute_is(of, "managed", "yes") ||
				       attribute_is(source, "managed", "yes"),
			       driver);
}

/* libvirt gives all others when the domain starts. */
static int add_alias(struct domain *d, xmlNode *of)
{
	autofree char *name = NULL;
	int r = xml_attribute_take(child(of, "alias"), "name", &name);

	return r == 0 && name && str_starts(name, "ua-") ? strv_add(&d->aliases, name) : r;
}

/*
 * of a <hostdev>, an <interface type='hostdev'>, a <disk type='nvme'>; of an interface from a pool
 * that runs, the <source> in its <actual>.
 */
static int add_device(struct domain *d, xmlNode *device)
{
	xmlNode *actual = child(device, "actual");
	int r = add_source(d, device);

	if (r == 0 && actual)
		r = add_source(d, actual);
	return r < 0 ? r : add_alias(d, device);
}

static int add_pool(struct domain *d, xmlNode *forward)
{
	bool managed = attribute_is(forward, "managed", "yes");
	int r = 0;

	d->is_pool = true;
	d->pool_managed = managed;
	for (xmlNode *c = forward->children; c && r == 0; c = c->next) {
		CLEANUP(xml_freep) xmlChar *dev = NULL;

		if (xml_is(c, "address"))
			r = add_address(d, c, managed, NULL);
		dev = xml_is(c, "pf") ? xmlGetNoNsProp(c, (const xmlChar *)"dev") : NULL;
		if (r == 0 && dev)
			r = strv_add(&d->interfaces, (const char *)dev);
	}
	return r;
}

static int read_devices(struct domain *d, const xmlNode *root)
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

static int read_names(struct domain *d, const xmlNode *root)
{
	CLEANUP(xml_freep) xmlChar *name = xmlNodeGetContent(child(root, "name"));
	CLEANUP(xml_freep) xmlChar *uuid = xmlNodeGetContent(child(root, "uuid"));

	if (!name || !*name)
		return -EBADMSG;
	d->name = str_printable((const char *)name);
	if (uuid && str_is_uuid((const char *)uuid))
		d->uuid = strdup((const char *)uuid);
	else
		return d->name ? 0 : -ENOMEM;
	return d->name && d->uuid ? 0 : -ENOMEM;
}

static int read_root(struct domain *d, xmlNode *root)
{
	uint32_t pid, connections;
	int r;

	if (xml_is(root, "domstatus")) {
		if (number(root, "pid", INT32_MAX, &pid))
			d->pid = (int)pid;
		root = child(root, "domain");
	}
	if (!xml_is(root, "domain") && !xml_is(root, "network"))
		return -EBADMSG;
	if (number(root, "connections", INT32_MAX, &connections))
		d->connections = connections;
	r = read_names(d, root);
	if (r == 0)
		r = read_devices(d, root);
	return r < 0 ? r : assigns_read(child(root, "metadata"), d);
}

/* At the very beginning of a document type, before anything in it is looked at. */
static void refuse_doctype(void *arg, const xmlChar *name UNUSED, const xmlChar *external UNUSED,
	const xmlChar *system UNUSED)
{
	xmlStopParser(arg);
}

static int read_doc(const char *text, size_t len, xmlDoc **ret)
{
	const int options =
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
	CLEANUP(context_freep) xmlParserCtxt *c = xmlNewParserCtxt();
	CLEANUP(doc_freep) xmlDoc *doc = NULL;

	if (!c)
		return -ENOMEM;
	c->sax->internalSubset = refuse_doctype;
	doc = xmlCtxtReadMemory(c, text, (int)len, NULL, NULL, options);
	if (!doc && c->errNo == XML_ERR_NO_MEMORY)
		return -ENOMEM;
	if (!doc || !c->wellFormed || doc->intSubset || !xmlDocGetRootElement(doc))
		return -EBADMSG;
	*ret = TAKE_PTR(doc);
	return 0;
}

/* libxml2 compares each attribute of an element with each: they must not be many thousands. */
static bool has_huge_tag(const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *next; text < end; text = next) {
		next = memchr(text + 1, '<', (size_t)(end - text - 1));
		if (!next)
			next = end;
		if (next - text > DOMAIN_TAG_MAX)
			return true;
	}
	return false;
}

int domain_parse(const char *text, size_t len, struct domain *ret)
{
	CLEANUP(doc_freep) xmlDoc *doc = NULL;
	autodomain d = { 0 };
	int r;

	if (len > DOMAIN_XML_MAX || has_huge_tag(text, len))
		return -EFBIG;
	/* Nor UTF-16: what libvirt writes is UTF-8. */
	if (!len || memchr(text, 0, len))
		return -EBADMSG;
	r = read_doc(text, len, &doc);
	if (r == 0)
		r = read_root(&d, xmlDocGetRootElement(doc));
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(d);
	return 0;
}

void domain_done(struct domain *d)
{
	for (size_t i = 0; i < d->n_devices; i++)
		free(d->devices[i].driver);
	for (size_t i = 0; i < d->n_assigns; i++)
		assign_done(&d->assigns[i]);
	free(d->name);
	free(d->uuid);
	free(d->devices);
	free(d->assigns);
	strv_free(d->interfaces);
	strv_free(d->aliases);
}
