/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the PCI transport share. */
#pragma once

#include "pci.h"

#include "vmm/irq/irq.h"
#include "vmm/kvm/kvm.h"
#include "vmm/pci/bus.h"
#include "vmm/pci/device.h"
#include "vmm/pci/msix.h"

enum {
	VPCI_BAR = 0,
	VPCI_PAGE = 4096,
	VPCI_COMMON = 0 * VPCI_PAGE,
	VPCI_COMMON_BYTES = 60, /* with queue_notify_data and queue_reset */
	VPCI_ISR = 1 * VPCI_PAGE,
	VPCI_DEVICE = 2 * VPCI_PAGE,
	VPCI_MSIX = 3 * VPCI_PAGE,
	VPCI_PBA = VPCI_MSIX + VPCI_PAGE / 2,
	VPCI_NOTIFY = 4 * VPCI_PAGE, /* queue n at + n pages */
};

struct virtio_pci;

struct virtio_pci {
	struct pci_device pci;
	struct virtio_device *dev;
	struct vmm_services services;
	bool trapped;  /* no ioeventfds: doorbells are CPUs' work; the bus is held; atomic */
	bool may_trap; /* that is possible */
	struct msix *msix;
	unsigned pci_cfg_cap; /* where the window capability (4.1.4.9) is */

	uint32_t offered_select, wanted_select, queue_select; /* atomic: registers without effect */
	uint16_t config_vector;				      /* atomic */

	pthread_mutex_t intx_lock; /* ISR status and the line; taken last */
	struct intx_line intx;
	uint8_t isr;
	bool intx_off; /* the guest's Interrupt Disable bit */
	bool intx_ready;
};

/* Common configuration (4.1.4.3). Any width and alignment inside the structure. */
uint64_t vpci_common_read(struct virtio_pci *v, uint64_t offset, unsigned len);
void vpci_common_write(struct virtio_pci *v, uint64_t offset, unsigned len, uint64_t value);

/* From now on doorbells go to CPUs, or to ioeventfds. On failure nothing has changed. */
int vpci_set_trapped(struct virtio_pci *v, bool trapped);
/* tune.c */
int vpci_set(struct pci_device *pci, int queue, const char *key, const char *value,
	struct problem **reterr);
const char *vpci_threads(const struct virtio_pci *v);
const char *vpci_poll(const struct virtio_pci *v);

/* Interrupts: MSI-X while the guest has it enabled, otherwise ISR status and INTx. */
extern const struct virtio_transport_ops vpci_transport_ops;
uint8_t vpci_isr_read(struct virtio_pci *v); /* and clears it */
void vpci_intx_update(struct virtio_pci *v);
