/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of an assigned function. The host function has one kind on at a time: INTx until the
 * guest enables MSI or MSI-X, and again when it disables them. The Enable bits in the device's own
 * registers are never written here: VFIO sets them when it is given the first eventfd, and in the
 * right order.
 */
#include "internal.h"

#include <string.h>
#include <sys/eventfd.h>

static void intx_off(struct function *f)
{
	vfio_irq_disable(f->d, VFIO_PCI_INTX_IRQ_INDEX);
	intx_disconnect(&f->intx);
}

/*
 * VFIO masks the line when it fires; KVM raises the guest's pin, and when the guest has served it,
 * writes the eventfd that makes VFIO unmask.
 */
static int intx_on(struct function *f)
{
	int r = intx_connect(&f->intx, f->intx_fd, f->intx_unmask_fd);

	if (r < 0)
		return r;
	r = vfio_irq_connect(f->d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_TRIGGER, 0, &f->intx_fd, 1);
	if (r >= 0)
		r = vfio_irq_connect(
			f->d, VFIO_PCI_INTX_IRQ_INDEX, VFIO_IRQ_UNMASK, 0, &f->intx_unmask_fd, 1);
	if (r < 0)
		intx_off(f);
	return r;
}

static void msix_off(struct function *f)
{
	vfio_irq_disable(f->d, VFIO_PCI_MSIX_IRQ_INDEX);
	memset(f->msix_live, 0, sizeof(f->msix_live));
	f->msix_count = 0;
}

static int msix_connect(struct function *f, unsigned vector)
{
	int fd = msix_fd(f->msix, vector), r;

	if (fd < 0)
		return fd;
	r = vfio_irq_connect(f->d, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_TRIGGER, vector, &fd, 1);
	if (r < 0)
		return r;
	f->msix_live[vector] = true;
	f->msix_count = MAX(f->msix_count, vector + 1);
	return 0;
}

/*
 * The device must know at once that it is in MSI-X mode, although no vector may be live yet:
 * vector 0 is connected in any case, and what it signals stays pending.
 */
static int msix_on(struct function *f)
{
	return msix_connect(f, 0);
}

/*
 * Before Linux 6.5 the number of vectors is fixed while MSI-X is on. Interrupts that come while it
 * is off are lost, so everybody is signalled once: a spurious interrupt does no harm.
 */
static int msix_grow(struct function *f, unsigned vector)
{
	int fds[MSIX_VECTORS_MAX], r;

	for (unsigned i = 0; i <= vector; i++) {
		fds[i] = i == vector || f->msix_live[i] ? msix_fd(f->msix, i) : -1;
		if (i == vector && fds[i] < 0)
			return fds[i];
	}
	vfio_irq_disable(f->d, VFIO_PCI_MSIX_IRQ_INDEX);
	r = vfio_irq_connect(f->d, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_TRIGGER, 0, fds, vector + 1);
	if (r < 0)
		return r;
	f->msix_live[vector] = true;
	f->msix_count = vector + 1;
	for (unsigned i = 0; i < vector; i++)
		if (f->msix_live[i] && fds[i] >= 0)
			msix_notify_to_be_sure(f->msix, i);
	return 0;
}

static void msi_or_x_off(struct function *f)
{
	switch (f->mode) {
	case IRQ_MODE_NONE:
		break;
	case IRQ_MODE_INTX:
		intx_off(f);
		break;
	case IRQ_MODE_MSI:
		function_msi_off(f);
		break;
	case IRQ_MODE_MSIX:
		msix_off(f);
		break;
	}
	f->mode = IRQ_MODE_NONE;
}

static void set_mode(struct function *f, enum irq_mode mode)
{
	int r = 0;

	if (mode == f->mode)
		return;
	msi_or_x_off(f);
	if (mode == IRQ_MODE_INTX)
		r = intx_on(f);
	else if (mode == IRQ_MODE_MSI)
		r = function_msi_on(f);
	else if (mode == IRQ_MODE_MSIX)
		r = msix_on(f);
	if (r < 0)
		function_note(f, "cannot enable %s: %s",
			mode == IRQ_MODE_INTX  ? "INTx"
			: mode == IRQ_MODE_MSI ? "MSI"
					       : "MSI-X",
			strerror(-r));
	else
		f->mode = mode;
}

static enum irq_mode idle_mode(const struct function *f)
{
	return f->intx_fd >= 0 && f->intx.chip && !f->stopped ? IRQ_MODE_INTX : IRQ_MODE_NONE;
}

static void msix_enabled(void *opaque, bool on)
{
	struct function *f = opaque;

	if (on)
		set_mode(f, IRQ_MODE_MSIX);
	else if (f->mode == IRQ_MODE_MSIX)
		set_mode(f, idle_mode(f));
}

static void msix_vector_live(void *opaque, unsigned vector)
{
	struct function *f = opaque;
	int r;

	if (f->mode != IRQ_MODE_MSIX || f->msix_live[vector])
		return;
	if (vector < f->msix_count || !f->msix_info.fixed)
		r = msix_connect(f, vector);
	else
		r = msix_grow(f, vector);
	if (r < 0)
		function_note(
			f, "MSI-X vector %u cannot be had from the host: %s", vector, strerror(-r));
}

static void msix_failed(void *opaque, int code)
{
	function_note(opaque, "an MSI-X vector cannot be connected, its interrupts are lost: %s",
		strerror(-code));
}

