/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X (PCI Express Base Specification, 7.7.2; PCI Local Bus 3.0, 6.8.2) for any device: the
 * capability, the table and the pending bits, with each vector an msi_vector (irq.h), so an
 * eventfd.
 *
 * A vector is live when MSI-X is enabled, the function is not masked and the entry is not masked;
 * then its eventfd is a KVM irqfd. A signal to a vector that is enabled but masked stays in its
 * eventfd: that is its pending bit, and it fires once when unmasked. Whoever owns the interrupt
 * source may therefore signal the fd at any time from any thread; KVM does the rest.
 *
 * The device puts table and PBA into a BAR and forwards accesses that fall there; it forwards
 * config writes after pci_config_default_write().
 */
#pragma once

#include "device.h"
#include "vmm/irq/irq.h"

#include <stddef.h>

struct msix;

enum {
	MSIX_VECTORS_MAX = 2048,
	MSIX_ENTRY_BYTES = 16,
};

struct msix_ops {
	/*
	 * For sources that live elsewhere (VFIO). All run under the MSI-X lock, from the vCPU that
	 * changed something; do not call msix_*() from them, msix_fd() of the vector that becomes
	 * live excepted.
	 *
	 * enabled: the Enable bit changed. live: this vector is about to become live for the first
	 * time since MSI-X was enabled. failed: a vector has become live for the guest, and KVM or
	 * this process could not follow: its interrupts are lost until the guest unmasks it again.
	 * Each may be NULL.
	 */
	void (*enabled)(void *opaque, bool on);
	void (*live)(void *opaque, unsigned vector);
	void (*failed)(void *opaque, int code);
};

struct msix_params {
	struct irq_chip *irq;
	unsigned vectors; /* 1…2048 */
	unsigned table_bar, pba_bar;
	uint32_t table_offset, pba_offset; /* multiples of 8 */
	bool foreign;			   /* signalled by the kernel: see msi_counts */
	const struct msix_ops *ops;	   /* NULL for devices that just signal */
	void *opaque;
};

/* Adds the capability to dev (before pci_bus_add), or uses that at `cap` if it is not 0. */
int msix_new(
	struct pci_device *dev, const struct msix_params *params, unsigned cap, struct msix **ret);
void msix_free(struct msix *m);
DEFINE_AUTO(struct msix, msix_free);

static inline uint32_t msix_table_bytes(unsigned vectors)
{
	return vectors * MSIX_ENTRY_BYTES;
}

/* One bit per vector in units of 8 bytes. */
static inline uint32_t msix_pba_bytes(unsigned vectors)
{
	return (vectors + 63) / 64 * 8;
}

/*
 * True and done if [offset, +len) of the BAR starts in the table or the PBA: *ret_value is set, or
 * the write applied. The specification allows aligned 4- and 8-byte accesses; all others read
 * as they would and write what lies inside, harmlessly.
 */
bool msix_bar_read(
	struct msix *m, unsigned bar, uint64_t offset, unsigned len, uint64_t *ret_value);
bool msix_bar_write(struct msix *m, unsigned bar, uint64_t offset, unsigned len, uint64_t value);
/* After a config write reached the shadow: looks at Enable and Function Mask. */
void msix_config_written(struct msix *m, unsigned offset, unsigned len);

bool msix_is_enabled(const struct msix *m);
/* The eventfd of a vector, borrowed, created when first asked for; -ERANGE, -EMFILE … */
int msix_fd(struct msix *m, unsigned vector);
/*
 * fds[0 … n) are the eventfds of the first n vectors, and outlive them. Before anybody asks for
 * one. Who writes to one himself says so by msix_announce() first, as msix_notify() does it for who
 * does not; false: there is nothing to be written.
 */
void msix_lend(struct msix *m, const int *fds, unsigned n);
bool msix_announce(struct msix *m, unsigned vector);
/* The vector is signalled by somebody else from now on, by the kernel: see msi_counts. */
void msix_is_foreign(struct msix *m, unsigned vector);
/* Fires the vector, or leaves it pending. Dropped while MSI-X is disabled or for a bad number. */
void msix_notify(struct msix *m, unsigned vector);
/* For what may have been missed: signals a vector whose fd exists. Also from the operations. */
void msix_notify_to_be_sure(struct msix *m, unsigned vector);
/*
 * What became of the signals (struct msi_counts): "interrupts_signalled" and so on of all vectors,
 * then "vector3_signalled" and so on of each that had any. The names live as long as the call.
 */
void msix_stats(struct msix *m, void (*each)(void *arg, const char *name, uint64_t v), void *arg);
/* For the checker (claims.h): the routes of its vectors. */
void msix_claim(struct msix *m, struct pci_claims *c);
/* All entries masked and zero, MSI-X disabled: as after a function reset. */
void msix_reset(struct msix *m);
