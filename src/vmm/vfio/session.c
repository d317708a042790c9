/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

#include "vfio/type1.h"

#include <linux/kvm.h>
#include <string.h>

/* A container, and the descriptor number by which the command line knows it. */
struct container {
	int fd;
	struct vfio_space *space;
	size_t n_mapped; /* banks */
};

struct assigned {
	int group;
	struct vfio_device *device;
};

struct vfio_session {
	struct host *host;
	struct container *containers;
	size_t n_containers;
	struct assigned *functions;
	size_t n_functions;
	struct kvm_vm *kvm;
	const struct guest_memory *memory; /* entered with; NULL outside */
	int kvm_device;			   /* KVM_DEV_TYPE_VFIO, -1 = none */
};

int vfio_session_new(struct host *h, struct vfio_session **ret)
{
	struct vfio_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->host = h;
	s->kvm_device = -1;
	*ret = s;
	return 0;
}

void vfio_session_free(struct vfio_session *s)
{
	if (!s)
		return;
	vfio_session_leave(s);
	for (size_t i = 0; i < s->n_functions; i++) {
		/* Whatever the guest left in it is nobody's business. */
		if (s->functions[i].device->can_reset)
			vfio_device_reset(s->functions[i].device, NULL);
		vfio_device_free(s->functions[i].device);
	}
	for (size_t i = 0; i < s->n_containers; i++)
		vfio_space_free(s->containers[i].space);
	free(s->functions);
	free(s->containers);
	free(s);
}

static struct container *find_container(struct vfio_session *s, int fd)
{
	for (size_t i = 0; i < s->n_containers; i++)
		if (s->containers[i].fd == fd)
			return &s->containers[i];
	return NULL;
}

static int add_container(struct vfio_session *s, int fd, struct problem **reterr)
{
	struct container *v = reallocarray(s->containers, s->n_containers + 1, sizeof(*v));
	struct vfio_space *space;
	int r;

	if (!v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	s->containers = v;
	r = vfio_type1_adopt(s->host, fd, &space, reterr);
	if (r < 0)
		return r;
	v[s->n_containers++] = (struct container) { .fd = fd, .space = space };
	return 0;
}

int vfio_session_add(struct vfio_session *s, const struct vfio_fds *fds, struct problem **reterr)
{
	struct assigned *v = reallocarray(s->functions, s->n_functions + 1, sizeof(*v));
	struct container *c = find_container(s, fds->container);
	struct vfio_device *device;
	int r;

	if (!v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	s->functions = v;
	if (!c) {
		r = add_container(s, fds->container, reterr);
		if (r < 0)
			return problem_wrap(reterr, r, "take over %s", fds->name);
		c = &s->containers[s->n_containers - 1];
	}
	r = vfio_type1_adopt_device(c->space, fds->group, fds->device, fds->name, &device, reterr);
	if (r < 0)
		return problem_wrap(reterr, r, "take over %s", fds->name);
	v[s->n_functions++] = (struct assigned) { fds->group, device };
	return 0;
}

size_t vfio_session_count(const struct vfio_session *s)
{
	return s->n_functions;
}

struct vfio_device *vfio_session_device(struct vfio_session *s, size_t i)
{
	return s->functions[i].device;
}

/* The holes before, between and behind the usable ranges of one container. */
static size_t holes_of(const struct vfio_space *space, struct guest_range *out)
{
	uint64_t next = 0;
	size_t n = 0;

	for (size_t i = 0; i < space->n_ranges; i++) {
		if (space->ranges[i].first > next)
			out[n++] = (struct guest_range) { next, space->ranges[i].first - 1 };
		if (space->ranges[i].last == UINT64_MAX)
			return n;
		next = space->ranges[i].last + 1;
	}
	if (space->n_ranges)
		out[n++] = (struct guest_range) { next, UINT64_MAX };
	return n;
}

int vfio_session_reserved(const struct vfio_session *s, struct guest_range **ret, size_t *ret_n)
{
	struct guest_range *v;
	size_t most = 1, n = 0;

	for (size_t i = 0; i < s->n_containers; i++)
		most += s->containers[i].space->n_ranges + 1;
	v = calloc(most, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_containers; i++)
		n += holes_of(s->containers[i].space, &v[n]);
	*ret = v;
	*ret_n = n;
	return 0;
}

static struct iova iova_of(const struct guest_bank *b)
{
	return (struct iova) { b->start.v };
}

/* Before the first byte is pinned, so that a refusal costs nothing. */
static int check_all(
	const struct vfio_session *s, const struct guest_memory *m, struct problem **reterr)
{
	for (size_t c = 0; c < s->n_containers; c++)
		for (size_t b = 0; b < m->n_banks; b++) {
			int r = vfio_space_check(s->containers[c].space, iova_of(&m->banks[b]),
				m->banks[b].size, reterr);

			if (r < 0)
				return r;
		}
	return 0;
}

static int map_banks(struct container *c, const struct guest_memory *m, struct problem **reterr)
{
	for (c->n_mapped = 0; c->n_mapped < m->n_banks; c->n_mapped++) {
		const struct guest_bank *b = &m->banks[c->n_mapped];
		int r = vfio_space_map(c->space, iova_of(b), b->host, b->size,
			VFIO_PROT_READ | VFIO_PROT_WRITE, reterr);

		if (r < 0)
			return r;
	}
	return 0;
}

static void tell_kvm_one(struct vfio_session *s, int group)
{
	int32_t fd = group;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = KVM_DEV_VFIO_GROUP_ADD,
		.addr = (uintptr_t)&fd,
	};

	/* -EEXIST when two functions share the group; any other refusal loses no correctness. */
	host_ioctl(s->host, s->kvm_device, KVM_SET_DEVICE_ATTR, &attr);
}

/* So that KVM knows of DMA that ignores caches, and holds the groups as long as the VM lives. */
static void tell_kvm(struct vfio_session *s)
{
	struct kvm_create_device d = { .type = KVM_DEV_TYPE_VFIO };

	if (kvm_vm_ioctl(s->kvm, KVM_CREATE_DEVICE, &d) < 0)
		return;
	s->kvm_device = (int)d.fd;
	for (size_t i = 0; i < s->n_functions; i++)
		if (s->functions[i].group >= 0)
			tell_kvm_one(s, s->functions[i].group);
}

int vfio_session_enter(struct vfio_session *s, struct kvm_vm *kvm, const struct guest_memory *m,
	struct problem **reterr)
{
	int r = 0;

	if (!s->n_functions)
		return 0;
	r = check_all(s, m, reterr);
	if (r < 0)
		return r;
	s->kvm = kvm;
	s->memory = m;
	for (size_t i = 0; r >= 0 && i < s->n_containers; i++)
		r = map_banks(&s->containers[i], m, reterr);
	if (r < 0) {
		vfio_session_leave(s);
		return r;
	}
	tell_kvm(s);
	return 0;
}

void vfio_session_leave(struct vfio_session *s)
{
	if (!s->memory)
		return;
	for (size_t i = 0; i < s->n_containers; i++) {
		struct container *c = &s->containers[i];

		while (c->n_mapped) {
			const struct guest_bank *b = &s->memory->banks[--c->n_mapped];

			vfio_space_unmap(c->space, iova_of(b), b->size, NULL);
		}
	}
	if (s->kvm_device >= 0)
		host_close(s->host, s->kvm_device);
	s->kvm_device = -1;
	s->kvm = NULL;
	s->memory = NULL;
}

bool vfio_session_known_to_kvm(const struct vfio_session *s)
{
	return s->kvm_device >= 0;
}
