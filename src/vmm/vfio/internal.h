/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share: the state of one assigned function. */
#pragma once

#include "carve.h"
#include "function.h"
#include "peers.h"
#include "policy.h"

#include "vfio/irq.h"
#include "vmm/irq/irq.h"
#include "vmm/kvm/kvm.h"
#include "vmm/loop/loop.h"
#include "vmm/pci/bus.h"
#include "vmm/pci/claims.h"
#include "vmm/pci/msix.h"

#include <linux/vfio.h>
#include <stdatomic.h>

enum { MSI_VECTORS_MAX = 32 };

/* Part of a BAR that is mapped into this process, and, while the BAR is decoded, into the guest. */
struct bar_window {
	struct carve_range range;
	void *mem;
	int slot; /* KVM's; -1 = not in the guest */
	struct peer_window peer;
};

struct function_bar {
	struct vfio_region region;
	struct bar_window windows[CARVE_WINDOWS_MAX];
	size_t n_windows;
	int map_error; /* of a window that could not be had, 0 */
};

/* Which of its interrupts the host function has switched on; VFIO allows one kind at a time. */
enum irq_mode { IRQ_MODE_NONE, IRQ_MODE_INTX, IRQ_MODE_MSI, IRQ_MODE_MSIX };

struct function {
	struct pci_device pci;
	const struct vmm_services *services;
	struct vfio_device *d;
	struct peers *peers;
	struct policy_view view;
	unsigned migration; /* enum vfio_migration */
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

	uint8_t *rom; /* NULL: the guest sees none */
	size_t rom_bytes;
	enum function_rom rom_how;
	const char *rom_why; /* not, though it was asked for */

	int err_fd, req_fd;
	struct loop_source *err_source, *req_source;
	function_lost_fn *lost;
	void *lost_arg;
	bool stopped;

	atomic_uint_fast64_t trapped_reads, trapped_writes, config_accesses, resets;
};

static inline struct function *function_of(struct pci_device *dev)
{
	return container_of(dev, struct function, pci);
}

void function_note(struct function *f, const char *fmt, ...) PRINTF(2, 3);

/* function.c */
extern const struct pci_device_ops function_ops;

/* told.c: the same for who has a witness (host/witness.h), who hears of all that the guest does. */
extern const struct pci_device_ops function_told_ops;
void function_tell_begin(const struct vmm_services *services, const struct vfio_function_params *p);
/* `dev` NULL: it could not be added. */
void function_tell_end(struct vfio_device *d, struct pci_device *dev);

/* bars.c */
int function_bars_new(struct function *f, struct problem **reterr);
void function_bars_done(struct function *f);
int function_bar_mapped(struct pci_device *dev, unsigned bar, struct gpa at);
int function_bar_unmapped(struct pci_device *dev, unsigned bar, struct gpa at);
/* Is any of its memory in the guest? Then the device has to decode it. Once it is on the bus. */
bool function_bars_in_guest(const struct function *f);
uint64_t function_bar_read(struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len);
void function_bar_write(
	struct pci_device *dev, unsigned bar, uint64_t offset, unsigned len, uint64_t value);

void function_bars_claim(struct function *f, struct pci_claims *c);

/* rom.c: fails only for a file that is no ROM. The real memory decode is off, before and after. */
int function_rom_new(struct function *f, enum function_rom how, int fd, struct problem **reterr);
void function_rom_done(struct function *f);
/* All ones behind its end. */
uint64_t function_rom_read(const struct function *f, uint64_t offset, unsigned len);

/* interrupts.c: the switch between INTx, MSI and MSI-X. */
int function_irqs_new(struct function *f, struct problem **reterr);
/* The slot is known now: INTx may come. */
void function_irqs_start(struct function *f);
/* Everything off, as after a reset; the guest may switch on again. */
void function_irqs_reset(struct function *f);
void function_irqs_done(struct function *f);
void function_irqs_config_written(struct function *f, unsigned offset, unsigned len);
void function_irqs_claim(struct function *f, struct pci_claims *c);
void function_irqs_stats(
	struct function *f, void (*each)(void *arg, const char *name, uint64_t v), void *arg);

/* msi.c */
int function_msi_on(struct function *f);
void function_msi_off(struct function *f);
void function_msi_config_written(struct function *f, unsigned offset, unsigned len);
/* The pending bits of MSI, if [offset, +len) touches them: what to or into the read. */
uint32_t function_msi_pending(struct function *f, unsigned offset, unsigned len);

/* notify.c: the host's requests and the device's fatal errors. */
void function_notify_new(struct function *f);
void function_notify_done(struct function *f);
