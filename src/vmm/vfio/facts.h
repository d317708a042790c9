/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an assigned function is doing, for who asks: what of its BARs the guest reaches without us,
 * and what not, and why; who of the others reaches them by DMA. Nothing here changes anything.
 */
#pragma once

#include "function.h"

struct bar_facts {
	unsigned bar;
	enum pci_bar_kind kind;
	uint64_t size;
	bool decoded; /* the guest has it, at `at` */
	uint64_t at;
	uint64_t direct; /* bytes that the guest reaches without us, once it decodes them */
	const char *why; /* the rest traps; NULL: there is no rest */
};

/* How many BARs there are; by number. `pci` is an assigned function, its bus is held. */
size_t function_bar_facts(struct pci_device *pci, struct bar_facts ret[PCI_STD_NUM_BARS]);

struct reach_facts {
	uint64_t bytes;	 /* of the BAR's direct part, that are mapped in the space */
	const char *why; /* not all of them; NULL: all */
};

/* Through the space `from`, another's. */
void function_reach_facts(struct pci_device *pci, unsigned bar, const struct vfio_space *from,
	struct reach_facts *ret);

/* "off", "device", "file"; *ret_why: why it is not there though wished for. 0 bytes: none is shown.
 */
const char *function_rom_facts(struct pci_device *pci, size_t *ret_bytes, const char **ret_why);

/* "intx", "msi", "msix" or "none": what the host function has switched on. */
const char *function_interrupts(struct pci_device *pci);
