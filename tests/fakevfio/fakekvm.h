/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM without CPUs: one VM that keeps books of its memory slots, interrupt routes and irqfds, so
 * that tests can ask what the guest would see. Descriptors are real; interrupts are delivered when
 * fakekvm_deliver() is called.
 */
#pragma once

#include "host/host.h"

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

enum { FAKEKVM_SLOTS = 64, FAKEKVM_IRQFDS = 64, FAKEKVM_ROUTES = 4096 };

struct fakekvm {
	struct host host;
	int fd;	    /* what the node of KVM would be */
	int opened; /* by name, -1 = not; other names are the real files */
	int vm;	    /* the VM's, -1 = none */

	struct kvm_userspace_memory_region slots[FAKEKVM_SLOTS]; /* by number; size 0 = free */
	struct {
		bool used;
		uint32_t gsi;
		int fd, resample_fd;
		uint64_t waited; /* was in it when it was connected: one injection of its own */
	} irqfds[FAKEKVM_IRQFDS];
	struct kvm_irq_routing_entry routes[FAKEKVM_ROUTES];
	unsigned n_routes;
	unsigned levels[24]; /* of the IOAPIC's pins, as KVM_IRQ_LINE set them */

	/* After an irqfd was connected: as if somebody had signalled meanwhile. May be NULL. */
	void (*on_irqfd)(struct fakekvm *k, int fd);

	unsigned slot_calls, fail_slot_call; /* the n-th change of a slot gets -ENOMEM */

	bool knows_vfio; /* KVM_DEV_TYPE_VFIO exists */
	int vfio_device; /* its descriptor, -1 = none */
	int groups[4];
	unsigned n_groups;
};

void fakekvm_init(struct fakekvm *k);
void fakekvm_done(struct fakekvm *k);
/* Memory at a guest-physical address, NULL where accesses trap. */
void *fakekvm_at(const struct fakekvm *k, uint64_t gpa);
unsigned fakekvm_slots(const struct fakekvm *k);
unsigned fakekvm_irqfds(const struct fakekvm *k);
/*
 * Takes the signals of all irqfds and counts the messages with this data (of MSI routes), or with
 * data ≥ FAKEKVM_PIN + n, the interrupts on pin n.
 */
enum { FAKEKVM_PIN = 1 << 20 };
unsigned fakekvm_deliver(struct fakekvm *k, uint32_t data);
