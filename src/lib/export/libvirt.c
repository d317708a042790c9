// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements of a libvirt domain: libvirt is told to leave driver and binding alone (managed='no').
 */
#include "formats.h"

#include "base/str.h"
#include "fitness/fitness.h"

void xml_start(struct xml *x)
{
	x->buffer = xmlBufferCreate();
	x->writer = x->buffer ? xmlNewTextWriterMemory(x->buffer, 0) : NULL;
	/* Between double quotes, as it does by itself: between single ones libxml2 escapes none. */
	x->failed = !x->writer || xmlTextWriterSetIndent(x->writer, 1) < 0 ||
		    xmlTextWriterSetIndentString(x->writer, (const xmlChar *)"  ") < 0;
}

void xml_done(struct xml *x)
{
	if (x->writer)
		xmlFreeTextWriter(x->writer);
	if (x->buffer)
		xmlBufferFree(x->buffer);
	*x = (struct xml) { 0 };
}

void xml_open(struct xml *x, const char *element)
{
	if (!x->failed)
		x->failed = xmlTextWriterStartElement(x->writer, (const xmlChar *)element) < 0;
}

void xml_attribute(struct xml *x, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (x->failed)
		return;
	va_start(ap, fmt);
	x->failed =
		xmlTextWriterWriteVFormatAttribute(x->writer, (const xmlChar *)name, fmt, ap) < 0;
	va_end(ap);
}

void xml_close(struct xml *x)
{
	if (!x->failed)
		x->failed = xmlTextWriterEndElement(x->writer) < 0;
}

void xml_address(struct xml *x, struct bdf a, bool typed)
{
	xml_open(x, "address");
	if (typed)
		xml_attribute(x, "type", "pci");
	xml_attribute(x, "domain", "0x%04x", a.domain);
	xml_attribute(x, "bus", "0x%02x", a.bus);
	xml_attribute(x, "slot", "0x%02x", a.dev);
	xml_attribute(x, "function", "0x%x", a.fn);
	xml_close(x);
}

int xml_take(struct xml *x, char **ret)
{
	char *text = NULL;

	if (!x->failed && xmlTextWriterFlush(x->writer) >= 0)
		text = strdup((const char *)xmlBufferContent(x->buffer));
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

static void write_driver(struct xml *x)
{
	xml_open(x, "driver");
	xml_attribute(x, "name", "vfio");
	xml_close(x);
}

static void write_hostdev(struct xml *x, const struct export_function *f)
{
	xml_open(x, "hostdev");
	xml_attribute(x, "mode", "subsystem");
	xml_attribute(x, "type", "pci");
	xml_attribute(x, "managed", "no");
	write_driver(x);
	xml_open(x, "source");
	xml_address(x, f->f->bdf, false);
	xml_close(x);
	xml_close(x);
}

/* libvirt has the PF set address and VLAN when the guest starts, and takes them back. */
static void write_interface(struct xml *x, const struct export_function *f)
{
	xml_open(x, "interface");
	xml_attribute(x, "type", "hostdev");
	xml_attribute(x, "managed", "no");
	if (f->mac) {
		xml_open(x, "mac");
		xml_attribute(x, "address", "%s", f->mac);
		xml_close(x);
	}
	write_driver(x);
	xml_open(x, "source");
	xml_address(x, f->f->bdf, true);
	xml_close(x);
	if (f->vlan) {
		xml_open(x, "vlan");
		xml_open(x, "tag");
		xml_attribute(x, "id", "%u", f->vlan);
		xml_close(x);
		xml_close(x);
	}
	xml_close(x);
}

static int check(
	const struct export_function *x, const struct export_opts *opts, struct problem **reterr)
{
	const struct function *f = x->f;

	if (fitness_needs_token(f))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"--format qemu, or give the PF back to the host: vfctl restore",
			"the PF of %s is driven through VFIO, and libvirt has no way to pass its "
			"owner's token",
			f->address);
	if (opts->as == EXPORT_AS_INTERFACE && !(f->physfn && f->physfn->n_netdevs))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "--as hostdev",
			"%s is no VF of a network card: libvirt takes only those as interfaces",
			f->address);
	return 0;
}

/* One is an element by itself, as virsh attach-device takes it; several have a root around them. */
int write_libvirt(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr)
{
	autoxml x = { 0 };

	for (size_t i = 0; i < e->n; i++) {
		int r = check(&e->v[i], opts, reterr);

		if (r < 0)
			return r;
	}
	xml_start(&x);
	if (e->n > 1)
		xml_open(&x, "devices");
	for (size_t i = 0; i < e->n; i++)
		if (opts->as == EXPORT_AS_INTERFACE)
			write_interface(&x, &e->v[i]);
		else
			write_hostdev(&x, &e->v[i]);
	if (e->n > 1)
		xml_close(&x);
	return xml_take(&x, ret);
}
