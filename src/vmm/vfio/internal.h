/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share: the state of one assigned function. */
#pragma once

#include "carve.h"
#include "function.h"
#include "policy.h"

#include "vfio/irq.h"
#include "vmm/irq/irq.h"
#include "vmm/kvm/kvm.h"
#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"
#include "vmm/pci/msix.h"

#include <linux/vfio.h>
#include <stdatomic.h>

enum { MSI_VECTORS_MAX = 32 };

/* Part of a BAR that is mapped into this process, and, while the BAR is decoded, into the guest. */
struct bar_window {
	struct carve_range range;
	void *mem;
	int slot; /* KVM's; -1 = not in the guest */
};

struct function_bar {
	struct vfio_region region;
	struct bar_window windows[CARVE_WINDOWS_MAX];
	size_t n_windows;
};

/* Which of its interrupts the host function has switched on; VFIO allows one kind at a time. */
enum irq_mode { IRQ_MODE_NONE, IRQ_MODE_INTX, IRQ_MODE_MSI, IRQ_MODE_MSIX };

struct function {
	struct pci_device pci;
	const struct vmm_services *services;
	struct vfio_device *d;
	struct policy_view view;
	struct function_bar bars[PCI_STD_NUM_BARS];

	/* Under pci.config_lock, except that MSI-X has a lock of its own. */
	enum irq_mode mode;
	struct vfio_irq intx_info, msi_info, msix_info;
	struct intx_line intx;
	int intx_fd, intx_unmask_fd; /* eventfds, -1 = none */
	struct msix *msix;
	uint32_t msix_count; /* vectors that VFIO has allocated */
	bool msix_live[MSIX_VECTORS_MAX];
	struct msi_vector msi[MSI_VECTORS_MAX];
	unsigned msi_on; /* vectors */

	int err_fd, req_fd;
	struct loop_source *err_source, *req_source;
	void (*lost)(void *arg, const char *name);
	void *lost_arg;
	bool stopped;

	atomic_uint_fast64_t trapped_reads, trapped_writes, config_accesses, resets;
};

static inline struct function *function_of(struct pci_device *dev)
{
	return container_of(dev, struct function, pci);
}

void function_note(struct function *f, const char *fmt, ...) PRINTF(2, 3);

/* bars.c */
int function_bars_new(struct function *f, struct problem **reterr);
void function_bars_done(struct function *f);
int function_bar_mapped(struct pci_device *dev, unsigned bar, struct gpa at);
void function_bar_unmapped(struct pci_device *dev, unsigned bar, struct gpa at);
uint64_t function_bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len);
void function_bar_write(
	struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len, uint64_t value);

/* interrupts.c: the switch between INTx, MSI and MSI-X. */
int function_irqs_new(struct function *f, struct problem **reterr);
/* The slot is known now: INTx may come. */
void function_irqs_start(struct function *f);
/* Everything off, as after a reset; the guest may switch on again. */
void function_irqs_reset(struct function *f);
void function_irqs_done(struct function *f);
void function_irqs_config_written(struct function *f, unsigned offset, unsigned len);

/* msi.c */
int function_msi_on(struct function *f);
void function_msi_off(struct function *f);
void function_msi_config_written(struct function *f, unsigned offset, unsigned len);
/* The pending bits of MSI, if [offset, +len) touches them: what to or into the read. */
uint32_t function_msi_pending(struct function *f, unsigned offset, unsigned len);

/* notify.c: the host's requests and the device's fatal errors. */
void function_notify_new(struct function *f);
void function_notify_done(struct function *f);
