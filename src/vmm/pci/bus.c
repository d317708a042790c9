/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core.h"

#include <string.h>

enum {
	ECAM_BYTES = 1 << 20, /* bus 0: 32 devices of 8 functions of 4 KiB */
	ECAM_FUNCTION_SHIFT = 12,
	CONF1_ADDRESS = 0xcf8,
	CONF1_DATA = 0xcfc,
};
#define CONF1_ENABLE (1U << 31)

/* Function 0 of a slot of bus 0 is all there is. `function` is bus, device, function as in ECAM. */
static struct pci_device *find(struct pci_bus *b, uint64_t function)
{
	if (function % 8 || function / 8 >= PCI_SLOTS)
		return NULL;
	return b->slots[function / 8];
}

/* The device stays while somebody is at its configuration space. */
static uint64_t read_config(struct pci_bus *b, uint64_t function, unsigned at, unsigned len)
{
	uint64_t v = bus_all_ones(len);
	struct pci_device *dev;

	pthread_rwlock_rdlock(&b->plug);
	dev = find(b, function);
	if (dev)
		v = pci_config_read(dev, at, len);
	pthread_rwlock_unlock(&b->plug);
	return v;
}

static void write_config(
	struct pci_bus *b, uint64_t function, unsigned at, unsigned len, uint64_t value)
{
	struct pci_device *dev;

	pthread_rwlock_rdlock(&b->plug);
	dev = find(b, function);
	if (dev)
		pci_config_write(dev, at, len, value);
	pthread_rwlock_unlock(&b->plug);
}

static uint64_t ecam_read(void *opaque, uint64_t offset, unsigned len)
{
	return read_config(opaque, offset >> ECAM_FUNCTION_SHIFT, offset % PCI_CONFIG_BYTES, len);
}

static void ecam_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	write_config(opaque, offset >> ECAM_FUNCTION_SHIFT, offset % PCI_CONFIG_BYTES, len, value);
}

static const struct bus_ops ecam_ops = { .read = ecam_read, .write = ecam_write };

/* Only whole dwords at 0xCF8 are the address register; 0xCF9 and so on are not PCI's. */
static uint64_t address_read(void *opaque, uint64_t offset, unsigned len)
{
	struct pci_bus *b = opaque;

	return offset == 0 && len == 4 ? atomic_load(&b->address) : bus_all_ones(len);
}

static void address_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	struct pci_bus *b = opaque;

	if (offset == 0 && len == 4)
		atomic_store(&b->address, (uint32_t)value & ~0x7f000003U);
}

static const struct bus_ops address_ops = { .read = address_read, .write = address_write };

/* False: the ports are switched off. */
static bool selected(struct pci_bus *b, uint64_t *ret_function, unsigned *ret_register)
{
	uint32_t address = atomic_load(&b->address);

	*ret_register = address & 0xfc;
	*ret_function = address >> 8 & 0xffff;
	return address & CONF1_ENABLE;
}

static uint64_t data_read(void *opaque, uint64_t offset, unsigned len)
{
	uint64_t function;
	unsigned reg;

	return selected(opaque, &function, &reg)
		       ? read_config(opaque, function, reg + (unsigned)offset, len)
		       : bus_all_ones(len);
}

static void data_write(void *opaque, uint64_t offset, unsigned len, uint64_t value)
{
	uint64_t function;
	unsigned reg;

	if (selected(opaque, &function, &reg))
		write_config(opaque, function, reg + (unsigned)offset, len, value);
}

static const struct bus_ops data_ops = { .read = data_read, .write = data_write };

static void bridge_free(struct pci_device *dev)
{
	pci_device_done(dev);
	free(dev);
}

static const struct pci_device_ops bridge_ops = { .free = bridge_free };

/* Nothing binds to it; it is there because software expects 00:00.0. */
static int add_bridge(struct pci_bus *b, struct problem **reterr)
{
	const struct pci_ids ids = {
		.vendor = 0x1b36,
		.device = 0x0008, /* "generic PCIe host bridge" of the PCI id list */
		.subsystem_vendor = 0x1af4,
		.subsystem = 0x1100,
		.class = 0x060000,
	};
	struct pci_device *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "PCI host bridge");
	pci_device_init(dev, &bridge_ops, "host-bridge", &ids);
	return pci_bus_add(b, dev, 0, reterr);
}

static int add_region(struct bus *bus, struct bus_region *r, const char *name, uint64_t start,
	uint64_t size, const struct bus_ops *ops, struct pci_bus *b)
{
	r->name = name;
	r->start = start;
	r->size = size;
	r->ops = ops;
	r->opaque = b;
	return bus_add(bus, r);
}

static int add_regions(struct pci_bus *b)
{
	const struct pci_bus_params *p = &b->params;
	int r;

	r = add_region(p->mmio, &b->ecam, "pci-ecam", p->ecam, ECAM_BYTES, &ecam_ops, b);
	if (r < 0)
		return r;
	r = add_region(p->pio, &b->conf1_address, "pci-address", CONF1_ADDRESS, 4, &address_ops, b);
	if (r < 0)
		return r;
	return add_region(p->pio, &b->conf1_data, "pci-data", CONF1_DATA, 4, &data_ops, b);
}

int pci_bus_new(const struct pci_bus_params *params, struct pci_bus **ret, struct problem **reterr)
{
	CLEANUP(pci_bus_freep) struct pci_bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "PCI bus");
	b->params = *params;
	pthread_mutex_init(&b->layout, NULL);
	pthread_rwlock_init(&b->plug, NULL);
	window_init(&b->io, params->io.start, params->io.size);
	window_init(&b->mem32, params->mem32.start, params->mem32.size);
	window_init(&b->mem64, params->mem64.start, params->mem64.size);
	r = add_regions(b);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "cannot place the PCI bus: %s",
			strerror(-r));
	r = add_bridge(b, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(b);
	return 0;
}

