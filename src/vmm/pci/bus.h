/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's PCI root bus (segment 0, bus 0): up to 32 functions, reached through ECAM and through
 * the ports 0xCF8/0xCFC, their BARs placed in the windows that ACPI tells the guest.
 */
#pragma once

#include "device.h"
#include "vmm/irq/irq.h"

struct guest_memory;
struct kvm_vm;

struct pci_window {
	uint64_t start, size;
};

struct pci_bus_params {
	struct bus *pio, *mmio;
	struct irq_chip *irq;
	uint64_t ecam;			    /* where the 1 MiB of bus 0 is */
	struct pci_window io, mem32, mem64; /* where BARs may be; mem64.size 0 = no such window */
};

/* Makes the host bridge 00:00.0 too. */
int pci_bus_new(const struct pci_bus_params *params, struct pci_bus **ret, struct problem **reterr);
/* Stops and frees all devices, last added first. */
void pci_bus_free(struct pci_bus *b);
DEFINE_AUTO(struct pci_bus, pci_bus_free);

/* What it was made with; borrowed. */
const struct pci_bus_params *pci_bus_params(const struct pci_bus *b);

enum { PCI_SLOT_ANY = -1 };

/*
 * Takes the device over (also frees it, by ops->free, when this fails), gives it a slot, writes
 * interrupt line and pin (INTA) if config[PCI_INTERRUPT_PIN] is set, and places its BARs.
 * -ENOSPC when no slot or no room in the windows is left.
 */
int pci_bus_add(struct pci_bus *b, struct pci_device *dev, int slot, struct problem **reterr);
struct pci_device *pci_bus_device(struct pci_bus *b, unsigned slot);
/*
 * While the guest runs: from now on there is no such device; stops and frees it. Its slot is not
 * given away again before pci_bus_slot_is_free(), for the guest's driver may still be at it.
 * One thread adds and removes; it is not in a config access.
 */
void pci_bus_remove(struct pci_bus *b, struct pci_device *dev);
void pci_bus_slot_is_free(struct pci_bus *b, unsigned slot);
/* A bit per slot whose device may be removed, and for `spare` empty ones at most. */
uint32_t pci_bus_hot_slots(struct pci_bus *b, unsigned spare);
/* stop() of every device: the machine is going down, the vCPUs do not run any more. */
void pci_bus_stop(struct pci_bus *b);

/* The IOAPIC pin of the slot's INTA. */
uint32_t pci_intx_gsi(unsigned slot);

/* While `fn` runs no BAR comes, moves or goes; it asks nothing of the bus. */
void pci_bus_hold(struct pci_bus *b, void (*fn)(void *arg), void *arg);

/*
 * Checks that each BAR that the guest's registers show as decoded is in the bus at that place,
 * once, and no other is. 0, or how many are wrong; `why` (may be NULL) gets the first. BARs that
 * the guest put on top of others or outside the windows are not mapped and not counted.
 */
unsigned pci_bus_check(struct pci_bus *b, char *why, size_t size);
/*
 * All of that, and KVM's memory slots and interrupt routes against what RAM (NULL: none) and the
 * devices have made (claims.h). The guest may run: who changes anything waits meanwhile.
 */
unsigned pci_bus_audit(struct pci_bus *b, struct kvm_vm *kvm, const struct guest_memory *m,
	char *why, size_t size);
