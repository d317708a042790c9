/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which BAR is where. A guest may write anything into BARs at any time: a BAR that it puts outside
 * the windows or on top of another is simply not mapped, and gets another chance whenever the
 * layout changes.
 */
#include "core.h"

#include <assert.h>
#include <stdio.h>

unsigned pci_bar_register(unsigned bar)
{
	return bar == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * bar;
}

bool pci_bar_decoded(const struct pci_device *dev, unsigned bar, uint64_t *ret_at)
{
	uint16_t command = pci_get16(dev, PCI_COMMAND);
	uint32_t low = pci_get32(dev, pci_bar_register(bar));

	switch (dev->bars[bar].kind) {
	case PCI_BAR_NONE:
		return false;
	case PCI_BAR_IO:
		*ret_at = low & ~3U;
		return command & PCI_COMMAND_IO;
	case PCI_BAR_MEM32:
		*ret_at = low & ~15U;
		return command & PCI_COMMAND_MEMORY;
	case PCI_BAR_MEM64:
		*ret_at = (uint64_t)pci_get32(dev, pci_bar_register(bar + 1)) << 32 | (low & ~15U);
		return command & PCI_COMMAND_MEMORY;
	case PCI_BAR_ROM:
		*ret_at = low & PCI_ROM_ADDRESS_MASK;
		return (command & PCI_COMMAND_MEMORY) && (low & PCI_ROM_ADDRESS_ENABLE);
	}
	return false;
}

static uint64_t region_read(void *opaque, uint64_t offset, unsigned len)
{
	struct pci_bar *bar = opaque;
	struct pci_device *dev = bar->dev;

	if (!dev->ops->bar_read)
		return bus_all_ones(len);
	return dev->ops->bar_read(dev, (unsigned)(bar - dev->bars), offset, len);
}

static void region_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	struct pci_bar *bar = opaque;
	struct pci_device *dev = bar->dev;

	if (dev->ops->bar_write)
		dev->ops->bar_write(dev, (unsigned)(bar - dev->bars), offset, len, value);
}

static const struct bus_ops region_ops = { .read = region_read, .write = region_write };

static bool in_window(const struct pci_bus *b, const struct pci_bar *bar, uint64_t at)
{
	if (bar->kind == PCI_BAR_IO)
		return window_contains(&b->io, at, bar->size);
	return window_contains(&b->mem32, at, bar->size) ||
	       (bar->kind == PCI_BAR_MEM64 && window_contains(&b->mem64, at, bar->size));
}

static struct bus *bus_of(struct pci_bus *b, const struct pci_bar *bar)
{
	return bar->kind == PCI_BAR_IO ? b->params.pio : b->params.mmio;
}

static void map_bar(struct pci_bus *b, struct pci_bar *bar)
{
	struct pci_device *dev = bar->dev;
	unsigned i = (unsigned)(bar - dev->bars);

	bar->region.name = dev->name;
	bar->region.start = bar->wanted_at;
	bar->region.size = bar->size;
	bar->region.ops = &region_ops;
	bar->region.opaque = bar;
	bar->refused = false;
	if (bus_add(bus_of(b, bar), &bar->region) < 0)
		return;
	if (dev->ops->bar_mapped && dev->ops->bar_mapped(dev, i, GPA(bar->wanted_at)) < 0) {
		bus_remove(bus_of(b, bar), &bar->region);
		bar->refused = true;
		return;
	}
	bar->mapped = true;
}

/*
 * The guest's register shows the new address in any case, as that of hardware would: half a 64-bit
 * address may be written, which is never refused, and undoing it would spoil the second half.
 */
static void unmap_bar(struct pci_bus *b, struct pci_bar *bar)
{
	struct pci_device *dev = bar->dev;
	unsigned i = (unsigned)(bar - dev->bars);

	bar->held = dev->ops->bar_unmapped &&
		    dev->ops->bar_unmapped(dev, i, GPA(bar->region.start)) < 0;
	if (bar->held)
		return;
	bus_remove(bus_of(b, bar), &bar->region);
	bar->mapped = false;
}

#ifndef NDEBUG
/* What is asked of the layout after each change of it; the registers may change meanwhile. */
static void assert_settled(const struct pci_bus *b)
{
	for (unsigned s = 0; s < b->n_added; s++)
		for (unsigned i = 0; i < PCI_BARS; i++) {
			const struct pci_bar *bar = &b->added[s]->bars[i];

			assert(!bar->mapped || bar->held ||
				(bar->wanted && bar->region.start == bar->wanted_at &&
					in_window(b, bar, bar->region.start)));
		}
}
#else
static void assert_settled(const struct pci_bus *b UNUSED)
{
}
#endif

