/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fakekvm.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

static struct fakekvm *fake_of(struct host *h)
{
	return container_of(h, struct fakekvm, host);
}

static int set_slot(struct fakekvm *k, const struct kvm_userspace_memory_region *m)
{
	uint64_t end = m->guest_phys_addr + m->memory_size;

	if (++k->slot_calls == k->fail_slot_call)
		return -ENOMEM;
	if (m->slot >= FAKEKVM_SLOTS ||
		(m->guest_phys_addr | m->memory_size | m->userspace_addr) & 4095)
		return -EINVAL;
	for (unsigned i = 0; m->memory_size && i < FAKEKVM_SLOTS; i++)
		if (i != m->slot && k->slots[i].memory_size &&
			m->guest_phys_addr <
				k->slots[i].guest_phys_addr + k->slots[i].memory_size &&
			k->slots[i].guest_phys_addr < end)
			return -EEXIST;
	if (!m->memory_size && !k->slots[m->slot].memory_size)
		return -EINVAL;
	k->slots[m->slot] = *m;
	return 0;
}

/* KVM looks at what waits in an eventfd, and leaves it there. */
static uint64_t peek(int fd)
{
	eventfd_t n;

	if (eventfd_read(fd, &n) < 0)
		return 0;
	eventfd_write(fd, n);
	return n;
}

/* As KVM: one eventfd may be an irqfd once only. */
static int set_irqfd(struct fakekvm *k, const struct kvm_irqfd *q)
{
	int free_at = -1;

	for (int i = 0; i < FAKEKVM_IRQFDS; i++) {
		bool same = k->irqfds[i].used && k->irqfds[i].fd == (int)q->fd;

		if (same && !(q->flags & KVM_IRQFD_FLAG_DEASSIGN))
			return -EBUSY;
		if (same && k->irqfds[i].gsi == q->gsi) {
			k->irqfds[i].used = false;
			return 0;
		}
		if (!k->irqfds[i].used && free_at < 0)
			free_at = i;
	}
	if (q->flags & KVM_IRQFD_FLAG_DEASSIGN)
		return 0;
	if (free_at < 0)
		return -EMFILE;
	k->irqfds[free_at].used = true;
	k->irqfds[free_at].gsi = q->gsi;
	k->irqfds[free_at].fd = (int)q->fd;
	k->irqfds[free_at].resample_fd =
		q->flags & KVM_IRQFD_FLAG_RESAMPLE ? (int)q->resamplefd : -1;
	k->irqfds[free_at].waited = peek((int)q->fd);
	if (k->on_irqfd)
		k->on_irqfd(k, (int)q->fd);
	return 0;
}

static int set_routes(struct fakekvm *k, const struct kvm_irq_routing *r)
{
	if (r->nr > FAKEKVM_ROUTES)
		return -EINVAL;
	memcpy(k->routes, r->entries, r->nr * sizeof(r->entries[0]));
	k->n_routes = r->nr;
	return 0;
}

static int create_device(struct fakekvm *k, struct kvm_create_device *d)
{
	if (d->type != KVM_DEV_TYPE_VFIO || !k->knows_vfio)
		return -ENODEV;
	k->vfio_device = fcntl(k->fd, F_DUPFD_CLOEXEC, 0);
	if (k->vfio_device < 0)
		return -errno;
	d->fd = (uint32_t)k->vfio_device;
	return 0;
}

static int set_group(struct fakekvm *k, const struct kvm_device_attr *a)
{
	int fd = *(const int32_t *)(uintptr_t)a->addr;

	for (unsigned i = 0; i < k->n_groups; i++) {
		if (k->groups[i] != fd)
			continue;
		if (a->attr != KVM_DEV_VFIO_GROUP_DEL)
			return -EEXIST;
		k->groups[i] = k->groups[--k->n_groups];
		return 0;
	}
	if (a->group != KVM_DEV_VFIO_GROUP || a->attr != KVM_DEV_VFIO_GROUP_ADD ||
		k->n_groups == ARRAY_SIZE(k->groups))
		return -ENXIO;
	k->groups[k->n_groups++] = fd;
	return 0;
}

static int set_level(struct fakekvm *k, const struct kvm_irq_level *l)
{
	if (l->irq >= ARRAY_SIZE(k->levels))
		return -EINVAL;
	k->levels[l->irq] = l->level;
	return 0;
}

static int vm_ioctl(struct fakekvm *k, unsigned long request, void *arg)
{
	switch (request) {
	case KVM_CHECK_EXTENSION:
		return 4096;
	case KVM_SET_USER_MEMORY_REGION:
		return set_slot(k, arg);
	case KVM_IRQFD:
		return set_irqfd(k, arg);
	case KVM_SET_GSI_ROUTING:
		return set_routes(k, arg);
	case KVM_CREATE_DEVICE:
		return create_device(k, arg);
	case KVM_IRQ_LINE:
		return set_level(k, arg);
	case KVM_SET_TSS_ADDR:
	case KVM_SET_IDENTITY_MAP_ADDR:
	case KVM_CREATE_IRQCHIP:
	case KVM_CREATE_PIT2:
		return 0;
	default:
		return -ENOTTY;
	}
}

