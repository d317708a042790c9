// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the guest does with a function, for who looks on: operations that tell what they are called
 * with and what they answer, and leave the work to the others. Without a witness they are not
 * called at all.
 */
#include "internal.h"

#include "base/str.h"
#include "host/witness.h"

#include <inttypes.h>

static struct host *host_of(struct pci_device *dev)
{
	return function_of(dev)->d->host;
}

static uint32_t config_read(struct pci_device *dev, unsigned offset, unsigned len)
{
	struct host *h = host_of(dev);
	uint32_t v;

	host_begin(h, "config-read %s 0x%x %u", dev->name, offset, len);
	v = function_ops.config_read(dev, offset, len);
	host_end(h, "0x%x", v);
	return v;
}

static void config_write(struct pci_device *dev, unsigned offset, unsigned len, uint32_t value)
{
	HOST_PART(host_of(dev), "config-write %s 0x%x %u 0x%x", dev->name, offset, len, value);
	function_ops.config_write(dev, offset, len, value);
}

static int bar_mapped(struct pci_device *dev, unsigned bar, struct gpa at)
{
	HOST_PART(host_of(dev), "bar-on %s %u 0x%" PRIx64, dev->name, bar, at.v);
	return function_ops.bar_mapped(dev, bar, at);
}

static int bar_unmapped(struct pci_device *dev, unsigned bar, struct gpa at)
{
	HOST_PART(host_of(dev), "bar-off %s %u 0x%" PRIx64, dev->name, bar, at.v);
	return function_ops.bar_unmapped(dev, bar, at);
}

static uint64_t bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len)
{
	struct host *h = host_of(dev);
	uint64_t v;

	host_begin(h, "bar-read %s %u 0x%" PRIx64 " %u", dev->name, bar, offset, len);
	v = function_ops.bar_read(dev, bar, offset, len);
	host_end(h, "0x%" PRIx64, v);
	return v;
}

static void bar_write(
	struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len, uint64_t value)
{
	HOST_PART(host_of(dev), "bar-write %s %u 0x%" PRIx64 " %u 0x%" PRIx64, dev->name, bar,
		offset, len, value);
	function_ops.bar_write(dev, bar, offset, len, value);
}

static void stop(struct pci_device *dev)
{
	HOST_PART(host_of(dev), "stop %s", dev->name);
	function_ops.stop(dev);
}

static void told_free(struct pci_device *dev)
{
	HOST_PART(host_of(dev), "gone %s", dev->name);
	function_ops.free(dev);
}

static void claim(struct pci_device *dev, struct pci_claims *c)
{
	function_ops.claim(dev, c);
}

static void stats(
	struct pci_device *dev, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	function_ops.stats(dev, each, arg);
}

static void traits(struct pci_device *dev,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	function_ops.traits(dev, each, arg);
}

static const char *migration(struct pci_device *dev, unsigned i)
{
	return function_ops.migration(dev, i);
}

const struct pci_device_ops function_told_ops = {
	.config_read = config_read,
	.config_write = config_write,
	.bar_mapped = bar_mapped,
	.bar_unmapped = bar_unmapped,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.stop = stop,
	.free = told_free,
	.claim = claim,
	.stats = stats,
	.traits = traits,
	.migration = migration,
};

void function_tell_begin(const struct vmm_services *services, const struct vfio_function_params *p)
{
	static const char *const roms[] = {
		[FUNCTION_ROM_OFF] = "",
		[FUNCTION_ROM_DEVICE] = " rom=on",
		[FUNCTION_ROM_FILE] = " rom=file",
	};
	const struct pci_window *w = &pci_bus_params(services->pci)->mem64;
	struct host *h = p->device->host;

	if (p->rom == FUNCTION_ROM_FILE)
		host_name_fd(h, p->rom_fd, "rom-file");
	host_begin(h, "function %s mem64=0x%" PRIx64 "+0x%" PRIx64 "%s", p->device->name, w->start,
		w->size, roms[p->rom]);
}

/* Where it was put depends on what else the guest has. */
void function_tell_end(struct vfio_device *d, struct pci_device *dev)
{
	autostrbuf b = { 0 };

	if (!dev) {
		host_end(d->host, "failed");
		return;
	}
	strbuf_add(&b, "slot=%u", dev->slot);
	for (unsigned i = 0; i < PCI_STD_NUM_BARS; i++)
		strbuf_add(&b, " 0x%x", pci_get32(dev, PCI_BASE_ADDRESS_0 + 4 * i));
	if (dev->bars[PCI_ROM_BAR].kind == PCI_BAR_ROM)
		strbuf_add(&b, " 0x%x", pci_get32(dev, PCI_ROM_ADDRESS));
	host_end(d->host, "%s", b.s ? b.s : "?");
}
