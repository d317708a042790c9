/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the irq room: the state that vectors and lines share. */
#pragma once

#include "routes.h"

#include <pthread.h>
#include <stdatomic.h>

struct irq_chip {
	struct kvm_vm *vm;
	pthread_mutex_t lock; /* recursive: a batch holds it */
	unsigned batch;
	struct irq_routes routes;
	struct msi_vector *waiting;
	unsigned raised[IRQ_IOAPIC_PINS]; /* how many lines hold the pin up */
	atomic_uint_fast64_t updates;
};

/* The route is in KVM: from now on signals are messages; one that waited goes out at once. */
int msi_connect(struct msi_vector *v);
