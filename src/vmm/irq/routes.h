/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which GSI stands for which message. Changing KVM's table costs tens of microseconds, and the more
 * the larger it is, so it is not changed for each vector that a driver switches on: all messages
 * that differ in nothing but the interrupt's number, which are those to one CPU, come into it
 * together, as a block. From then on a vector is given one of the block's GSIs, and KVM need not
 * hear of it.
 *
 * A message that somebody else's vector has already, and those of more destinations than there are
 * blocks, get a GSI alone. Not thread-safe.
 */
#pragma once

#include "irq.h"

enum {
	ROUTES_BLOCKS = 16,   /* 8 CPUs, by their physical or their logical number */
	ROUTES_VECTORS = 240, /* 0 to 15 are no interrupts */
	ROUTES_SINGLES = 128,
	ROUTES_FIRST_VECTOR = 256 - ROUTES_VECTORS,
};

struct irq_routes {
	unsigned n_blocks, n_singles; /* as many as KVM has room for */
	struct irq_block {
		bool made;		    /* it is in the table */
		struct msi_message message; /* with the number left out */
		unsigned users;
	} blocks[ROUTES_BLOCKS];
	struct msi_message singles[ROUTES_SINGLES];
	uint64_t used[IRQ_ROUTES_MAX / 64]; /* a bit per GSI that is somebody's */
	bool dirty;			    /* differs from what KVM has */
};

/* `entries`: how many KVM takes, those of the pins (`pins`) included. */
void routes_init(struct irq_routes *r, unsigned entries, unsigned pins);
/* A GSI that has this message and is nobody else's; -ENOSPC. */
int routes_take(struct irq_routes *r, struct msi_message m);
void routes_give(struct irq_routes *r, int gsi);
bool routes_is_used(const struct irq_routes *r, int gsi);
struct msi_message routes_message(const struct irq_routes *r, int gsi);
/* How many entries routes_fill() writes. */
unsigned routes_count(const struct irq_routes *r);
void routes_fill(const struct irq_routes *r, struct kvm_irq_routing_entry *entries);
