/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of a function. VFIO turns each into a write to an eventfd; only one of INTx, MSI and
 * MSI-X is on at a time. Index numbers are VFIO_PCI_*_IRQ_INDEX of <linux/vfio.h>.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

struct vfio_device;

struct vfio_irq {
	uint32_t index;
	uint32_t count;	 /* vectors there are; 0: no such interrupt */
	bool eventfd;	 /* can signal one */
	bool maskable;	 /* mask and unmask work */
	bool automasked; /* masks itself when it fires: level-triggered INTx */
	bool fixed;	 /* vectors cannot be added while it is on (all kernels before 6.5) */
};

enum vfio_irq_action { VFIO_IRQ_TRIGGER, VFIO_IRQ_MASK, VFIO_IRQ_UNMASK };

int vfio_irq_get(
	struct vfio_device *d, uint32_t index, struct vfio_irq *ret, struct problem **reterr);
/*
 * Connects eventfds to vectors [start, start+n); -1 disconnects one. TRIGGER: the device writes
 * them, and the index is switched on if it was off (with start+n vectors at least). UNMASK and
 * MASK: the kernel does so when somebody writes them.
 */
int vfio_irq_connect(struct vfio_device *d, uint32_t index, enum vfio_irq_action action,
	uint32_t start, const int *fds, uint32_t n);
/* Does the action now, to one vector; TRIGGER signals its eventfd as the device would. */
int vfio_irq_act(
	struct vfio_device *d, uint32_t index, enum vfio_irq_action action, uint32_t vector);
/* Switches the whole index off. */
int vfio_irq_disable(struct vfio_device *d, uint32_t index);
