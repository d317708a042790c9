/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI transport of virtio, modern interface only (Virtual I/O Device 1.2, 4.1). One 32-bit
 * memory BAR holds, each in a page of its own: common configuration, ISR status, device
 * configuration, MSI-X table and pending bits, and one notify page per queue.
 *
 * A queue's notify page is an ioeventfd without data match and of length 0: KVM looks at the
 * address alone and wakes the device's I/O thread without leaving to user space. With `ioeventfd`
 * off every doorbell is an exit and the vCPU does the device's work itself.
 */
#pragma once

#include "device.h"

#include "vmm/pci/services.h"

struct virtio_pci_options {
	bool no_ioeventfd;
	bool may_trap; /* that may be so later, too */
	int slot;      /* PCI_SLOT_ANY or a device number */
};

/*
 * Puts the device behind a PCI function and adds that to the bus, which then owns both. On failure
 * both are freed.
 */
int virtio_pci_add(const struct vmm_services *s, struct virtio_device *d,
	const struct virtio_pci_options *options, struct problem **reterr);
