/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest sees of a function's configuration space. One table says for every capability
 * whether it is passed through, shown as it is, emulated, or hidden, and why. What is passed
 * through still goes to VFIO, which has its own opinion of what may be written.
 *
 * The function appears on the guest's root bus. There, a PCI Express endpoint has to call itself a
 * root complex integrated endpoint, which has no link.
 */
#pragma once

#include "vmm/pci/device.h"

#include <stdbool.h>
#include <stdint.h>

/* Where the guest's view is not just the shadow in struct pci_device. */
struct policy_view {
	uint8_t from_device[PCI_CONFIG_BYTES]; /* bits that a read takes from the device */
	uint8_t to_device[PCI_CONFIG_BYTES];   /* bits of a write that go to the device */
	/* Capabilities that we take part in, by their offset; 0 = the function has none. */
	unsigned msi, msix, express, af;
};

/*
 * Fills config and masks of `dev`, which pci_device_init() has prepared with the function's ids,
 * and *ret. `config` is what VFIO shows: 256 or 4096 bytes. Chains that loop or leave the space
 * end there. `can_reset`: the function can be reset, so the guest is told that it can do so.
 */
void policy_apply(struct pci_device *dev, struct policy_view *ret, const uint8_t *config,
	size_t len, bool can_reset);
/* The ids in the header. -EINVAL if this is not a type 0 header: bridges are not assigned. */
int policy_ids(const uint8_t *config, size_t len, struct pci_ids *ret);
