/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the PCI room: the root bus and how config writes reach the placement of BARs. */
#pragma once

#include "bus.h"
#include "window.h"

struct pci_bus {
	struct pci_bus_params params;
	struct window io, mem32, mem64;
	pthread_mutex_t layout; /* which BAR is where; taken inside a device's config lock */
	/* Which devices there are: read for each config access. Outside of all other locks. */
	pthread_rwlock_t plug;
	uint32_t left; /* a bit per slot: its device has gone, and the guest does not know yet */
	struct pci_device *slots[PCI_SLOTS];
	struct pci_device *added[PCI_SLOTS]; /* in order */
	unsigned n_added;
	bool stopped;
	struct bus_region ecam, conf1_address, conf1_data;
	_Atomic uint32_t address; /* what was written to 0xCF8 */
};

/* The first register of a BAR in the configuration space. */
unsigned pci_bar_register(unsigned bar);
/* What the guest's registers say now: decoded or not, and where. */
bool pci_bar_decoded(const struct pci_device *dev, unsigned bar, uint64_t *ret_at);
/* After BAR or command registers changed, with the config lock held: maps and unmaps. */
void pci_layout_update(struct pci_device *dev);
/* pci_bus_check() with the layout lock held. */
unsigned pci_layout_wrong(struct pci_bus *b, char *why, size_t size);
/* Gives each BAR of the device its first place. */
int pci_layout_place(struct pci_device *dev);
/* Unmaps all BARs of a device that leaves, and gives its places back. */
void pci_layout_forget(struct pci_device *dev);
