/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IDE controller of the PIIX family (82371SB, function "IDE": 8086:7010) with one to four disks,
 * for guests that have no driver for anything else, and to see what full emulation costs.
 *
 * Its channels begin in native mode (PCI IDE Controller Specification 1.0): ports where the BARs
 * say, the function's own interrupt. The programming interface byte switches each to compatibility
 * mode: 0x1f0 and 0x3f6 with IRQ 14, 0x170 and 0x376 with IRQ 15. Native is the start because
 * kernels on hardware-reduced ACPI know of no ISA interrupts.
 */
#pragma once

#include "vmm/pci/services.h"

enum { IDE_DISKS_MAX = 4 };

struct ide_disk {
	int fd; /* raw image or block device; stays the caller's */
	bool read_only;
	const char *serial; /* at most 20 bytes, NULL = none */
};

struct ide_params {
	const char *name;	      /* "ide0", copied */
	int slot;		      /* PCI_SLOT_ANY or a device number */
	bool inline_work;	      /* the CPU that asks does the disk's work */
	const struct ide_disk *disks; /* first channel's two, then the second's */
	unsigned n_disks;
};

/* To the guest's bus; on failure nothing is left behind. */
int ide_new(const struct vmm_services *s, const struct ide_params *p, struct problem **reterr);
