/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge: what the VMM believes of memory slots, routes, BARs and mappings, held against what it
 * asked KVM and VFIO for. The machine's parts are caught as they are made.
 */
#include "machine.h"

#include "vmm/kvm/kvm.h"
#include "vmm/pci/bus.h"
#include "vmm/vfio/session.h"

#include <stdio.h>
#include <string.h>

static struct pci_bus *bus;
static struct kvm_vm *kvm;
static const struct guest_memory *memory;
static struct vfio_session *session;

int __real_pci_bus_new(
	const struct pci_bus_params *params, struct pci_bus **ret, struct problem **reterr);
int __wrap_pci_bus_new(
	const struct pci_bus_params *params, struct pci_bus **ret, struct problem **reterr);
int __real_kvm_vm_new(struct host *h, int kvm_fd, struct kvm_vm **ret, struct problem **reterr);
int __wrap_kvm_vm_new(struct host *h, int kvm_fd, struct kvm_vm **ret, struct problem **reterr);
int __real_guest_memory_new(struct host *h, const struct guest_memory_params *params,
	struct guest_memory **ret, struct problem **reterr);
int __wrap_guest_memory_new(struct host *h, const struct guest_memory_params *params,
	struct guest_memory **ret, struct problem **reterr);
int __real_vfio_session_new(struct host *h, enum peers_wish wish, struct vfio_session **ret);
int __wrap_vfio_session_new(struct host *h, enum peers_wish wish, struct vfio_session **ret);

int __wrap_pci_bus_new(
	const struct pci_bus_params *params, struct pci_bus **ret, struct problem **reterr)
{
	int r = __real_pci_bus_new(params, ret, reterr);

	bus = r < 0 ? NULL : *ret;
	return r;
}

int __wrap_kvm_vm_new(struct host *h, int kvm_fd, struct kvm_vm **ret, struct problem **reterr)
{
	int r = __real_kvm_vm_new(h, kvm_fd, ret, reterr);

	kvm = r < 0 ? NULL : *ret;
	return r;
}

int __wrap_guest_memory_new(struct host *h, const struct guest_memory_params *params,
	struct guest_memory **ret, struct problem **reterr)
{
	int r = __real_guest_memory_new(h, params, ret, reterr);

	memory = r < 0 ? NULL : *ret;
	return r;
}

int __wrap_vfio_session_new(struct host *h, enum peers_wish wish, struct vfio_session **ret)
{
	int r = __real_vfio_session_new(h, wish, ret);

	session = r < 0 ? NULL : *ret;
	return r;
}

/* What two kernels were told. */
struct comparison {
	struct shim *shim;
	unsigned wrong, slots, bars;
	char *why;
	size_t size;
};

static bool is_a_slot(const struct fakevfio_mapping *m)
{
	for (unsigned i = 0; i < KVM_VM_SLOTS; i++)
		if (kvm->slot_used[i] && kvm->slots[i].guest_phys_addr == m->iova &&
			kvm->slots[i].memory_size == m->size &&
			kvm->slots[i].userspace_addr == (uintptr_t)m->memory)
			return true;
	return false;
}

static bool is_mapped(const struct fakevfio *f, const struct kvm_userspace_memory_region *slot)
{
	for (unsigned i = 0; i < f->n_mappings; i++)
		if (f->mappings[i].iova == slot->guest_phys_addr)
			return true;
	return false;
}

/* What this IOMMU has no addresses for cannot be there; nor what was just refused, by order. */
static bool is_excused(const struct fakevfio *f, const struct kvm_userspace_memory_region *slot)
{
	for (unsigned i = 0; i < f->n_ranges; i++)
		if (slot->guest_phys_addr >= f->ranges[i].first &&
			slot->guest_phys_addr + slot->memory_size - 1 <= f->ranges[i].last)
			return f->fail_call;
	return true;
}