static int fake_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct fakekvm *k = fake_of(h);

	if (fd == k->vfio_device)
		return request == KVM_SET_DEVICE_ATTR ? set_group(k, arg) : -ENOTTY;
	if (fd == k->vm)
		return vm_ioctl(k, request, arg);
	if (fd != k->fd && fd != k->opened)
		return -EBADF;
	switch (request) {
	case KVM_GET_API_VERSION:
		return KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return 4096;
	case KVM_GET_VCPU_MMAP_SIZE:
		return 12288;
	case KVM_CREATE_VM:
		k->vm = eventfd(0, EFD_CLOEXEC);
		return k->vm;
	default:
		return -ENOTTY;
	}
}

static int fake_open(struct host *h, const char *path, int flags)
{
	struct fakekvm *k = fake_of(h);
	int fd;

	if (strcmp(path, "/dev/kvm") == 0)
		return k->opened = eventfd(0, EFD_CLOEXEC);
	fd = open(path, flags | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static ssize_t fake_pread(struct host *h UNUSED, int fd, void *buf, size_t len, uint64_t at)
{
	ssize_t n = pread(fd, buf, len, (off_t)at);

	return n < 0 ? -errno : n;
}

static void fake_close(struct host *h, int fd)
{
	struct fakekvm *k = fake_of(h);

	if (fd == k->vm)
		k->vm = -1;
	if (fd == k->opened)
		k->opened = -1;
	if (fd == k->vfio_device) {
		k->vfio_device = -1;
		k->n_groups = 0;
	}
	close(fd);
}

static int fake_mmap(
	struct host *h UNUSED, int fd, uint64_t at, size_t len, int prot, int flags, void **ret)
{
	void *p = mmap(flags & MAP_FIXED_NOREPLACE ? *ret : NULL, len, prot, flags, fd, (off_t)at);

	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

static int fake_munmap(struct host *h UNUSED, void *addr, size_t len)
{
	return munmap(addr, len) < 0 ? -errno : 0;
}

static const struct host_ops fake_ops = {
	.open = fake_open,
	.pread = fake_pread,
	.close = fake_close,
	.ioctl = fake_ioctl,
	.mmap = fake_mmap,
	.munmap = fake_munmap,
};

void fakekvm_init(struct fakekvm *k)
{
	*k = (struct fakekvm) {
		.host.ops = &fake_ops,
		.fd = eventfd(0, EFD_CLOEXEC),
		.opened = -1,
		.vm = -1,
		.vfio_device = -1,
		.knows_vfio = true,
	};
}

void fakekvm_done(struct fakekvm *k)
{
	close(k->fd);
}

void *fakekvm_at(const struct fakekvm *k, uint64_t gpa)
{
	for (unsigned i = 0; i < FAKEKVM_SLOTS; i++) {
		const struct kvm_userspace_memory_region *m = &k->slots[i];

		if (gpa >= m->guest_phys_addr && gpa - m->guest_phys_addr < m->memory_size)
			return (char *)(uintptr_t)m->userspace_addr + (gpa - m->guest_phys_addr);
	}
	return NULL;
}

unsigned fakekvm_slots(const struct fakekvm *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKEKVM_SLOTS; i++)
		n += k->slots[i].memory_size != 0;
	return n;
}

unsigned fakekvm_irqfds(const struct fakekvm *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKEKVM_IRQFDS; i++)
		n += k->irqfds[i].used;
	return n;
}

/* The message behind a GSI, or FAKEKVM_PIN + n for a pin. */
static uint32_t data_of(const struct fakekvm *k, uint32_t gsi)
{
	for (unsigned i = 0; i < k->n_routes; i++)
		if (k->routes[i].gsi == gsi && k->routes[i].type == KVM_IRQ_ROUTING_MSI)
			return k->routes[i].u.msi.data;
	return FAKEKVM_PIN + gsi;
}

unsigned fakekvm_deliver(struct fakekvm *k, uint32_t data)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FAKEKVM_IRQFDS; i++) {
		eventfd_t count = 0;

		if (!k->irqfds[i].used ||
			(eventfd_read(k->irqfds[i].fd, &count) < 0 && !k->irqfds[i].waited))
			continue;
		k->irqfds[i].waited = 0;
		n += data_of(k, k->irqfds[i].gsi) == data;
		if (k->irqfds[i].resample_fd >= 0)
			eventfd_write(k->irqfds[i].resample_fd, 1); /* the guest's EOI */
	}
	return n;
}
