/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest's CPUs say about themselves: what KVM supports, less what makes no sense here. */
#pragma once

#include "vmm/kvm/kvm.h"

/* Everything that KVM supports; the array of entries is inside, free() it. */
int cpuid_get_supported(struct kvm_vm *vm, struct kvm_cpuid2 **ret);
/*
 * Turns the supported set into that of CPU `id` of `count`, in place: APIC ids and topology (one
 * package, one thread per core), no nested virtualisation, no performance counters.
 */
void cpuid_adapt(struct kvm_cpuid2 *c, unsigned id, unsigned count, bool tsc_deadline);