/* Nobody moves a BAR meanwhile. What the one has the other has, at the same addresses. */
static void compare(void *arg)
{
	struct comparison *c = arg;
	struct fakevfio *f = &c->shim->fake;

	pthread_mutex_lock(&kvm->lock);
	pthread_mutex_lock(&c->shim->lock);
	for (unsigned i = 0; i < KVM_VM_SLOTS; i++)
		c->slots += kvm->slot_used[i];
	c->bars = f->n_mappings - (unsigned)memory->n_banks;
	for (unsigned i = 0; i < f->n_mappings; i++) {
		if (is_a_slot(&f->mappings[i]))
			continue;
		if (!c->wrong++)
			snprintf(c->why, c->size, "the IOMMU has 0x%llx, which the guest has not",
				(unsigned long long)f->mappings[i].iova);
	}
	for (unsigned i = 0; i < KVM_VM_SLOTS; i++) {
		const struct kvm_userspace_memory_region *slot = &kvm->slots[i];

		if (!kvm->slot_used[i] || is_mapped(f, slot) || is_excused(f, slot))
			continue;
		if (!c->wrong++)
			snprintf(c->why, c->size, "the guest has 0x%llx, which the IOMMU has not",
				(unsigned long long)slot->guest_phys_addr);
	}
	pthread_mutex_unlock(&c->shim->lock);
	pthread_mutex_unlock(&kvm->lock);
}

static uint32_t look(struct shim *s)
{
	static atomic_bool told;
	char why[200] = "";
	struct comparison c = { .shim = s, .why = why, .size = sizeof(why) };
	unsigned wrong = pci_bus_audit(bus, kvm, memory, why, sizeof(why));

	wrong += vfio_session_check(session, wrong ? NULL : why, sizeof(why));
	if (!wrong)
		pci_bus_hold(bus, compare, &c);
	wrong += c.wrong;
	if (wrong && !atomic_exchange(&told, true))
		fprintf(stderr, "judge: %s\n", why);
	return wrong;
}

static struct comparison counts(struct shim *s)
{
	char why[200];
	struct comparison c = { .shim = s, .why = why, .size = sizeof(why) };

	pci_bus_hold(bus, compare, &c);
	return c;
}

static uint64_t dma_at;
static bool dma_arrived, fired;

uint32_t judge_read(struct shim *s, uint64_t at)
{
	switch (at) {
	case JUDGE_WRONG:
		return look(s);
	case JUDGE_FIRE:
		return fired;
	case JUDGE_DMA_BARS:
		return counts(s).bars;
	case JUDGE_SLOTS:
		return counts(s).slots;
	case JUDGE_DMA:
		return dma_arrived;
	default:
		return UINT32_MAX;
	}
}

void judge_write(struct shim *s, uint64_t at, uint32_t v)
{
	pthread_mutex_lock(&s->lock);
	switch (at) {
	case JUDGE_FIRE:
		fired = v >> 16 < FUNCTIONS && (v >> 8 & 0xff) < VFIO_PCI_NUM_IRQS &&
			(v & 0xff) < FAKEVFIO_VECTORS &&
			fakevfio_fire(&s->fake.functions[v >> 16], v >> 8 & 0xff, v & 0xff);
		break;
	case JUDGE_FAIL_VFIO:
		s->fake.fail_errno = -EIO;
		s->fake.fail_call = v ? s->fake.calls + v : 0;
		break;
	case JUDGE_FAIL_SLOT:
		atomic_store(&s->fail_slot, v ? atomic_load(&s->slot_calls) + v : 0);
		break;
	case JUDGE_DMA_LOW:
		dma_at = (dma_at & ~0xffffffffULL) | v;
		break;
	case JUDGE_DMA_HIGH:
		dma_at = (dma_at & 0xffffffff) | (uint64_t)v << 32;
		break;
	case JUDGE_DMA:
		dma_arrived = fakevfio_dma_write(&s->fake.functions[0], dma_at, &v, sizeof(v));
		break;
	default:
		break;
	}
	pthread_mutex_unlock(&s->lock);
}
