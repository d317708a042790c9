/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest that writes configuration space as it likes, through both doors: after every step each
 * BAR must be in the bus exactly where the registers say, once.
 */
#include "fuzz.h"

#include "vmm/pci/bus.h"

#include <stdio.h>
#include <stdlib.h>

#define ECAM 0xe0000000ULL

enum { DEVICES = 3 };

static void free_device(struct pci_device *d)
{
	pci_device_done(d);
	free(d);
}

static uint64_t read_bar(
	struct pci_device *d UNUSED, unsigned bar, uint64_t offset, unsigned len UNUSED)
{
	if (offset >= d->bars[bar].size)
		__builtin_trap();
	return bar;
}

static const struct pci_device_ops ops = { .bar_read = read_bar, .free = free_device };

static void add_device(struct pci_bus *b, unsigned n)
{
	static const struct pci_ids ids = { 0x1af4, 0x1000, 0x1af4, 1, 0, 0xff0000 };
	struct pci_device *d = calloc(1, sizeof(*d));

	if (!d)
		abort();
	pci_device_init(d, &ops, "fuzz", &ids);
	if (pci_set_bar(d, 0, PCI_BAR_MEM32, false, 0x1000) < 0 ||
		pci_set_bar(d, 1, PCI_BAR_IO, false, 0x20) < 0 ||
		pci_set_bar(d, 2, PCI_BAR_MEM64, true, 0x4000ULL << n) < 0)
		abort();
	if (n == 1 && pci_set_bar(d, PCI_ROM_BAR, PCI_BAR_ROM, false, 0x10000) < 0)
		abort();
	if (pci_bus_add(b, d, PCI_SLOT_ANY, NULL) < 0)
		abort();
}

static void step(struct input *in, struct bus *pio, struct bus *mmio)
{
	unsigned kind = (unsigned)take(in, 1), len = 1u << (kind >> 2 & 3);
	uint64_t at = take(in, 2), value;

	/* Mostly the first registers of the first devices, where things happen. */
	if (kind & 0x80)
		at = (at & 0x18000) | (at & 0x3f);
	switch (kind & 3) {
	case 0:
		bus_write(mmio, ECAM + at, len, take(in, 8));
		break;
	case 1:
		bus_write(pio, 0xcf8, 4, 0x80000000 | at);
		bus_write(pio, 0xcfc + (at & 3), MIN(len, 4u), take(in, 4));
		break;
	case 2:
		bus_read(mmio, ECAM + at, len, &value);
		break;
	default:
		bus_read(mmio, take(in, 8), len, &value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct pci_bus_params params = {
		.ecam = ECAM,
		.io = { 0x1000, 0x7000 },
		.mem32 = { 0xc0000000, 0x10000000 },
		.mem64 = { 0x1000000000, 0x1000000000 },
	};
	struct bus *pio, *mmio;
	struct pci_bus *b;
	char why[128];

	if (bus_new("pio", &pio) < 0 || bus_new("mmio", &mmio) < 0)
		return 0;
	params.pio = pio;
	params.mmio = mmio;
	if (pci_bus_new(&params, &b, NULL) < 0)
		abort();
	for (unsigned i = 0; i < DEVICES; i++)
		add_device(b, i);
	while (in.left) {
		step(&in, pio, mmio);
		if (pci_bus_check(b, why, sizeof(why))) {
			fprintf(stderr, "%s\n", why);
			__builtin_trap();
		}
	}
	pci_bus_stop(b);
	pci_bus_free(b);
	bus_free(mmio);
	bus_free(pio);
	return 0;
}
