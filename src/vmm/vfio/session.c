/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

#include "base/str.h"
#include "host/witness.h"
#include "vfio/iommufd.h"
#include "vfio/type1.h"
#include "vmm/memory/prefault.h"

#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

/* A container or an iommufd, and the descriptor number by which the command line knows it. */
struct container {
	int fd;
	struct vfio_space *space;
	size_t n_mapped; /* banks, from the first on */
};

struct assigned {
	int kvm_fd; /* by which KVM gets to know it: the group's, or its own; -1 = none */
	struct vfio_space *space;
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
	unsigned map_calls;
	struct peers peers;
	int kvm_device; /* KVM_DEV_TYPE_VFIO, -1 = none */
};

static const char *wish_name(enum peers_wish wish)
{
	return wish == PEERS_AUTO ? "auto" : wish == PEERS_ON ? "on" : "off";
}

int vfio_session_new(struct host *h, enum peers_wish wish, struct vfio_session **ret)
{
	HOST_PART(h, "session - p2p=%s", wish_name(wish));
	struct vfio_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->host = h;
	s->kvm_device = -1;
	peers_init(&s->peers, wish);
	*ret = s;
	return 0;
}

void vfio_session_free(struct vfio_session *s)
{
	if (!s)
		return;
	vfio_session_leave(s);
	HOST_PART(s->host, "free");
	for (size_t i = 0; i < s->n_functions; i++) {
		struct vfio_device *d = s->functions[i].device;

		/* Whatever the guest left in it is nobody's business. */
		if (d->can_reset && !d->clean)
			vfio_device_reset(d, NULL);
		vfio_device_free(d);
	}
	for (size_t i = 0; i < s->n_containers; i++)
		vfio_space_free(s->containers[i].space);
	peers_done(&s->peers);
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

static int add_container(
	struct vfio_session *s, const struct vfio_fds *fds, struct problem **reterr)
{
	struct container *v = reallocarray(s->containers, s->n_containers + 1, sizeof(*v));
	int fd = fds->iommufd >= 0 ? fds->iommufd : fds->container, r;
	struct vfio_space *space;

	if (!v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	s->containers = v;
	r = fds->iommufd >= 0 ? vfio_iommufd_adopt(s->host, fd, &space, reterr)
			      : vfio_type1_adopt(s->host, fd, &space, reterr);
	if (r < 0)
		return r;
	v[s->n_containers++] = (struct container) { .fd = fd, .space = space };
	return 0;
}

static struct container *container_for(struct vfio_session *s, const struct vfio_fds *fds)
{
	if (fds->container < 0 && fds->iommufd < 0 && s->n_containers)
		return &s->containers[0];
	return find_container(s, fds->iommufd >= 0 ? fds->iommufd : fds->container);
}

/* It is there. */
static size_t index_of(const struct vfio_session *s, const struct vfio_device *d)
{
	size_t i = 0;

	while (s->functions[i].device != d)
		i++;
	return i;
}

/* The group is open already, and in its container. */
static int adopt_beside(struct vfio_session *s, const struct vfio_fds *fds, struct assigned *ret,
	struct problem **reterr)
{
	const struct assigned *other = &s->functions[index_of(s, fds->beside)];

	if (vfio_space_is_iommufd(other->space))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"%s was not opened through its group", fds->beside->name);
	ret->space = other->space;
	ret->kvm_fd = other->kvm_fd;
	return vfio_type1_adopt_device(
		other->space, other->kvm_fd, fds->device, fds->name, &ret->device, reterr);
}

static int adopt(struct vfio_session *s, const struct vfio_fds *fds, struct assigned *ret,
	struct problem **reterr)
{
	struct container *c = container_for(s, fds);
	int r = c ? 0 : add_container(s, fds, reterr);
	bool iommufd;

	if (r < 0)
		return r;
	c = c ? c : &s->containers[s->n_containers - 1];
	iommufd = vfio_space_is_iommufd(c->space);
	ret->space = c->space;
	ret->kvm_fd = iommufd ? fds->device : fds->group;
	return iommufd ? vfio_iommufd_adopt_device(
				 c->space, fds->device, fds->name, &ret->device, reterr)
		       : vfio_type1_adopt_device(c->space, fds->group, fds->device, fds->name,
				 &ret->device, reterr);
}

/* The descriptors get their names here. */
static void tell_add(struct vfio_session *s, const struct vfio_fds *fds)
{
	const char *container = host_name_fd(s->host, fds->container, "container");
	const char *group = host_name_fd(s->host, fds->group, "group");
	const char *iommufd = host_name_fd(s->host, fds->iommufd, "iommufd");
	const char *device = host_name_fd(s->host, fds->device, fds->name);

	host_begin(s->host, "add %s container=%s group=%s iommufd=%s device=%s%s", fds->name,
		container, group, iommufd, device, fds->clean ? " clean" : "");
}

static int session_add(struct vfio_session *s, const struct vfio_fds *fds, struct problem **reterr)
{
	struct assigned *v = reallocarray(s->functions, s->n_functions + 1, sizeof(*v));
	int r;

	if (!v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	s->functions = v;
	r = fds->beside ? adopt_beside(s, fds, &v[s->n_functions], reterr)
			: adopt(s, fds, &v[s->n_functions], reterr);
	if (r < 0)
		return problem_wrap(reterr, r, "take over %s", fds->name);
	v[s->n_functions].device->clean = fds->clean;
	s->n_functions++;
	return 0;
}

int vfio_session_add(struct vfio_session *s, const struct vfio_fds *fds, struct problem **reterr)
{
	int r;

	if (!host_is_watched(s->host))
		return session_add(s, fds, reterr);
	tell_add(s, fds);
	r = session_add(s, fds, reterr);
	host_end(s->host, "%s", r < 0 ? "failed" : "");
	return r;
}

const char *vfio_session_backend(const struct vfio_session *s)
{
	return s->n_functions ? s->functions[0].space->ops->name : NULL;
}

size_t vfio_session_count(const struct vfio_session *s)
{
	return s->n_functions;
}

struct vfio_device *vfio_session_device(struct vfio_session *s, size_t i)
{
	return s->functions[i].device;
}

struct peers *vfio_session_peers(struct vfio_session *s)
{
	return &s->peers;
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
static int check_container(
	const struct container *c, const struct guest_memory *m, struct problem **reterr)
{
	int r = vfio_space_check_entries(c->space, (unsigned)m->n_banks, reterr);

	for (size_t b = 0; b < m->n_banks && r >= 0; b++)
		r = vfio_space_check(c->space, iova_of(&m->banks[b]), m->banks[b].size, reterr);
	return r;
}

static int map_bank(
	struct vfio_session *s, struct container *c, size_t bank, struct problem **reterr)
{
	const struct guest_bank *b = &s->memory->banks[bank];
	int r = vfio_space_map(
		c->space, iova_of(b), b->host, b->size, VFIO_PROT_READ | VFIO_PROT_WRITE, reterr);

	s->map_calls++;
	if (r < 0)
		return r;
	c->n_mapped++;
	return 0;
}

int vfio_session_map_bank(struct vfio_session *s, size_t bank, struct problem **reterr)
{
	int r = 0;

	HOST_PART(s->host, "bank %zu", bank);
	for (size_t i = 0; s->memory && i < s->n_containers && r >= 0; i++)
		r = map_bank(s, &s->containers[i], bank, reterr);
	return r;
}

static int wait_for_bank(struct prefault *p, size_t bank, struct problem **reterr)
{
	enum { LOOK_UP_MS = 1000 };
	int r = p ? -ETIMEDOUT : 0;

	while (r == -ETIMEDOUT)
		r = prefault_wait(p, bank, LOOK_UP_MS);
	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, "free memory on the host",
			       "the guest's memory cannot be had: %s", strerror(-r))
		     : 0;
}

/*
 * All that the guest has, for a container that comes while it runs. Who started without functions
 * has only the pages that it has touched: threads bring the others, for the kernel, which pins
 * them, would do so one by one. Without threads it does.
 */
static int fill_container(struct vfio_session *s, struct container *c, struct problem **reterr)
{
	const struct prefault_params p = { .memory = s->memory };
	CLEANUP(prefault_freep) struct prefault *prefault = NULL;
	int r = check_container(c, s->memory, reterr);

	if (r >= 0 && prefault_new(&p, &prefault) < 0)
		prefault = NULL;
	for (size_t b = 0; b < s->memory->n_banks && r >= 0; b++) {
		r = wait_for_bank(prefault, b, reterr);
		if (r >= 0)
			r = map_bank(s, c, b, reterr);
	}
	return r;
}

void vfio_session_usage(struct vfio_session *s, struct dma_usage *ret)
{
	*ret = (struct dma_usage) { .calls = s->map_calls + peers_calls(&s->peers) };
	for (size_t i = 0; i < s->n_containers; i++) {
		const struct vfio_space *space = s->containers[i].space;
		unsigned entries, bars = peers_mapped(&s->peers, space, &entries);

		ret->bar_entries = MAX(ret->bar_entries, bars);
		ret->entries = MAX(ret->entries, entries);
		ret->pinned_bytes = MAX(ret->pinned_bytes, space->mapped_bytes);
		if (space->dma_avail_known)
			ret->limit = space->dma_avail;
		ret->dirty = vfio_dirty_name(space->dirty);
	}
}

/*
 * A group's descriptor or a function's own: since Linux 6.6 the attribute takes both, under the
 * number that was the group's alone.
 */
static void tell_kvm_one(struct vfio_session *s, int group_or_device, uint64_t what)
{
	int32_t fd = group_or_device;
	struct kvm_device_attr attr = {
		.group = KVM_DEV_VFIO_GROUP,
		.attr = what,
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
		if (s->functions[i].kvm_fd >= 0)
			tell_kvm_one(s, s->functions[i].kvm_fd, KVM_DEV_VFIO_GROUP_ADD);
}

/* BARs may be mapped in all containers from now on, and after leaving in none. */
static void close_book(struct vfio_session *s)
{
	for (size_t i = 0; i < s->n_containers; i++)
		peers_remove_space(&s->peers, s->containers[i].space);
}

static int open_book(struct vfio_session *s, struct problem **reterr)
{
	int r = 0;

	peers_restart(&s->peers);
	peers_count(&s->peers, s->n_functions);
	for (size_t i = 0; i < s->n_containers && r == 0; i++)
		r = peers_add_space(&s->peers, s->containers[i].space);
	if (r < 0)
		close_book(s);
	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory") : 0;
}

static void tell_enter(struct vfio_session *s, const struct guest_memory *m)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < m->n_banks; i++)
		strbuf_add(&b, " 0x%llx+0x%llx", (unsigned long long)m->banks[i].start.v,
			(unsigned long long)m->banks[i].size);
	host_begin(s->host, "enter%s", b.s ? b.s : "");
}

static int enter(struct vfio_session *s, struct kvm_vm *kvm, const struct guest_memory *m,
	struct problem **reterr)
{
	int r;

	for (size_t i = 0; i < s->n_containers; i++) {
		r = check_container(&s->containers[i], m, reterr);
		if (r < 0)
			return r;
	}
	r = open_book(s, reterr);
	if (r < 0)
		return r;
	s->kvm = kvm;
	s->memory = m;
	s->map_calls = 0;
	if (s->n_functions)
		tell_kvm(s);
	return 0;
}

int vfio_session_enter(struct vfio_session *s, struct kvm_vm *kvm, const struct guest_memory *m,
	struct problem **reterr)
{
	int r;

	if (!host_is_watched(s->host))
		return enter(s, kvm, m, reterr);
	tell_enter(s, m);
	r = enter(s, kvm, m, reterr);
	host_end(s->host, "%s", r < 0 ? "failed" : "");
	return r;
}

const struct vfio_space *vfio_session_space_of(
	const struct vfio_session *s, const struct vfio_device *d)
{
	return s->functions[index_of(s, d)].space;
}

static struct container *container_of_space(struct vfio_session *s, const struct vfio_space *space)
{
	size_t i = 0;

	while (s->containers[i].space != space)
		i++;
	return &s->containers[i];
}

int vfio_session_admit(struct vfio_session *s, struct vfio_device *d, struct problem **reterr)
{
	const struct assigned *a = &s->functions[index_of(s, d)];
	struct container *c = container_of_space(s, a->space);
	bool fresh = !c->n_mapped;
	int r;

	HOST_PART(s->host, "admit %s", d->name);
	r = fresh ? fill_container(s, c, reterr) : 0;
	if (r >= 0 && fresh && peers_add_space(&s->peers, c->space) < 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r < 0)
		return r;
	peers_count(&s->peers, s->n_functions);
	if (s->kvm_device < 0)
		tell_kvm(s);
	else if (a->kvm_fd >= 0)
		tell_kvm_one(s, a->kvm_fd, KVM_DEV_VFIO_GROUP_ADD);
	return 0;
}

static void unmap_banks(struct container *c, const struct guest_memory *m)
{
	while (c->n_mapped) {
		const struct guest_bank *b = &m->banks[--c->n_mapped];

		vfio_space_unmap(c->space, iova_of(b), b->size, NULL);
	}
}

/* Who else there is with the same group, or in the same container. */
static void count_users(const struct vfio_session *s, const struct assigned *a, size_t *ret_group,
	size_t *ret_space)
{
	*ret_group = *ret_space = 0;
	for (size_t i = 0; i < s->n_functions; i++) {
		*ret_space += s->functions[i].space == a->space;
		*ret_group += s->functions[i].kvm_fd == a->kvm_fd;
	}
}

/* The kernel forgets what a container maps when the last group leaves it: so do we, before. */
static void drop_container(struct vfio_session *s, struct container *c)
{
	peers_remove_space(&s->peers, c->space);
	if (s->memory)
		unmap_banks(c, s->memory);
	vfio_space_free(c->space);
	*c = s->containers[--s->n_containers];
}

void vfio_session_remove(struct vfio_session *s, struct vfio_device *d)
{
	size_t at = index_of(s, d), in_group, in_space;
	struct assigned a = s->functions[at];

	HOST_PART(s->host, "remove %s", d->name);
	count_users(s, &a, &in_group, &in_space);
	s->n_functions--;
	memmove(&s->functions[at], &s->functions[at + 1],
		(s->n_functions - at) * sizeof(*s->functions));
	if (in_group == 1 && a.kvm_fd >= 0 && s->kvm_device >= 0)
		tell_kvm_one(s, a.kvm_fd, KVM_DEV_VFIO_GROUP_DEL);
	vfio_device_free(a.device);
	peers_count(&s->peers, s->n_functions);
	if (in_space == 1)
		drop_container(s, container_of_space(s, a.space));
	else if (in_group == 1)
		vfio_space_leave(a.space, a.kvm_fd);
}

int vfio_session_group(const struct vfio_session *s, const struct vfio_device *d)
{
	const struct assigned *a = &s->functions[index_of(s, d)];

	return vfio_space_is_iommufd(a->space) ? -1 : a->kvm_fd;
}

bool vfio_session_prune(struct vfio_session *s, int fd)
{
	struct container *c = find_container(s, fd);

	HOST_PART(s->host, "prune %s", c ? host_name_fd(s->host, fd, "container") : "-");
	for (size_t i = 0; c && i < s->n_functions; i++)
		if (s->functions[i].space == c->space)
			return false;
	if (c)
		drop_container(s, c);
	return c;
}

int vfio_session_container(const struct vfio_session *s)
{
	return s->n_containers ? s->containers[0].fd : -1;
}

void vfio_session_leave(struct vfio_session *s)
{
	if (!s->memory)
		return;
	HOST_PART(s->host, "leave");
	close_book(s);
	for (size_t i = 0; i < s->n_containers; i++)
		unmap_banks(&s->containers[i], s->memory);
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

unsigned vfio_session_check(struct vfio_session *s, char *why, size_t size)
{
	size_t banks = s->memory ? s->memory->n_banks : 0;
	unsigned wrong = 0;

	for (size_t i = 0; i < s->n_containers; i++) {
		const struct container *c = &s->containers[i];
		unsigned entries, bars = peers_mapped(&s->peers, c->space, &entries);

		if (c->n_mapped == banks && entries == banks + bars)
			continue;
		if (!wrong++ && why)
			snprintf(why, size,
				"container %zu: %u entries for %zu banks of memory and %u parts "
				"of BARs",
				i, entries, banks, bars);
	}
	return wrong;
}
