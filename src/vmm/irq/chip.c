/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chip.h"

#include <string.h>

enum {
	PIC_PINS = 8,
	PIN_ROUTES = 2 * PIC_PINS + IRQ_IOAPIC_PINS,
	GSIS_MAX = 4096,
};

/* ISA interrupts reach both the PICs and the IOAPIC; the timer is on the IOAPIC's pin 2. */
static unsigned fill_pins(struct kvm_irq_routing_entry *e)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < 2 * PIC_PINS; i++) {
		if (i == 2)
			continue; /* the cascade */
		e[n].gsi = i;
		e[n].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[n].u.irqchip.irqchip =
			i < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
		e[n++].u.irqchip.pin = i % PIC_PINS;
	}
	for (uint32_t i = 0; i < IRQ_IOAPIC_PINS; i++) {
		if (i == 2)
			continue;
		e[n].gsi = i;
		e[n].type = KVM_IRQ_ROUTING_IRQCHIP;
		e[n].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e[n++].u.irqchip.pin = i == 0 ? 2 : i;
	}
	return n;
}

static int send_routes(struct irq_chip *c)
{
	unsigned n;

	memset(c->table, 0, (PIN_ROUTES + c->n_gsis) * sizeof(*c->table));
	n = fill_pins(c->table);
	for (uint32_t gsi = IRQ_IOAPIC_PINS; gsi < c->n_gsis; gsi++) {
		const struct msi_route *r = &c->routes[gsi];

		if (!r->used)
			continue;
		c->table[n].gsi = gsi;
		c->table[n].type = KVM_IRQ_ROUTING_MSI;
		c->table[n].u.msi.address_lo = (uint32_t)r->message.address;
		c->table[n].u.msi.address_hi = (uint32_t)(r->message.address >> 32);
		c->table[n++].u.msi.data = r->message.data;
	}
	atomic_fetch_add_explicit(&c->updates, 1, memory_order_relaxed);
	return kvm_set_routing(c->vm, c->table, n);
}

static int create_devices(struct kvm_vm *vm, struct problem **reterr)
{
	/* The speaker's port 0x61 answers too: kernels calibrate the TSC with it. */
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	int r = kvm_vm_ioctl(vm, KVM_CREATE_IRQCHIP, NULL);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_KVM, NULL,
			"KVM cannot make interrupt controllers: %s", strerror(-r));
	r = kvm_vm_ioctl(vm, KVM_CREATE_PIT2, &pit);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_KVM, NULL, "KVM cannot make a timer: %s",
			strerror(-r));
	return 0;
}

static void init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

int irq_chip_new(struct kvm_vm *vm, struct irq_chip **ret, struct problem **reterr)
{
	CLEANUP(irq_chip_freep) struct irq_chip *c = calloc(1, sizeof(*c));
	int routes = kvm_vm_capability(vm, KVM_CAP_IRQ_ROUTING);
	int r;

	if (!c)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "interrupt controller");
	init_lock(&c->lock);
	c->vm = vm;
	/* KVM limits both the GSI numbers and the entries; an ISA pin has two entries. */
	routes = MIN(routes, GSIS_MAX) - 2 * PIC_PINS;
	if (routes <= IRQ_IOAPIC_PINS)
		return problem(reterr, -ENOTSUP, PROBLEM_NO_KVM, NULL,
			"KVM has too little room for interrupt routes");
	c->n_gsis = (unsigned)routes;
	c->routes = calloc(c->n_gsis, sizeof(*c->routes));
	c->table = calloc(PIN_ROUTES + c->n_gsis, sizeof(*c->table));
	if (!c->routes || !c->table)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "interrupt routes");
	r = create_devices(vm, reterr);
	if (r < 0)
		return r;
	r = send_routes(c);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_KVM, NULL,
			"KVM refuses the interrupt routes: %s", strerror(-r));
	*ret = TAKE_PTR(c);
	return 0;
}

void irq_chip_free(struct irq_chip *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c->routes);
	free(c->table);
	free(c);
}

void irq_batch_begin(struct irq_chip *c)
{
	pthread_mutex_lock(&c->lock);
	c->batch++;
}

/* The routes are in KVM: those that waited for them can be connected. */
static int connect_waiting(struct irq_chip *c, int error)
{
	struct msi_vector *v;

	while ((v = c->waiting)) {
		int r = error;

		c->waiting = v->next_waiting;
		v->next_waiting = NULL;
		if (r == 0)
			r = kvm_irqfd_add(c->vm, (uint32_t)v->gsi, v->fd, -1);
		if (r < 0) {
			v->attached = false;
			error = r;
		}
	}
	return error;
}

int irq_batch_commit(struct irq_chip *c)
{
	int r = 0;

	if (--c->batch == 0) {
		if (c->dirty)
			r = send_routes(c);
		c->dirty = r < 0;
		r = connect_waiting(c, r);
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

uint64_t irq_routing_updates(const struct irq_chip *c)
{
	return atomic_load_explicit(&c->updates, memory_order_relaxed);
}

int irq_route_take(struct irq_chip *c, struct msi_message m)
{
	for (unsigned gsi = IRQ_IOAPIC_PINS; gsi < c->n_gsis; gsi++) {
		if (c->routes[gsi].used)
			continue;
		c->routes[gsi].used = true;
		c->routes[gsi].message = m;
		c->dirty = true;
		return (int)gsi;
	}
	return -ENOSPC;
}

void irq_route_set(struct irq_chip *c, int gsi, struct msi_message m)
{
	struct msi_route *r = &c->routes[gsi];

	if (r->message.address == m.address && r->message.data == m.data)
		return;
	r->message = m;
	c->dirty = true;
}

/* KVM keeps the stale route until the next update: nothing signals it any more. */
void irq_route_give(struct irq_chip *c, int gsi)
{
	c->routes[gsi].used = false;
}
