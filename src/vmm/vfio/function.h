/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function of the host as a PCI device of the guest. Its registers are mapped into the guest
 * wherever the guest places its BARs (carve.h), its configuration space is virtualised (policy.h),
 * its interrupts go from VFIO's eventfds straight into KVM's irqfds; in the fast path nobody in
 * this process runs.
 */
#pragma once

#include "vfio/device.h"
#include "vmm/pci/device.h"
#include "vmm/pci/services.h"

/*
 * Resets the function and adds it to the guest's PCI bus. `d` stays the caller's and must outlive
 * the bus; one function at a time may stand on it. `lost` (may be NULL) is called in the main loop
 * when the host wants the function back or the function reports a fatal error; the guest cannot
 * go on with it then.
 */
int vfio_function_add(const struct vmm_services *services, struct vfio_device *d,
	void (*lost)(void *arg, const char *name), void *lost_arg, struct problem **reterr);
