/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts: KVM's in-kernel PIC, IOAPIC, LAPIC and PIT; message-signalled vectors through irqfds;
 * level-triggered lines (INTx) on IOAPIC pins. GSI numbers 0–23 are the IOAPIC's pins; those of
 * messages are handed out from 24 upwards when a vector is first used.
 *
 * Functions may be called from any thread; the state of one vector belongs to one caller at a time.
 */
#pragma once

#include "base/attr.h"
#include "base/problem.h"
#include "vmm/kvm/kvm.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	IRQ_IOAPIC_PINS = 24,
	IRQ_SERIAL1 = 4,
	IRQ_ACPI_SCI = 9,
	IRQ_INTX_FIRST = 16, /* IOAPIC pins 16–23 are the PCI slots' INTx lines */
	IRQ_INTX_LINES = 8,
};

struct irq_chip;

/* Creates the irqchip and the PIT in the VM; must come before the first vCPU. */
int irq_chip_new(struct kvm_vm *vm, struct irq_chip **ret, struct problem **reterr);
void irq_chip_free(struct irq_chip *c);
DEFINE_AUTO(struct irq_chip, irq_chip_free);

/*
 * Between begin and commit, changes of routes are collected and reach KVM in one
 * KVM_SET_GSI_ROUTING; they nest, the outermost commit counts. Without them each change is its
 * own ioctl. Held by one thread at a time (a lock is taken): keep it short.
 */
void irq_batch_begin(struct irq_chip *c);
int irq_batch_commit(struct irq_chip *c);
/* How often KVM_SET_GSI_ROUTING was called: it costs, so tests count it. */
uint64_t irq_routing_updates(const struct irq_chip *c);

struct msi_message {
	uint64_t address;
	uint32_t data;
};

/*
 * One message-signalled vector. The source (an emulated device, vhost, VFIO) signals an eventfd.
 * While the vector is attached, KVM turns each signal into the message; while it is not, signals
 * stay in the counter, and attaching delivers them once: detaching is masking.
 */
struct msi_vector {
	struct irq_chip *chip;
	int fd;	 /* eventfd, owned; -1 until msi_vector_fd() */
	int gsi; /* -1 until the first attach */
	bool attached;
	struct msi_message message;	 /* what KVM's route holds */
	struct msi_vector *next_waiting; /* the chip's: attached in a batch, not yet connected */
};

void msi_vector_init(struct msi_vector *v, struct irq_chip *c);
/* Detaches, gives the GSI back, closes the eventfd. */
void msi_vector_done(struct msi_vector *v);
/* The eventfd that makes the vector fire, borrowed; created at the first call. */
int msi_vector_fd(struct msi_vector *v);
/*
 * Routes and connects; when attached already and the message differs, only the route changes.
 * In a batch, the route must be committed before the irqfd can be added: attach then does so at
 * commit. -ENOSPC when KVM has no more routes.
 */
int msi_vector_attach(struct msi_vector *v, struct msi_message m);
/* Masks. The GSI and its route stay for the next attach. Costs about 60 µs in the kernel. */
int msi_vector_detach(struct msi_vector *v);
/* A signal that came while detached and waits (poll, nothing is consumed): a bit of the PBA. */
bool msi_vector_pending(const struct msi_vector *v);
/* Forgets what is pending. */
void msi_vector_drain(struct msi_vector *v);
/* One write to the eventfd; async-signal-safe, any thread. The fd must exist. */
void msi_vector_signal(struct msi_vector *v);

/*
 * A level-triggered line that several devices may share. Each device has its own struct; the pin
 * is high while any of them is. KVM keeps lines driven by an irqfd with a resample fd apart and
 * ORs them in.
 */
struct intx_line {
	struct irq_chip *chip;
	uint32_t gsi;
	bool level;		     /* driven by intx_set() */
	int trigger_fd, resample_fd; /* connected by intx_connect(), borrowed; -1 = none */
};

void intx_init(struct intx_line *l, struct irq_chip *c, uint32_t gsi);
/* Lowers the line and disconnects. */
void intx_done(struct intx_line *l);
int intx_set(struct intx_line *l, bool level);
/*
 * Level by eventfds: a signal of trigger_fd raises the line, the guest's end of interrupt lowers it
 * and signals resample_fd, and who still wants service signals trigger_fd again. Both stay the
 * caller's and must outlive intx_disconnect().
 */
int intx_connect(struct intx_line *l, int trigger_fd, int resample_fd);
int intx_disconnect(struct intx_line *l);
