/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the irq room: the state that vectors and lines share. */
#pragma once

#include "irq.h"

#include <pthread.h>
#include <stdatomic.h>

struct irq_chip {
	struct kvm_vm *vm;
	pthread_mutex_t lock; /* recursive: a batch holds it */
	unsigned batch;
	bool dirty; /* routes differ from what KVM has */
	unsigned n_gsis;
	struct msi_route {
		bool used;
		struct msi_message message;
	} * routes;			     /* by GSI; those of the pins are never used */
	struct kvm_irq_routing_entry *table; /* scratch: pins, then messages */
	struct msi_vector *waiting;
	unsigned raised[IRQ_IOAPIC_PINS]; /* how many lines hold the pin up */
	atomic_uint_fast64_t updates;
};

/* With the lock held. A free GSI, its route set; -ENOSPC. */
int irq_route_take(struct irq_chip *c, struct msi_message m);
void irq_route_set(struct irq_chip *c, int gsi, struct msi_message m);
void irq_route_give(struct irq_chip *c, int gsi);