static const struct msix_ops msix_ops = {
	.enabled = msix_enabled,
	.live = msix_vector_live,
	.failed = msix_failed,
};

static int msix_make(struct function *f)
{
	unsigned at = f->view.msix;
	uint32_t table = pci_get32(&f->pci, at + PCI_MSIX_TABLE);
	uint32_t pba = pci_get32(&f->pci, at + PCI_MSIX_PBA);
	struct msix_params p = {
		.irq = f->services->irq,
		.vectors = (pci_get16(&f->pci, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE) + 1U,
		.table_bar = table & PCI_MSIX_TABLE_BIR,
		.table_offset = table & PCI_MSIX_TABLE_OFFSET,
		.pba_bar = pba & PCI_MSIX_PBA_BIR,
		.pba_offset = pba & PCI_MSIX_PBA_OFFSET,
		.foreign = true,
		.ops = &msix_ops,
		.opaque = f,
	};

	int r = msix_new(&f->pci, &p, at, &f->msix);

	/* msix_on() wants it under the MSI-X lock, where it cannot be made. */
	return r < 0 ? r : MIN(msix_fd(f->msix, 0), 0);
}

static int intx_make(struct function *f)
{
	if (!f->intx_info.count || !f->intx_info.automasked)
		return 0;
	f->intx_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->intx_unmask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->intx_fd < 0 || f->intx_unmask_fd < 0)
		return -errno;
	f->pci.config[PCI_INTERRUPT_PIN] = 1;
	return 0;
}

int function_irqs_new(struct function *f, struct problem **reterr)
{
	int r = vfio_irq_get(f->d, VFIO_PCI_INTX_IRQ_INDEX, &f->intx_info, reterr);

	for (unsigned i = 0; i < MSI_VECTORS_MAX; i++) {
		msi_vector_init(&f->msi[i], f->services->irq);
		f->msi[i].foreign = true;
	}
	if (r >= 0)
		r = vfio_irq_get(f->d, VFIO_PCI_MSI_IRQ_INDEX, &f->msi_info, reterr);
	if (r >= 0)
		r = vfio_irq_get(f->d, VFIO_PCI_MSIX_IRQ_INDEX, &f->msix_info, reterr);
	if (r < 0)
		return r;
	r = intx_make(f);
	if (r >= 0 && f->view.msix)
		r = msix_make(f);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "interrupts of %s: %s",
			f->d->name, strerror(-r));
	return 0;
}

void function_irqs_start(struct function *f)
{
	if (f->intx_fd < 0)
		return;
	intx_init(&f->intx, f->services->irq, pci_intx_gsi(f->pci.slot));
	set_mode(f, idle_mode(f));
}

void function_irqs_reset(struct function *f)
{
	if (f->msix)
		msix_reset(f->msix);
	set_mode(f, IRQ_MODE_NONE);
	for (unsigned i = 0; i < MSI_VECTORS_MAX; i++)
		msi_vector_drain(&f->msi[i]);
}

void function_irqs_config_written(struct function *f, unsigned offset, unsigned len)
{
	if (f->msix)
		msix_config_written(f->msix, offset, len);
	if (!f->view.msi || f->mode == IRQ_MODE_MSIX)
		return;
	if (pci_touches(offset, len, f->view.msi + PCI_MSI_FLAGS, 2)) {
		bool on = pci_get16(&f->pci, f->view.msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_ENABLE;

		set_mode(f, on ? IRQ_MODE_MSI : idle_mode(f));
	}
	function_msi_config_written(f, offset, len);
}

void function_irqs_done(struct function *f)
{
	msi_or_x_off(f);
	msix_free(f->msix);
	for (unsigned i = 0; i < MSI_VECTORS_MAX; i++)
		msi_vector_done(&f->msi[i]);
	intx_done(&f->intx);
	if (f->intx_fd >= 0)
		close(f->intx_fd);
	if (f->intx_unmask_fd >= 0)
		close(f->intx_unmask_fd);
}

/* INTx leaves no trace here: its eventfds are between VFIO and KVM alone, and KVM counts nothing.
 */
void function_irqs_stats(
	struct function *f, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct msi_counts msi = { 0 };

	for (unsigned i = 0; i < MSI_VECTORS_MAX; i++)
		msi_counts_add(&msi, msi_vector_counts(&f->msi[i]));
	if (f->view.msi)
		msi_counts_tell(&msi, "msi", each, arg);
	if (f->msix)
		msix_stats(f->msix, each, arg);
}

void function_irqs_claim(struct function *f, struct pci_claims *c)
{
	for (unsigned i = 0; i < MSI_VECTORS_MAX; i++) {
		pci_claim_vector(c, f->d->name, &f->msi[i]);
		if (f->msi[i].attached && i >= f->msi_on)
			pci_claim_wrong(c, "%s: MSI vector %u is live, and off", f->d->name, i);
	}
	if (f->msix)
		msix_claim(f->msix, c);
	if ((f->mode == IRQ_MODE_INTX) != (f->intx.trigger_fd >= 0))
		pci_claim_wrong(c, "%s: INTx is connected, and not on", f->d->name);
	if ((f->mode == IRQ_MODE_MSI) != (f->msi_on > 0))
		pci_claim_wrong(c, "%s: MSI vectors without MSI", f->d->name);
}
