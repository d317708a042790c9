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

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	IRQ_IOAPIC_PINS = 24,
	IRQ_SERIAL1 = 4,
	IRQ_ACPI_SCI = 9,
	IRQ_INTX_FIRST = 16, /* IOAPIC pins 16–23 are the PCI slots' INTx lines */
	IRQ_INTX_LINES = 8,
	IRQ_ROUTES_MAX = 4096, /* GSIs are below that */
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

/* For checks, within a batch: is that route somebody's; has it this message? */
bool irq_route_is_used(const struct irq_chip *c, int gsi);
bool irq_route_is(const struct irq_chip *c, int gsi, struct msi_message m);

/*
 * What became of a vector's signals. An eventfd that is an irqfd is emptied by KVM inside of each
 * signal, so nobody in this process sees what goes through a live vector of VFIO: such a source's
 * `signalled` counts what came while the vector was masked, and what this VMM signalled itself;
 * /proc/interrupts of the host has the rest. Sources in this process are counted whole.
 *
 * signalled = injected + merged + dropped + waiting, where `waiting` is what a masked vector holds.
 * For sources of our own that holds at any moment without a signal or a change of mask under way.
 */
struct msi_counts {
	uint64_t signalled;
	uint64_t injected; /* messages that KVM was made to send */
	uint64_t merged;   /* came while masked, and went out with another one's message */
	uint64_t
		dropped; /* were pending when the interrupt was switched off, or the device reset */
	uint64_t spurious; /* of `signalled`: by this VMM, to be sure that none is lost */
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
	bool lent;			 /* the eventfd is somebody else's */
	bool foreign;			 /* signalled outside of this process: by VFIO, by vhost */
	struct msi_message message;	 /* what KVM's route holds */
	struct msi_vector *next_waiting; /* the chip's: attached in a batch, not yet connected */
	/* See struct msi_counts. `shut`: of our own signals, how many there were when it was
	 * masked. */
	atomic_uint_fast64_t signals, unmasked, merged, dropped, spurious, shut;
	atomic_bool masked; /* KVM is not listening */
};

void msi_vector_init(struct msi_vector *v, struct irq_chip *c);
/* Detaches, gives the GSI back, closes the eventfd. */
void msi_vector_done(struct msi_vector *v);
/* The eventfd that makes the vector fire, borrowed; created at the first call. */
int msi_vector_fd(struct msi_vector *v);
/*
 * The eventfd is this one, which outlives the vector, and what an earlier life left in it is
 * forgotten. Before msi_vector_fd() was called.
 */
void msi_vector_lend(struct msi_vector *v, int fd);
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
/* Somebody else is about to write to the eventfd in the place of msi_vector_signal(). */
void msi_vector_announce(struct msi_vector *v);
/* A signal in the place of a source that may have signalled when nobody listened. */
void msi_vector_signal_to_be_sure(struct msi_vector *v);
/* Any thread; a moment's picture. */
struct msi_counts msi_vector_counts(const struct msi_vector *v);
void msi_counts_add(struct msi_counts *sum, struct msi_counts c);
/* As "NAME_signalled" and so on, in a fixed order. */
void msi_counts_tell(const struct msi_counts *c, const char *name,
	void (*each)(void *arg, const char *name, uint64_t v), void *arg);

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
