/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network card of the e1000 family (82540EM: 8086:100e), as the PCI/PCI-X Family of Gigabit
 * Ethernet Controllers Software Developer's Manual (317453) has it, in front of a tap: for guests
 * that have no driver for anything else, and to see what full emulation costs.
 *
 * Sending leaves checksums and TCP segmentation to the tap, where the descriptors ask for what it
 * can do; received frames are checked already. What is not there: 64-bit I/O, flow control,
 * wake-up, the delays of single descriptors (the throttle of all interrupts is).
 */
#pragma once

#include "base/mac.h"
#include "vmm/pci/services.h"

struct e1000_params {
	const char *name; /* "e1000-0", copied */
	int slot;	  /* PCI_SLOT_ANY or a device number */
	bool inline_work; /* the CPU that rings sends */
	int fd;		  /* a tap with IFF_VNET_HDR and IFF_NO_PI; stays the caller's */
	struct mac mac;	  /* zero: a random one */
};

/* To the guest's bus; on failure nothing is left behind. */
int e1000_new(const struct vmm_services *s, const struct e1000_params *p, struct problem **reterr);
