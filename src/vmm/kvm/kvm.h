/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual machine of KVM (Documentation/virt/kvm/api.rst): memory slots, ioeventfds, irqfds,
 * interrupt routing, statistics. Every function may be called from any thread. Returns are
 * negative errno.
 */
#pragma once

#include "base/problem.h"
#include "host/host.h"
#include "vmm/memory/addr.h"
#include "vmm/memory/guest_memory.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { KVM_VM_SLOTS = 509 }; /* what every KVM has (KVM_CAP_NR_MEMSLOTS says at least this) */

struct kvm_vm {
	struct host *host;
	int kvm_fd; /* /dev/kvm, borrowed */
	int fd;
	size_t run_bytes; /* size of a vCPU's shared page */
	unsigned max_vcpus;
	pthread_mutex_t lock; /* the slot table */
	bool slot_used[KVM_VM_SLOTS];
	struct kvm_userspace_memory_region slots[KVM_VM_SLOTS];
};

/* `kvm_fd` is an open /dev/kvm and stays the caller's. PROBLEM_NO_KVM when it is not usable. */
int kvm_vm_new(struct host *h, int kvm_fd, struct kvm_vm **ret, struct problem **reterr);
/* Closes the VM; memory that was mapped into it may be unmapped by its owner afterwards. */
void kvm_vm_free(struct kvm_vm *vm);
DEFINE_AUTO(struct kvm_vm, kvm_vm_free);

/* KVM_CHECK_EXTENSION on the VM: 0 = absent, otherwise what the capability says. */
int kvm_vm_capability(struct kvm_vm *vm, long cap);
int kvm_vm_ioctl(struct kvm_vm *vm, unsigned long request, void *arg);

/*
 * Memory slots. `host` stays the caller's and must stay mapped until the slot is gone. flags:
 * KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES. Returns the slot's number; -EEXIST when it overlaps
 * another, -ENOSPC when there are no more slots, -EINVAL when not page aligned.
 */
int kvm_slot_map(struct kvm_vm *vm, struct gpa at, void *host, uint64_t bytes, uint32_t flags);
int kvm_slot_unmap(struct kvm_vm *vm, int slot);
/* All banks of the guest's RAM, one slot each. */
int kvm_map_guest_memory(struct kvm_vm *vm, const struct guest_memory *m);

/*
 * An eventfd that KVM signals instead of leaving to user space when the guest writes there.
 * len 0 on MMIO is the fast path that looks at nothing but the address (any width matches);
 * otherwise 1, 2, 4 or 8 bytes. With `match`, only writes of `value` count.
 */
struct kvm_doorbell {
	bool pio;
	uint64_t addr;
	unsigned len;
	bool match;
	uint64_t value;
};
int kvm_doorbell_add(struct kvm_vm *vm, const struct kvm_doorbell *d, int eventfd);
int kvm_doorbell_remove(struct kvm_vm *vm, const struct kvm_doorbell *d, int eventfd);

/*
 * An eventfd whose signal becomes interrupt `gsi`. With resample_fd ≥ 0 the interrupt is a level
 * that KVM drops at the guest's end of interrupt, telling so through resample_fd. A counter that
 * is not zero already when the irqfd is added injects at once, so adding and removing is a
 * correct mask and unmask.
 */
int kvm_irqfd_add(struct kvm_vm *vm, uint32_t gsi, int eventfd, int resample_fd);
int kvm_irqfd_remove(struct kvm_vm *vm, uint32_t gsi, int eventfd);
int kvm_irq_level(struct kvm_vm *vm, uint32_t gsi, bool level);
int kvm_set_routing(struct kvm_vm *vm, const struct kvm_irq_routing_entry *entries, size_t n);
