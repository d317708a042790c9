/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSI (PCI Local Bus 3.0, 6.8.1): up to 32 vectors whose messages differ in their lowest bits. */
#include "internal.h"

#include <string.h>

static unsigned data_at(const struct function *f)
{
	bool wide = pci_get16(&f->pci, f->view.msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_64BIT;

	return f->view.msi + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32);
}

static unsigned mask_at(const struct function *f)
{
	return data_at(f) + 4U; /* the pending bits follow */
}

static bool has_masks(const struct function *f)
{
	return pci_get16(&f->pci, f->view.msi + PCI_MSI_FLAGS) & PCI_MSI_FLAGS_MASKBIT;
}

/* As many as the guest asks for, but never more than it was offered or VFIO has. */
static unsigned enabled_vectors(const struct function *f)
{
	uint16_t flags = pci_get16(&f->pci, f->view.msi + PCI_MSI_FLAGS);
	unsigned chosen = (flags & PCI_MSI_FLAGS_QSIZE) >> 4;
	unsigned offered = (flags & PCI_MSI_FLAGS_QMASK) >> 1;
	unsigned shift = MIN(chosen, offered), n = 1U << MIN(shift, 5U);

	return f->msi_info.count && n > f->msi_info.count ? f->msi_info.count : n;
}

static struct msi_message message(const struct function *f, unsigned vector)
{
	uint16_t flags = pci_get16(&f->pci, f->view.msi + PCI_MSI_FLAGS);
	struct msi_message m = {
		.address = pci_get32(&f->pci, f->view.msi + PCI_MSI_ADDRESS_LO),
		.data = (pci_get16(&f->pci, data_at(f)) & ~(f->msi_on - 1)) | vector,
	};

	if (flags & PCI_MSI_FLAGS_64BIT)
		m.address |= (uint64_t)pci_get32(&f->pci, f->view.msi + PCI_MSI_ADDRESS_HI) << 32;
	return m;
}

static void update(struct function *f)
{
	uint32_t masks = has_masks(f) ? pci_get32(&f->pci, mask_at(f)) : 0;
	int r = 0, committed;

	irq_batch_begin(f->services->irq);
	for (unsigned i = 0; i < f->msi_on; i++) {
		if (!(masks & 1U << i))
			r = MIN(r, msi_vector_attach(&f->msi[i], message(f, i)));
		else if (f->msi[i].attached)
			msi_vector_detach(&f->msi[i]);
	}
	committed = irq_batch_commit(f->services->irq);
	r = MIN(r, committed);
	if (r < 0)
		function_note(f, "an MSI vector cannot be connected, its interrupts are lost: %s",
			strerror(-r));
}

int function_msi_on(struct function *f)
{
	unsigned n = enabled_vectors(f);
	int fds[MSI_VECTORS_MAX], r;

	for (unsigned i = 0; i < n; i++) {
		fds[i] = msi_vector_fd(&f->msi[i]);
		if (fds[i] < 0)
			return fds[i];
	}
	r = vfio_irq_connect(f->d, VFIO_PCI_MSI_IRQ_INDEX, VFIO_IRQ_TRIGGER, 0, fds, n);
	if (r < 0)
		return r;
	f->msi_on = n;
	update(f);
	return 0;
}

void function_msi_off(struct function *f)
{
	vfio_irq_disable(f->d, VFIO_PCI_MSI_IRQ_INDEX);
	for (unsigned i = 0; i < f->msi_on; i++) {
		msi_vector_detach(&f->msi[i]);
		msi_vector_drain(&f->msi[i]);
	}
	f->msi_on = 0;
}

void function_msi_config_written(struct function *f, unsigned offset, unsigned len)
{
	if (f->msi_on && pci_touches(offset, len, f->view.msi + PCI_MSI_ADDRESS_LO, 16))
		update(f);
}

uint32_t function_msi_pending(struct function *f, unsigned offset, unsigned len)
{
	uint32_t bits = 0;
	unsigned at;

	if (!f->view.msi || !has_masks(f))
		return 0;
	at = mask_at(f) + 4;
	if (offset < at || offset + len > at + 4)
		return 0;
	for (unsigned i = 0; i < f->msi_on; i++)
		if (msi_vector_pending(&f->msi[i]))
			bits |= 1U << i;
	return bits >> (8 * (offset - at));
}
