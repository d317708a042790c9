/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The invariant checker: KVM's memory slots and interrupt routes against those who must have made
 * them. Each device claims what is its own, each of KVM's entries has to be claimed exactly once,
 * and holds what the claimant says. What nobody claims was leaked; what two claim, or what is not
 * there, is worse.
 */
#pragma once

#include "base/attr.h"
#include "vmm/memory/addr.h"

#include <pthread.h>
#include <stdint.h>

struct msi_vector;
struct pci_claims;

/* Slot `slot` of KVM's is `mem`, in the guest at [at, +bytes). */
void pci_claim_slot(struct pci_claims *c, const char *who, int slot, struct gpa at, const void *mem,
	uint64_t bytes);
/* Takes a lock of the device's until the whole audit is over: what it guards stands still. */
void pci_claim_hold(struct pci_claims *c, pthread_mutex_t *lock);
/* The route of this vector, if it has one; looked at when all of them are there. */
void pci_claim_vector(struct pci_claims *c, const char *who, const struct msi_vector *v);
/* Something that only the device itself can see. */
void pci_claim_wrong(struct pci_claims *c, const char *fmt, ...) PRINTF(2, 3);
