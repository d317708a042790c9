/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kvm.h"

#include "base/checked.h"

#include <string.h>

/* Without these the VMM cannot work; all are in every x86 kernel of the last ten years. */
static const struct {
	long cap;
	const char *name;
} needed[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_IRQ_ROUTING, "KVM_CAP_IRQ_ROUTING" },
	{ KVM_CAP_IRQFD, "KVM_CAP_IRQFD" },
	{ KVM_CAP_IRQFD_RESAMPLE, "KVM_CAP_IRQFD_RESAMPLE" },
	{ KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD" },
	{ KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

static int check_api(struct kvm_vm *vm, struct problem **reterr)
{
	int version = host_ioctl(vm->host, vm->kvm_fd, KVM_GET_API_VERSION, NULL);

	if (version < 0)
		return problem(reterr, version, PROBLEM_NO_KVM, "pass an open /dev/kvm",
			"fd %d is not KVM: %s", vm->kvm_fd, strerror(-version));
	if (version != KVM_API_VERSION)
		return problem(reterr, -ENOTSUP, PROBLEM_NO_KVM, NULL,
			"KVM speaks API version %d, %d is needed", version, KVM_API_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (kvm_vm_capability(vm, needed[i].cap) <= 0)
			return problem(reterr, -ENOTSUP, PROBLEM_NO_KVM, NULL, "KVM lacks %s",
				needed[i].name);
	return 0;
}

/* On Intel without unrestricted guest KVM wants four pages of guest address space for itself. */
static int place_kvm_pages(struct kvm_vm *vm)
{
	uint64_t identity = 0xfffbc000;
	int r = host_ioctl(vm->host, vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity);

	if (r < 0)
		return r;
	return host_ioctl(vm->host, vm->fd, KVM_SET_TSS_ADDR, (void *)(uintptr_t)0xfffbd000);
}

static int create(struct kvm_vm *vm, struct problem **reterr)
{
	int r = check_api(vm, reterr);

	if (r < 0)
		return r;
	r = host_ioctl(vm->host, vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (r < (int)sizeof(struct kvm_run))
		return problem(reterr, r < 0 ? r : -EINVAL, PROBLEM_NO_KVM, NULL,
			"KVM does not tell the size of a vCPU");
	vm->run_bytes = (size_t)r;
	r = kvm_vm_capability(vm, KVM_CAP_NR_VCPUS);
	vm->max_vcpus = r > 0 ? (unsigned)r : 1;
	/* Creating a VM is interrupted by any signal while KVM is being set up. */
	do {
		vm->fd = host_ioctl(vm->host, vm->kvm_fd, KVM_CREATE_VM, NULL);
	} while (vm->fd == -EINTR);
	if (vm->fd < 0)
		return problem(reterr, vm->fd, PROBLEM_NO_KVM,
			"another hypervisor may hold the CPU's virtualisation",
			"KVM cannot create a virtual machine: %s", strerror(-vm->fd));
	r = place_kvm_pages(vm);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_KVM, NULL,
			"KVM refuses its place in the guest's address space: %s", strerror(-r));
	return 0;
}

int kvm_vm_new(struct host *h, int kvm_fd, struct kvm_vm **ret, struct problem **reterr)
{
	CLEANUP(kvm_vm_freep) struct kvm_vm *vm = calloc(1, sizeof(*vm));
	int r;

	if (!vm)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "virtual machine");
	vm->host = h;
	vm->kvm_fd = kvm_fd;
	vm->fd = -1;
	pthread_mutex_init(&vm->lock, NULL);
	r = create(vm, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(vm);
	return 0;
}

void kvm_vm_free(struct kvm_vm *vm)
{
	if (!vm)
		return;
	if (vm->fd >= 0)
		host_close(vm->host, vm->fd);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

int kvm_vm_capability(struct kvm_vm *vm, long cap)
{
	int fd = vm->fd >= 0 ? vm->fd : vm->kvm_fd;
	int r = host_ioctl(vm->host, fd, KVM_CHECK_EXTENSION, (void *)(intptr_t)cap);

	return r < 0 ? 0 : r;
}

int kvm_vm_ioctl(struct kvm_vm *vm, unsigned long request, void *arg)
{
	return host_ioctl(vm->host, vm->fd, request, arg);
}

static int free_slot(struct kvm_vm *vm, struct gpa at, uint64_t bytes)
{
	int free = -ENOSPC;

	for (int i = 0; i < KVM_VM_SLOTS; i++) {
		const struct kvm_userspace_memory_region *s = &vm->slots[i];

		if (!vm->slot_used[i]) {
			if (free < 0)
				free = i;
		} else if (ranges_overlap(s->guest_phys_addr, s->memory_size, at.v, bytes)) {
			return -EEXIST;
		}
	}
	return free;
}

static int map_locked(struct kvm_vm *vm, const struct kvm_userspace_memory_region *want)
{
	struct kvm_userspace_memory_region s = *want;
	int slot = free_slot(vm, GPA(s.guest_phys_addr), s.memory_size);
	int r;

	if (slot < 0)
		return slot;
	s.slot = (uint32_t)slot;
	r = kvm_vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &s);
	if (r < 0)
		return r;
	vm->slots[slot] = s;
	vm->slot_used[slot] = true;
	return slot;
}

int kvm_slot_map(struct kvm_vm *vm, struct gpa at, void *host, uint64_t bytes, uint32_t flags)
{
	struct kvm_userspace_memory_region s = {
		.flags = flags,
		.guest_phys_addr = at.v,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)host,
	};
	uint64_t last;
	int r;

	if (!bytes || (at.v | bytes | (uintptr_t)host) % GUEST_PAGE_BYTES ||
		add_overflows(at.v, bytes - 1, &last))
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	r = map_locked(vm, &s);
	pthread_mutex_unlock(&vm->lock);
	return r;
}

int kvm_slot_unmap(struct kvm_vm *vm, int slot)
{
	struct kvm_userspace_memory_region gone;
	int r = -ENOENT;

	if (slot < 0 || slot >= KVM_VM_SLOTS)
		return -ENOENT;
	pthread_mutex_lock(&vm->lock);
	if (vm->slot_used[slot]) {
		gone = vm->slots[slot];
		gone.memory_size = 0;
		r = kvm_vm_ioctl(vm, KVM_SET_USER_MEMORY_REGION, &gone);
		vm->slot_used[slot] = r < 0;
	}
	pthread_mutex_unlock(&vm->lock);
	return r;
}

int kvm_map_guest_memory(struct kvm_vm *vm, const struct guest_memory *m)
{
	for (size_t i = 0; i < m->n_banks; i++) {
		const struct guest_bank *b = &m->banks[i];
		int r = kvm_slot_map(vm, b->start, b->host, b->size, 0);

		if (r < 0)
			return r;
	}
	return 0;
}

static int doorbell(struct kvm_vm *vm, const struct kvm_doorbell *d, int fd, uint32_t flags)
{
	struct kvm_ioeventfd e = {
		.datamatch = d->match ? d->value : 0,
		.addr = d->addr,
		.len = d->len,
		.fd = fd,
		.flags = flags | (d->pio ? KVM_IOEVENTFD_FLAG_PIO : 0) |
			 (d->match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0),
	};

	return kvm_vm_ioctl(vm, KVM_IOEVENTFD, &e);
}

int kvm_doorbell_add(struct kvm_vm *vm, const struct kvm_doorbell *d, int eventfd)
{
	return doorbell(vm, d, eventfd, 0);
}

int kvm_doorbell_remove(struct kvm_vm *vm, const struct kvm_doorbell *d, int eventfd)
{
	return doorbell(vm, d, eventfd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

int kvm_irqfd_add(struct kvm_vm *vm, uint32_t gsi, int eventfd, int resample_fd)
{
	struct kvm_irqfd i = {
		.fd = (uint32_t)eventfd,
		.gsi = gsi,
		.flags = resample_fd >= 0 ? KVM_IRQFD_FLAG_RESAMPLE : 0,
		.resamplefd = resample_fd >= 0 ? (uint32_t)resample_fd : 0,
	};

	return kvm_vm_ioctl(vm, KVM_IRQFD, &i);
}

int kvm_irqfd_remove(struct kvm_vm *vm, uint32_t gsi, int eventfd)
{
	struct kvm_irqfd i = {
		.fd = (uint32_t)eventfd,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};

	return kvm_vm_ioctl(vm, KVM_IRQFD, &i);
}

int kvm_irq_level(struct kvm_vm *vm, uint32_t gsi, bool level)
{
	struct kvm_irq_level l = { .irq = gsi, .level = level };

	return kvm_vm_ioctl(vm, KVM_IRQ_LINE, &l);
}

int kvm_set_routing(struct kvm_vm *vm, const struct kvm_irq_routing_entry *entries, size_t n)
{
	size_t bytes = sizeof(struct kvm_irq_routing) + n * sizeof(*entries);
	autofree struct kvm_irq_routing *table = calloc(1, bytes);

	if (!table)
		return -ENOMEM;
	table->nr = (uint32_t)n;
	if (n)
		memcpy(table->entries, entries, n * sizeof(*entries));
	return kvm_vm_ioctl(vm, KVM_SET_GSI_ROUTING, table);
}
