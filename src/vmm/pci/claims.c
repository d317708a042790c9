/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "claims.h"

#include "core.h"

#include "vmm/kvm/kvm.h"

#include <stdarg.h>
#include <stdio.h>

struct pci_claims {
	struct kvm_vm *kvm;
	struct irq_chip *irq;
	bool slots[KVM_VM_SLOTS];
	bool routes[IRQ_ROUTES_MAX];
	struct {
		const char *who;
		const struct msi_vector *v;
	} vectors[IRQ_ROUTES_MAX];
	unsigned n_vectors;
	pthread_mutex_t *held[PCI_SLOTS];
	unsigned n_held;
	unsigned wrong;
	char *why;
	size_t size;
};

void pci_claim_wrong(struct pci_claims *c, const char *fmt, ...)
{
	va_list ap;

	if (c->wrong++ || !c->why)
		return;
	va_start(ap, fmt);
	vsnprintf(c->why, c->size, fmt, ap);
	va_end(ap);
}

void pci_claim_slot(struct pci_claims *c, const char *who, int slot, struct gpa at, const void *mem,
	uint64_t bytes)
{
	const struct kvm_userspace_memory_region *s;

	if (slot < 0 || slot >= KVM_VM_SLOTS || !c->kvm->slot_used[slot]) {
		pci_claim_wrong(
			c, "%s: its memory at 0x%llx is in no slot", who, (unsigned long long)at.v);
		return;
	}
	s = &c->kvm->slots[slot];
	if (s->guest_phys_addr != at.v || s->memory_size != bytes ||
		s->userspace_addr != (uintptr_t)mem)
		pci_claim_wrong(c, "%s: slot %d is at 0x%llx instead of 0x%llx", who, slot,
			(unsigned long long)s->guest_phys_addr, (unsigned long long)at.v);
	if (c->slots[slot])
		pci_claim_wrong(c, "%s: slot %d is another's as well", who, slot);
	c->slots[slot] = true;
}

void pci_claim_hold(struct pci_claims *c, pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	c->held[c->n_held++] = lock;
}

void pci_claim_vector(struct pci_claims *c, const char *who, const struct msi_vector *v)
{
	if (v->gsi < 0 && v->attached)
		pci_claim_wrong(c, "%s: a vector is live without a route", who);
	if (v->gsi < 0)
		return;
	if (c->n_vectors == IRQ_ROUTES_MAX) {
		pci_claim_wrong(c, "%s: more vectors than routes", who);
		return;
	}
	c->vectors[c->n_vectors].who = who;
	c->vectors[c->n_vectors++].v = v;
}

static void check_vector(struct pci_claims *c, const char *who, const struct msi_vector *v)
{
	if (!irq_route_is(c->irq, v->gsi, v->message))
		pci_claim_wrong(c, "%s: route %d does not lead where its vector does", who, v->gsi);
	else if (c->routes[v->gsi])
		pci_claim_wrong(c, "%s: route %d is another's as well", who, v->gsi);
	else
		c->routes[v->gsi] = true;
}

static void claim_memory(struct pci_claims *c, const struct guest_memory *m)
{
	for (size_t i = 0; i < m->n_banks; i++) {
		const struct guest_bank *b = &m->banks[i];
		int slot = 0;

		while (slot < KVM_VM_SLOTS &&
			(!c->kvm->slot_used[slot] ||
				c->kvm->slots[slot].guest_phys_addr != b->start.v))
			slot++;
		pci_claim_slot(c, "memory", slot, b->start, b->host, b->size);
	}
}

static void find_unclaimed(struct pci_claims *c)
{
	for (int i = 0; i < KVM_VM_SLOTS; i++)
		if (c->kvm->slot_used[i] && !c->slots[i])
			pci_claim_wrong(c, "slot %d at 0x%llx is nobody's", i,
				(unsigned long long)c->kvm->slots[i].guest_phys_addr);
	for (int i = 0; i < IRQ_ROUTES_MAX; i++)
		if (!c->routes[i] && irq_route_is_used(c->irq, i))
			pci_claim_wrong(c, "route %d is nobody's", i);
}

/* Config locks of all devices, in their order: nobody else ever holds two. */
static void lock_all(struct pci_bus *b, bool lock)
{
	for (unsigned i = 0; i < b->n_added; i++)
		if (lock)
			pci_config_lock(b->added[i]);
		else
			pci_config_unlock(b->added[i]);
}

static void look(struct pci_bus *b, struct pci_claims *c, const struct guest_memory *m)
{
	pthread_mutex_lock(&c->kvm->lock);
	if (m)
		claim_memory(c, m);
	for (unsigned i = 0; i < b->n_added; i++)
		if (b->added[i]->ops->claim)
			b->added[i]->ops->claim(b->added[i], c);
	irq_batch_begin(c->irq);
	for (unsigned i = 0; i < c->n_vectors; i++)
		check_vector(c, c->vectors[i].who, c->vectors[i].v);
	find_unclaimed(c);
	irq_batch_commit(c->irq);
	while (c->n_held)
		pthread_mutex_unlock(c->held[--c->n_held]);
	pthread_mutex_unlock(&c->kvm->lock);
}

unsigned pci_bus_audit(
	struct pci_bus *b, struct kvm_vm *kvm, const struct guest_memory *m, char *why, size_t size)
{
	autofree struct pci_claims *c = calloc(1, sizeof(*c));

	if (!c)
		return 0;
	c->kvm = kvm;
	c->irq = b->params.irq;
	c->why = why;
	c->size = size;
	pthread_rwlock_rdlock(&b->plug);
	lock_all(b, true);
	pthread_mutex_lock(&b->layout);
	c->wrong = pci_layout_wrong(b, why, size);
	look(b, c, m);
	pthread_mutex_unlock(&b->layout);
	lock_all(b, false);
	pthread_rwlock_unlock(&b->plug);
	return c->wrong;
}
