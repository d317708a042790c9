/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function of the host as a PCI device of the guest. Its registers are mapped into the guest
 * wherever the guest places its BARs (carve.h), its configuration space is virtualised (policy.h),
 * its interrupts go from VFIO's eventfds straight into KVM's irqfds; in the fast path nobody in
 * this process runs.
 */
#pragma once

#include "peers.h"

#include "vfio/device.h"
#include "vmm/pci/device.h"
#include "vmm/pci/services.h"

/* Why the guest cannot keep it. */
enum function_loss {
	FUNCTION_WANTED, /* the host wants it back, and asks again every 10 s */
	FUNCTION_FAILED, /* it reported a fatal error */
};

/* Called in the main loop; does not remove the function from there. */
typedef void function_lost_fn(void *arg, struct vfio_device *d, enum function_loss how);

/* What the guest sees of its option ROM. */
enum function_rom {
	FUNCTION_ROM_OFF,
	FUNCTION_ROM_DEVICE, /* its own, if it has one */
	FUNCTION_ROM_FILE,
};

struct vfio_function_params {
	/* Stays the caller's, and outlives the bus or its removal; one function stands on it. */
	struct vfio_device *device;
	struct peers *peers;	/* of the session that the device is in */
	function_lost_fn *lost; /* may be NULL */
	void *lost_arg;
	enum function_rom rom;
	int rom_fd; /* of the file, borrowed */
};

/* Resets the function and adds it to the guest's PCI bus. */
int vfio_function_add(const struct vmm_services *services, const struct vfio_function_params *p,
	struct pci_device **ret, struct problem **reterr);