void pci_bus_free(struct pci_bus *b)
{
	if (!b)
		return;
	pci_bus_stop(b);
	bus_remove(b->params.mmio, &b->ecam);
	bus_remove(b->params.pio, &b->conf1_address);
	bus_remove(b->params.pio, &b->conf1_data);
	while (b->n_added) {
		struct pci_device *dev = b->added[b->n_added - 1];

		pci_layout_forget(dev);
		b->n_added--;
		dev->ops->free(dev);
	}
	window_done(&b->io);
	window_done(&b->mem32);
	window_done(&b->mem64);
	pthread_rwlock_destroy(&b->plug);
	pthread_mutex_destroy(&b->layout);
	free(b);
}

const struct pci_bus_params *pci_bus_params(const struct pci_bus *b)
{
	return &b->params;
}

static int pick_slot(const struct pci_bus *b, int slot)
{
	if (slot != PCI_SLOT_ANY)
		return slot < 0 || slot >= PCI_SLOTS ? -EINVAL : b->slots[slot] ? -EBUSY : slot;
	for (int i = 1; i < PCI_SLOTS; i++)
		if (!b->slots[i] && !(b->left & 1U << i))
			return i;
	return -ENOSPC;
}

uint32_t pci_intx_gsi(unsigned slot)
{
	return IRQ_INTX_FIRST + slot % IRQ_INTX_LINES;
}

/* What large BARs lack is address bits of the CPU, or a guest with less memory below them. */
static void blame_window(
	struct pci_bus *b, struct pci_device *dev, int code, struct problem **reterr)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < PCI_BARS; i++)
		if (dev->bars[i].kind != PCI_BAR_NONE)
			most = MAX(most, dev->bars[i].size);
	problem(reterr, code, PROBLEM_FAILED, NULL,
		"the BARs of %s (the largest has %llu MiB) do not fit into the guest's address "
		"space: %llu MiB at 0x%llx for 64-bit BARs, %llu MiB for others",
		dev->name, (unsigned long long)most >> 20, (unsigned long long)b->mem64.size >> 20,
		(unsigned long long)b->mem64.start, (unsigned long long)b->mem32.size >> 20);
}

int pci_bus_add(struct pci_bus *b, struct pci_device *dev, int slot, struct problem **reterr)
{
	int s = pick_slot(b, slot), r;

	if (s < 0) {
		problem(reterr, s, PROBLEM_FAILED, NULL, "no PCI slot for %s: %s", dev->name,
			s == -ENOSPC ? "all 31 are taken" : strerror(-s));
		dev->ops->free(dev);
		return s;
	}
	dev->bus = b;
	dev->slot = (unsigned)s;
	if (dev->config[PCI_INTERRUPT_PIN])
		dev->config[PCI_INTERRUPT_LINE] = (uint8_t)pci_intx_gsi(dev->slot);
	r = pci_layout_place(dev);
	if (r < 0) {
		blame_window(b, dev, r, reterr);
		pci_layout_forget(dev);
		dev->ops->free(dev);
		return r;
	}
	pthread_rwlock_wrlock(&b->plug);
	pthread_mutex_lock(&b->layout);
	b->slots[s] = dev;
	b->added[b->n_added++] = dev;
	pthread_mutex_unlock(&b->layout);
	pthread_rwlock_unlock(&b->plug);
	return 0;
}

static void forget(struct pci_bus *b, const struct pci_device *dev)
{
	unsigned n = 0;

	pthread_rwlock_wrlock(&b->plug);
	pthread_mutex_lock(&b->layout);
	b->slots[dev->slot] = NULL;
	b->left |= 1U << dev->slot;
	for (unsigned i = 0; i < b->n_added; i++)
		if (b->added[i] != dev)
			b->added[n++] = b->added[i];
	b->n_added = n;
	pthread_mutex_unlock(&b->layout);
	pthread_rwlock_unlock(&b->plug);
}

void pci_bus_remove(struct pci_bus *b, struct pci_device *dev)
{
	/* First nobody finds it any more, then what it had in the guest goes, then it does. */
	forget(b, dev);
	pci_layout_forget(dev);
	if (dev->ops->stop)
		dev->ops->stop(dev);
	dev->ops->free(dev);
}

void pci_bus_slot_is_free(struct pci_bus *b, unsigned slot)
{
	pthread_rwlock_wrlock(&b->plug);
	if (slot < PCI_SLOTS)
		b->left &= ~(1U << slot);
	pthread_rwlock_unlock(&b->plug);
}

uint32_t pci_bus_hot_slots(struct pci_bus *b, unsigned spare)
{
	uint32_t mask = 0;

	pthread_rwlock_rdlock(&b->plug);
	for (unsigned i = 1; i < PCI_SLOTS; i++) {
		bool taken = b->slots[i] || b->left & 1U << i;

		if (taken ? b->slots[i] && b->slots[i]->removable : spare > 0)
			mask |= 1U << i;
		spare -= !taken && spare;
	}
	pthread_rwlock_unlock(&b->plug);
	return mask;
}

struct pci_device *pci_bus_device(struct pci_bus *b, unsigned slot)
{
	return slot < PCI_SLOTS ? b->slots[slot] : NULL;
}

void pci_bus_stop(struct pci_bus *b)
{
	if (b->stopped)
		return;
	b->stopped = true;
	for (unsigned i = b->n_added; i > 0; i--) {
		struct pci_device *dev = b->added[i - 1];

		if (dev->ops->stop)
			dev->ops->stop(dev);
	}
}
