/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chip.h"

#include <string.h>

enum {
	PIC_PINS = 8,
	PIN_ROUTES = 2 * PIC_PINS + IRQ_IOAPIC_PINS,
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

/* The table is as large as it must be, and gone when KVM has it. */
static int send_routes(struct irq_chip *c)
{
	unsigned n = routes_count(&c->routes), pins;
	autofree struct kvm_irq_routing_entry *table = calloc(PIN_ROUTES + n, sizeof(*table));

	if (!table)
		return -ENOMEM;
	pins = fill_pins(table);
	routes_fill(&c->routes, &table[pins]);
	atomic_fetch_add_explicit(&c->updates, 1, memory_order_relaxed);
	return kvm_set_routing(c->vm, table, pins + n);
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
	routes_init(&c->routes, (unsigned)MAX(routes, 0), PIN_ROUTES);
	if (!c->routes.n_singles)
		return problem(reterr, -ENOTSUP, PROBLEM_NO_KVM, NULL,
			"KVM has too little room for interrupt routes");
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
	free(c);
}

void irq_batch_begin(struct irq_chip *c)
{
	pthread_mutex_lock(&c->lock);
	c->batch++;
}

/*
 * The routes are in KVM (`routes` 0): those that waited for them can be connected. One that cannot
 * be does not keep the others from it. The first error of all.
 */
static int connect_waiting(struct irq_chip *c, int routes)
{
	struct msi_vector *v;
	int first = routes;

	while ((v = c->waiting)) {
		int r = routes;

		c->waiting = v->next_waiting;
		v->next_waiting = NULL;
		if (r == 0)
			r = msi_connect(v);
		if (r < 0)
			v->attached = false;
		first = first < 0 ? first : r;
	}
	return first;
}

int irq_batch_commit(struct irq_chip *c)
{
	int r = 0;

	if (--c->batch == 0) {
		if (c->routes.dirty)
			r = send_routes(c);
		c->routes.dirty = r < 0;
		r = connect_waiting(c, r);
	}
	pthread_mutex_unlock(&c->lock);
	return r;
}

uint64_t irq_routing_updates(const struct irq_chip *c)
{
	return atomic_load_explicit(&c->updates, memory_order_relaxed);
}

bool irq_route_is_used(const struct irq_chip *c, int gsi)
{
	return routes_is_used(&c->routes, gsi);
}

bool irq_route_is(const struct irq_chip *c, int gsi, struct msi_message m)
{
	struct msi_message is;

	if (!irq_route_is_used(c, gsi))
		return false;
	is = routes_message(&c->routes, gsi);
	return is.address == m.address && is.data == m.data;
}
