/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space by both ways in, BARs, MSI-X. A function is a slot of the root bus. */
#pragma once

#include "guest.h"

enum {
	PCI_COMMAND = 4,
	PCI_BAR0 = 0x10,
	PCI_IO = 1,
	PCI_MEMORY = 2,
	PCI_MASTER = 4,
	PCI_NO_INTX = 0x400,
	CAP_MSIX = 0x11,
	CAP_VENDOR = 0x09,
};

/* Where segment 0, bus 0 is memory-mapped; 0 without an MCFG. */
uint64_t pci_ecam(void);
/* One access of len bytes, as given: any offset, also odd ones. */
uint32_t pci_read(unsigned slot, unsigned offset, unsigned len);
void pci_write(unsigned slot, unsigned offset, unsigned len, uint32_t value);
/* The same through the ports 0xcf8 and 0xcfc, the first 256 bytes. */
uint32_t pci_port_read(unsigned slot, unsigned offset, unsigned len);
void pci_port_write(unsigned slot, unsigned offset, unsigned len, uint32_t value);

bool pci_exists(unsigned slot);
/* The nth function with these ids; -1 if none. */
int pci_find(uint16_t vendor, uint16_t device, unsigned nth);
/* Offset of the nth capability with this id, 0 if none. */
unsigned pci_capability(unsigned slot, uint8_t id, unsigned nth);
/* Sets and clears bits of the command register. */
void pci_command(unsigned slot, uint16_t set, uint16_t clear);

struct pci_bar {
	bool io, wide, prefetchable;
	uint64_t at, size; /* size 0: there is none */
};
/* Sizes the BAR (decode off meanwhile, its address kept) and makes it reachable. */
struct pci_bar pci_bar(unsigned slot, unsigned bar);
void pci_bar_move(unsigned slot, unsigned bar, uint64_t to);

struct msix {
	unsigned slot, capability, vectors;
	uint64_t table, pending;
};
bool msix_open(unsigned slot, struct msix *m);
void msix_enable(const struct msix *m, bool on, bool function_masked);
/* Entry → interrupt vector on the CPU with this APIC id, unmasked. */
void msix_route(const struct msix *m, unsigned entry, uint8_t vector, uint32_t apic_id);
void msix_mask(const struct msix *m, unsigned entry, bool masked);
bool msix_pending(const struct msix *m, unsigned entry);
