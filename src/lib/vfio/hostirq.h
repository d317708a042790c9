/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often a function's interrupts came in on the host, by the names that VFIO gives them in
 * /proc/interrupts ("vfio-msix[3](0000:03:00.1)"). Those that go from there into the guest without
 * anybody's help are counted nowhere else.
 */
#pragma once

#include "host/host.h"

enum vfio_host_irq_kind { VFIO_HOST_INTX, VFIO_HOST_MSI, VFIO_HOST_MSIX };

struct vfio_host_irq {
	enum vfio_host_irq_kind kind;
	unsigned vector;
	uint64_t count; /* on all CPUs, since VFIO asked for it */
};

/* "intx", "msi", "msix" */
const char *vfio_host_irq_kind_name(enum vfio_host_irq_kind kind);
/*
 * Those that exist now, by kind and vector; a function that no driver of a guest has switched on
 * has none. The array is the caller's (free).
 */
int vfio_host_irqs(struct host *h, const char *name, struct vfio_host_irq **ret, size_t *ret_n);