/* First everything that goes, then everything that comes: so two BARs can change places. */
static void settle(struct pci_bus *b)
{
	for (unsigned s = 0; s < b->n_added; s++)
		for (unsigned i = 0; i < PCI_BARS; i++) {
			struct pci_bar *bar = &b->added[s]->bars[i];

			if (bar->mapped && (!bar->wanted || bar->wanted_at != bar->region.start))
				unmap_bar(b, bar);
			else
				bar->held = false;
		}
	for (unsigned s = 0; s < b->n_added; s++)
		for (unsigned i = 0; i < PCI_BARS; i++) {
			struct pci_bar *bar = &b->added[s]->bars[i];

			if (bar->wanted && !bar->mapped)
				map_bar(b, bar);
		}
	assert_settled(b);
}

void pci_layout_update(struct pci_device *dev)
{
	struct pci_bus *b = dev->bus;

	if (!b)
		return;
	pthread_mutex_lock(&b->layout);
	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &dev->bars[i];
		uint64_t at = 0;

		bar->wanted = pci_bar_decoded(dev, i, &at) && in_window(b, bar, at);
		bar->wanted_at = at;
	}
	settle(b);
	pthread_mutex_unlock(&b->layout);
}

static int take_place(struct pci_bus *b, struct pci_bar *bar)
{
	int r;

	if (bar->kind == PCI_BAR_IO)
		return window_take(&b->io, bar->size, bar->size, &bar->reserved);
	if (bar->kind == PCI_BAR_MEM64) {
		r = window_take(&b->mem64, bar->size, bar->size, &bar->reserved);
		if (r == 0)
			return 0;
	}
	/* Small BARs get a page each, so that no two devices share one. */
	return window_take(&b->mem32, bar->size, MAX(bar->size, 4096ULL), &bar->reserved);
}

int pci_layout_place(struct pci_device *dev)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &dev->bars[i];
		unsigned reg = pci_bar_register(i);
		int r;

		if (bar->kind == PCI_BAR_NONE)
			continue;
		r = take_place(dev->bus, bar);
		if (r < 0)
			return r;
		pci_set32(dev, reg, pci_get32(dev, reg) | (uint32_t)bar->reserved);
		if (bar->kind == PCI_BAR_MEM64)
			pci_set32(dev, reg + 4, (uint32_t)(bar->reserved >> 32));
	}
	return 0;
}

static void give_place(struct pci_bus *b, struct pci_bar *bar)
{
	struct window *w = bar->kind == PCI_BAR_IO			  ? &b->io
			   : window_contains(&b->mem32, bar->reserved, 1) ? &b->mem32
									  : &b->mem64;

	if (bar->reserved)
		window_give(w, bar->reserved);
	bar->reserved = 0;
}

void pci_layout_forget(struct pci_device *dev)
{
	struct pci_bus *b = dev->bus;

	pthread_mutex_lock(&b->layout);
	for (unsigned i = 0; i < PCI_BARS; i++) {
		struct pci_bar *bar = &dev->bars[i];

		bar->wanted = false;
		if (bar->mapped)
			unmap_bar(b, bar);
		if (bar->mapped) /* whatever is left of it: nobody is behind it any more */
			bus_remove(bus_of(b, bar), &bar->region);
		bar->mapped = bar->held = false;
		give_place(b, bar);
	}
	pthread_mutex_unlock(&b->layout);
}

struct overlap {
	const struct pci_bar *bar;
	uint64_t at;
	bool found;
};

static void look_for_overlap(const struct bus_region *r, void *arg)
{
	struct overlap *o = arg;

	if (r != &o->bar->region && r->start < o->at + o->bar->size && o->at < r->start + r->size)
		o->found = true;
}

static bool bar_is_wrong(struct pci_bus *b, struct pci_device *dev, unsigned i)
{
	struct pci_bar *bar = &dev->bars[i];
	struct overlap o = { .bar = bar };
	bool decoded = pci_bar_decoded(dev, i, &o.at) && in_window(b, bar, o.at);

	if (bar->mapped)
		return !bar->held && (!decoded || bar->region.start != o.at);
	if (!decoded || bar->refused)
		return false;
	bus_foreach(bus_of(b, bar), look_for_overlap, &o);
	return !o.found;
}

unsigned pci_layout_wrong(struct pci_bus *b, char *why, size_t size)
{
	unsigned wrong = 0;

	for (unsigned s = 0; s < b->n_added; s++)
		for (unsigned i = 0; i < PCI_BARS; i++) {
			if (!bar_is_wrong(b, b->added[s], i))
				continue;
			if (!wrong++ && why)
				snprintf(why, size, "%s BAR %u is %smapped at 0x%llx",
					b->added[s]->name, i,
					b->added[s]->bars[i].mapped ? "" : "not ",
					(unsigned long long)b->added[s]->bars[i].region.start);
		}
	return wrong;
}

void pci_bus_hold(struct pci_bus *b, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&b->layout);
	fn(arg);
	pthread_mutex_unlock(&b->layout);
}

unsigned pci_bus_check(struct pci_bus *b, char *why, size_t size)
{
	unsigned wrong;

	pthread_mutex_lock(&b->layout);
	wrong = pci_layout_wrong(b, why, size);
	pthread_mutex_unlock(&b->layout);
	return wrong;
}
