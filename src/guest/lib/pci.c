/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pci.h"

uint64_t pci_ecam(void)
{
	static uint64_t base;
	const struct acpi_table *mcfg;

	if (!base) {
		mcfg = acpi_find("MCFG");
		base = mcfg ? read64((uint64_t)(uintptr_t)mcfg + 44) : 0;
		if (base)
			memory_map(base, 1 << 20);
	}
	return base;
}

static uint64_t config_at(unsigned slot, unsigned offset)
{
	if (!pci_ecam())
		give_up("no ECAM");
	return pci_ecam() + slot * 0x8000 + offset;
}

static uint32_t memory_read(uint64_t at, unsigned len)
{
	return len == 1 ? read8(at) : len == 2 ? read16(at) : read32(at);
}

uint32_t pci_read(unsigned slot, unsigned offset, unsigned len)
{
	return memory_read(config_at(slot, offset), len);
}

void pci_write(unsigned slot, unsigned offset, unsigned len, uint32_t value)
{
	uint64_t at = config_at(slot, offset);

	if (len == 1)
		write8(at, (uint8_t)value);
	else if (len == 2)
		write16(at, (uint16_t)value);
	else
		write32(at, value);
}

static uint16_t select_port(unsigned slot, unsigned offset)
{
	out32(0xcf8, 0x80000000 | slot << 11 | (offset & 0xfc));
	return (uint16_t)(0xcfc + (offset & 3));
}

uint32_t pci_port_read(unsigned slot, unsigned offset, unsigned len)
{
	uint16_t port = select_port(slot, offset);

	return len == 1 ? in8(port) : len == 2 ? in16(port) : in32(port);
}

void pci_port_write(unsigned slot, unsigned offset, unsigned len, uint32_t value)
{
	uint16_t port = select_port(slot, offset);

	if (len == 1)
		out8(port, (uint8_t)value);
	else if (len == 2)
		out16(port, (uint16_t)value);
	else
		out32(port, value);
}

bool pci_exists(unsigned slot)
{
	return pci_read(slot, 0, 2) != 0xffff;
}

int pci_find(uint16_t vendor, uint16_t device, unsigned nth)
{
	for (unsigned slot = 0; slot < 32; slot++)
		if (pci_read(slot, 0, 4) == ((uint32_t)device << 16 | vendor) && !nth--)
			return (int)slot;
	return -1;
}

unsigned pci_capability(unsigned slot, uint8_t id, unsigned nth)
{
	unsigned at, hops = 48;

	if (!(pci_read(slot, 6, 2) & 0x10))
		return 0;
	for (at = pci_read(slot, 0x34, 1); at && hops--; at = pci_read(slot, at + 1, 1))
		if (pci_read(slot, at, 1) == id && !nth--)
			return at;
	return 0;
}

void pci_command(unsigned slot, uint16_t set, uint16_t clear)
{
	uint32_t command = pci_read(slot, PCI_COMMAND, 2);

	pci_write(slot, PCI_COMMAND, 2, (command | set) & ~(uint32_t)clear);
}

static uint64_t raw_bar(unsigned slot, unsigned at, bool wide)
{
	uint64_t v = pci_read(slot, at, 4);

	return wide ? v | (uint64_t)pci_read(slot, at + 4, 4) << 32 : v;
}

static void set_raw_bar(unsigned slot, unsigned at, bool wide, uint64_t v)
{
	pci_write(slot, at, 4, (uint32_t)v);
	if (wide)
		pci_write(slot, at + 4, 4, (uint32_t)(v >> 32));
}

struct pci_bar pci_bar(unsigned slot, unsigned bar)
{
	unsigned at = PCI_BAR0 + 4 * bar;
	uint16_t command = (uint16_t)pci_read(slot, PCI_COMMAND, 2);
	uint64_t old, ones, mask;
	struct pci_bar b = { 0 };

	old = pci_read(slot, at, 4);
	b.io = old & 1;
	b.wide = (old & 7) == 4;
	b.prefetchable = !b.io && old & 8;
	mask = b.io ? 3 : 15;
	pci_command(slot, 0, PCI_IO | PCI_MEMORY);
	old = raw_bar(slot, at, b.wide);
	set_raw_bar(slot, at, b.wide, ~0ULL);
	ones = raw_bar(slot, at, b.wide);
	set_raw_bar(slot, at, b.wide, old);
	pci_write(slot, PCI_COMMAND, 2, command);
	b.at = old & ~mask;
	if (ones & ~mask)
		b.size = b.wide ? ~(ones & ~mask) + 1 : (uint32_t)(~(ones & ~mask) + 1);
	if (b.io)
		b.size &= 0xffff;
	if (b.size && !b.io)
		memory_map(b.at, b.size);
	return b;
}

void pci_bar_move(unsigned slot, unsigned bar, uint64_t to)
{
	unsigned at = PCI_BAR0 + 4 * bar;
	uint16_t command = (uint16_t)pci_read(slot, PCI_COMMAND, 2);
	uint32_t low = pci_read(slot, at, 4);
	bool io = low & 1;

	pci_command(slot, 0, PCI_IO | PCI_MEMORY);
	set_raw_bar(slot, at, (low & 7) == 4, to);
	pci_write(slot, PCI_COMMAND, 2, command);
	if (!io)
		memory_map(to, 4096);
}

bool msix_open(unsigned slot, struct msix *m)
{
	unsigned cap = pci_capability(slot, CAP_MSIX, 0);
	uint32_t table, pending;

	if (!cap)
		return false;
	table = pci_read(slot, cap + 4, 4);
	pending = pci_read(slot, cap + 8, 4);
	*m = (struct msix) {
		.slot = slot,
		.capability = cap,
		.vectors = (pci_read(slot, cap + 2, 2) & 0x7ff) + 1,
		.table = pci_bar(slot, table & 7).at + (table & ~7u),
		.pending = pci_bar(slot, pending & 7).at + (pending & ~7u),
	};
	pci_command(slot, PCI_MEMORY, 0);
	return true;
}

void msix_enable(const struct msix *m, bool on, bool function_masked)
{
	pci_write(m->slot, m->capability + 2, 2,
		(uint32_t)((on ? 0x8000 : 0) | (function_masked ? 0x4000 : 0)));
}

void msix_route(const struct msix *m, unsigned entry, uint8_t vector, uint32_t apic_id)
{
	uint64_t at = m->table + entry * 16;

	write32(at + 12, 1);
	write32(at, 0xfee00000 | apic_id << 12);
	write32(at + 4, 0);
	write32(at + 8, vector);
	write32(at + 12, 0);
}

void msix_mask(const struct msix *m, unsigned entry, bool masked)
{
	write32(m->table + entry * 16 + 12, masked);
}

bool msix_pending(const struct msix *m, unsigned entry)
{
	return read64(m->pending + entry / 64 * 8) >> entry % 64 & 1;
}
