/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM as far as devices see it: a host whose ioctls record ioeventfds, irqfds and interrupt lines,
 * and a machine's services on top of it. No vCPU runs; the test plays the guest on the buses.
 */
#pragma once

#include "base/attr.h"
#include "vmm/bus/bus.h"
#include "vmm/irq/irq.h"
#include "vmm/kvm/kvm.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/pci/bus.h"
#include "vmm/pci/services.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

enum {
	FK_ECAM = 0xe0000000,
	FK_MEM32 = 0xc0000000,
	FK_KVM_FD = 1000, /* never touched */
	FK_DOORBELLS = 16,
	FK_GSIS = IRQ_ROUTES_MAX,
};

struct fake_kvm {
	struct host host;
	struct host_ops ops;
	const struct host_ops *real;
	struct host *fds;
	struct kvm_ioeventfd doorbells[FK_DOORBELLS];
	unsigned n_doorbells;
	int irqfds[FK_GSIS];	/* by GSI, -1 = none */
	uint32_t data[FK_GSIS]; /* of the message that a GSI is routed to */
	int level[IRQ_IOAPIC_PINS];
	int fail_ioeventfd; /* what KVM_IOEVENTFD answers */
	char note[256];
	unsigned notes;
	struct vmm_services s;
};

static int fk_ioeventfd(struct fake_kvm *k, const struct kvm_ioeventfd *d)
{
	if (k->fail_ioeventfd)
		return k->fail_ioeventfd;
	if (!(d->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)) {
		k->doorbells[k->n_doorbells++] = *d;
		return 0;
	}
	for (unsigned i = 0; i < k->n_doorbells; i++)
		if (k->doorbells[i].addr == d->addr && k->doorbells[i].fd == d->fd) {
			k->doorbells[i] = k->doorbells[--k->n_doorbells];
			return 0;
		}
	return -ENOENT;
}

static int fk_irqfd(struct fake_kvm *k, const struct kvm_irqfd *i)
{
	if (i->gsi < IRQ_IOAPIC_PINS || i->gsi >= FK_GSIS)
		return -EINVAL;
	k->irqfds[i->gsi] = i->flags & KVM_IRQFD_FLAG_DEASSIGN ? -1 : (int)i->fd;
	return 0;
}

static int fk_routes(struct fake_kvm *k, const struct kvm_irq_routing *r)
{
	memset(k->data, 0, sizeof(k->data));
	for (uint32_t i = 0; i < r->nr; i++)
		if (r->entries[i].type == KVM_IRQ_ROUTING_MSI && r->entries[i].gsi < FK_GSIS)
			k->data[r->entries[i].gsi] = r->entries[i].u.msi.data;
	return 0;
}

/* The eventfd that becomes the message with this data, -1 = none. */
static inline int fk_irqfd_of(const struct fake_kvm *k, uint32_t data)
{
	for (unsigned i = 0; i < FK_GSIS; i++)
		if (k->irqfds[i] >= 0 && k->data[i] == data)
			return k->irqfds[i];
	return -1;
}

static int fk_ioctl(struct host *h, int fd UNUSED, unsigned long request, void *arg)
{
	struct fake_kvm *k = container_of(h, struct fake_kvm, host);
	const struct kvm_irq_level *l = arg;

	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return 4096;
	case KVM_GET_VCPU_MMAP_SIZE:
		return 3 * 4096;
	case KVM_CREATE_VM:
		return eventfd(0, EFD_CLOEXEC);
	case KVM_IOEVENTFD:
		return fk_ioeventfd(k, arg);
	case KVM_IRQFD:
		return fk_irqfd(k, arg);
	case KVM_SET_GSI_ROUTING:
		return fk_routes(k, arg);
	case KVM_IRQ_LINE:
		if (l->irq < IRQ_IOAPIC_PINS)
			__atomic_store_n(&k->level[l->irq], (int)l->level, __ATOMIC_SEQ_CST);
		return 0;
	default:
		return 0;
	}
}

static void fk_close(struct host *h UNUSED, int fd)
{
	close(fd);
}

static int fk_mmap(
	struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags, void **ret)
{
	struct fake_kvm *k = container_of(h, struct fake_kvm, host);

	return k->real->mmap(k->fds, fd, offset, len, prot, flags, ret);
}

static int fk_munmap(struct host *h, void *addr, size_t len)
{
	struct fake_kvm *k = container_of(h, struct fake_kvm, host);

	return k->real->munmap(k->fds, addr, len);
}

static void fk_note(void *arg, const char *text)
{
	struct fake_kvm *k = arg;

	strncpy(k->note, text, sizeof(k->note) - 1);
	__atomic_fetch_add(&k->notes, 1, __ATOMIC_SEQ_CST);
}

static inline void fk_require(int r)
{
	if (r < 0)
		abort();
}

static inline struct fake_kvm *fk_open(uint64_t ram)
{
	struct fake_kvm *k = calloc(1, sizeof(*k));
	struct guest_memory_params memory = { .size = ram };
	struct pci_bus_params pci = {
		.ecam = FK_ECAM, .io = { 0x1000, 0x7000 }, .mem32 = { FK_MEM32, 1 << 20 }
	};

	for (unsigned i = 0; i < FK_GSIS; i++)
		k->irqfds[i] = -1;
	fk_require(host_new_fds_only(&k->fds));
	k->real = k->fds->ops;
	k->ops = (struct host_ops) {
		.ioctl = fk_ioctl, .close = fk_close, .mmap = fk_mmap, .munmap = fk_munmap
	};
	k->host.ops = &k->ops;
	k->s = (struct vmm_services) { .host = &k->host, .note = fk_note, .note_arg = k };
	fk_require(guest_memory_new(&k->host, &memory, &k->s.memory, NULL));
	fk_require(kvm_vm_new(&k->host, FK_KVM_FD, &k->s.kvm, NULL));
	fk_require(irq_chip_new(k->s.kvm, &k->s.irq, NULL));
	fk_require(bus_new("pio", &k->s.pio));
	fk_require(bus_new("mmio", &k->s.mmio));
	pci.pio = k->s.pio;
	pci.mmio = k->s.mmio;
	pci.irq = k->s.irq;
	fk_require(pci_bus_new(&pci, &k->s.pci, NULL));
	return k;
}

static inline void fk_close_all(struct fake_kvm *k)
{
	pci_bus_free(k->s.pci);
	bus_free(k->s.pio);
	bus_free(k->s.mmio);
	irq_chip_free(k->s.irq);
	kvm_vm_free(k->s.kvm);
	guest_memory_free(k->s.memory);
	host_free(k->fds);
	free(k);
}

static inline uint64_t fk_read(struct fake_kvm *k, uint64_t at, unsigned len)
{
	uint64_t v;

	bus_read(k->s.mmio, at, len, &v);
	return v;
}

static inline void fk_write(struct fake_kvm *k, uint64_t at, unsigned len, uint64_t v)
{
	bus_write(k->s.mmio, at, len, v);
}

static inline uint64_t fk_config(unsigned slot, unsigned reg)
{
	return FK_ECAM + ((uint64_t)slot << 15) + reg;
}
