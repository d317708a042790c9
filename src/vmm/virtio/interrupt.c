// SPDX-License-Identifier: GPL-2.0-or-later
/* How a virtio PCI function interrupts (4.1.4.5, 4.1.5.1.2): MSI-X vectors, or ISR and INTx. */
#include "transport.h"

#include "vmm/count/syscalls.h"

#include <linux/virtio_pci.h>

enum { ISR_QUEUE = 1, ISR_CONFIG = VIRTIO_PCI_ISR_CONFIG };

/* The line follows the ISR status; lock held. */
static void update_line(struct virtio_pci *v)
{
	if (v->intx_ready)
		intx_set(&v->intx, v->isr && !v->intx_off);
}

static void raise_isr(struct virtio_pci *v, uint8_t bit)
{
	pthread_mutex_lock(&v->intx_lock);
	v->isr |= bit;
	update_line(v);
	pthread_mutex_unlock(&v->intx_lock);
}

/* 4.1.4.5: reading acknowledges. */
uint8_t vpci_isr_read(struct virtio_pci *v)
{
	uint8_t isr;

	pthread_mutex_lock(&v->intx_lock);
	isr = v->isr;
	v->isr = 0;
	update_line(v);
	pthread_mutex_unlock(&v->intx_lock);
	return isr;
}

void vpci_intx_update(struct virtio_pci *v)
{
	bool off = pci_get16(&v->pci, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;

	pthread_mutex_lock(&v->intx_lock);
	v->intx_off = off || msix_is_enabled(v->msix);
	update_line(v);
	pthread_mutex_unlock(&v->intx_lock);
}

static bool notify(struct virtio_pci *v, uint16_t vector, uint8_t isr_bit)
{
	if (!msix_is_enabled(v->msix)) {
		raise_isr(v, isr_bit);
		return true;
	}
	if (vector == VIRTIO_MSI_NO_VECTOR)
		return false;
	msix_notify(v->msix, vector);
	syscalls_count(1);
	return true;
}

static bool queue_interrupt(void *transport, uint16_t vector)
{
	return notify(transport, vector, ISR_QUEUE);
}

static int bell(void *transport, uint16_t vector)
{
	struct virtio_pci *v = transport;

	return vector < v->dev->n_bells && msix_announce(v->msix, vector) ? vector : -1;
}

/* Whoever serves the queue elsewhere signals the vector itself. */
static int call_fd(void *transport, uint16_t vector)
{
	struct virtio_pci *v = transport;

	if (!msix_is_enabled(v->msix) || vector == VIRTIO_MSI_NO_VECTOR)
		return -ENOENT;
	msix_is_foreign(v->msix, vector);
	return msix_fd(v->msix, vector);
}

static void config_interrupt(void *transport)
{
	struct virtio_pci *v = transport;

	notify(v, __atomic_load_n(&v->config_vector, __ATOMIC_RELAXED), ISR_CONFIG);
}

/* MSI-X itself is PCI's, not virtio's: a virtio reset leaves the table as it is. */
static void reset(void *transport)
{
	struct virtio_pci *v = transport;

	__atomic_store_n(&v->config_vector, VIRTIO_MSI_NO_VECTOR, __ATOMIC_RELAXED);
	__atomic_store_n(&v->queue_select, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&v->offered_select, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&v->wanted_select, 0, __ATOMIC_RELAXED);
	vpci_isr_read(v);
}

static void note(void *transport, const char *text)
{
	struct virtio_pci *v = transport;

	if (v->services.note)
		v->services.note(v->services.note_arg, text);
}

const struct virtio_transport_ops vpci_transport_ops = {
	.interrupt = queue_interrupt,
	.bell = bell,
	.config_interrupt = config_interrupt,
	.reset = reset,
	.call_fd = call_fd,
	.note = note,
};
