/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "type1.h"

#include "capchain.h"
#include "device.h"
#include "group.h"

#include "base/str.h"
#include "host/devnode.h"

#include <fcntl.h>
#include <limits.h>

struct type1 {
	struct vfio_space space;
	int container;
	bool iommu_set;
	struct vfio_group **groups;
	size_t n_groups;
};

static struct type1 *type1_of(struct vfio_space *s)
{
	return container_of(s, struct type1, space);
}

static void type1_free(struct vfio_space *s)
{
	struct type1 *t = type1_of(s);

	for (size_t i = 0; i < t->n_groups; i++)
		vfio_group_free(t->groups[i]);
	free(t->groups);
	if (t->container >= 0)
		host_close(s->host, t->container);
	free(s->ranges);
	free(t);
}

/* What the walk over the answer of GET_INFO collects. */
struct found {
	struct iova_range *ranges;
	size_t n;
	uint32_t dma_avail;
	bool dma_avail_known, tracks;
};

static int take_ranges(const struct vfio_info_cap_header *cap, size_t room, struct found *f)
{
	const struct vfio_iommu_type1_info_cap_iova_range *c = (const void *)cap;

	if (room < sizeof(*c) || f->ranges ||
		c->nr_iovas > (room - sizeof(*c)) / sizeof(c->iova_ranges[0]))
		return -EBADMSG;
	f->ranges = calloc(c->nr_iovas ?: 1, sizeof(*f->ranges));
	if (!f->ranges)
		return -ENOMEM;
	f->n = c->nr_iovas;
	for (size_t i = 0; i < f->n; i++)
		f->ranges[i] =
			(struct iova_range) { c->iova_ranges[i].start, c->iova_ranges[i].end };
	return iova_ranges_tidy(f->ranges, f->n);
}

static int take_capability(const struct vfio_info_cap_header *cap, size_t room, void *arg)
{
	const struct vfio_iommu_type1_info_dma_avail *avail = (const void *)cap;
	struct found *f = arg;

	switch (cap->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		return take_ranges(cap, room, f);
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		if (room < sizeof(*avail))
			return -EBADMSG;
		f->dma_avail = avail->avail;
		f->dma_avail_known = true;
		return 0;
	case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		f->tracks = true;
		return 0;
	default:
		return 0;
	}
}

static int type1_refresh(struct vfio_space *s)
{
	struct vfio_iommu_type1_info ask = { .argsz = sizeof(ask) };
	const struct vfio_iommu_type1_info *got;
	autofree void *answer = NULL;
	struct found f = { 0 };
	size_t len;
	int r;

	r = capchain_ask(s->host, type1_of(s)->container, VFIO_IOMMU_GET_INFO, &ask, sizeof(ask),
		&answer, &len);
	if (r < 0)
		return r;
	got = answer;
	if (got->flags & VFIO_IOMMU_INFO_CAPS)
		r = capchain_walk(answer, len, got->cap_offset, take_capability, &f);
	if (r < 0) {
		free(f.ranges);
		return r;
	}
	free(s->ranges);
	s->ranges = f.ranges;
	s->n_ranges = f.n;
	s->dma_avail = f.dma_avail;
	s->dma_avail_known = f.dma_avail_known;
	s->dirty = f.tracks ? VFIO_DIRTY_ALL : VFIO_DIRTY_NONE;
	/* The kernel maps in pages of its own size even when the IOMMU could do smaller ones. */
	s->page_sizes = got->flags & VFIO_IOMMU_INFO_PGSIZES ? got->iova_pgsizes : 0;
	s->page_sizes &= ~(uint64_t)(sysconf(_SC_PAGESIZE) - 1);
	if (!s->page_sizes)
		s->page_sizes = (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static int set_iommu(struct type1 *t, struct problem **reterr)
{
	/* The argument is the number itself, not a pointer to it. */
	int r = host_ioctl(
		t->space.host, t->container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);

	if (r == -EPERM)
		return problem(reterr, r, PROBLEM_NOT_ASSIGNABLE,
			"the platform does not remap interrupts: see `vfctl doctor`",
			"the IOMMU cannot isolate the group safely");
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"set the type1 IOMMU of the container: %s", strerror(-r));
	t->iommu_set = true;
	return 0;
}

static struct vfio_group *find_group(struct type1 *t, unsigned id)
{
	for (size_t i = 0; i < t->n_groups; i++)
		if (t->groups[i]->id == id)
			return t->groups[i];
	return NULL;
}

static int keep_group(struct type1 *t, struct vfio_group *g)
{
	struct vfio_group **v =
		reallocarray(t->groups, t->n_groups + 1, sizeof(struct vfio_group *));

	if (!v)
		return -ENOMEM;
	t->groups = v;
	v[t->n_groups++] = g;
	return 0;
}

static int enter_group(
	struct type1 *t, unsigned id, struct vfio_group **ret, struct problem **reterr)
{
	CLEANUP(vfio_group_freep) struct vfio_group *g = NULL;
	int r = vfio_group_open(t->space.host, id, &g, reterr);

	if (r < 0)
		return r;
	r = vfio_group_join(g, t->container, reterr);
	if (r < 0)
		return r;
	if (!t->iommu_set)
		r = set_iommu(t, reterr);
	if (r < 0)
		return r;
	/* A new group may bring new holes. */
	r = type1_refresh(&t->space);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL,
			"the kernel's description of the IOMMU is not usable: %s", strerror(-r));
	r = keep_group(t, g);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*ret = TAKE_PTR(g);
	return 0;
}

/* When the only group leaves, the kernel forgets the IOMMU of the container, and so must we. */
static void leave_group(struct type1 *t, struct vfio_group *g)
{
	for (size_t i = 0; i < t->n_groups; i++)
		if (t->groups[i] == g)
			t->groups[i] = t->groups[--t->n_groups];
	vfio_group_free(g);
	if (t->n_groups == 0)
		t->iommu_set = false;
}

static void type1_leave(struct vfio_space *s, int group_fd)
{
	struct type1 *t = type1_of(s);

	for (size_t i = 0; i < t->n_groups; i++)
		if (t->groups[i]->fd == group_fd) {
			leave_group(t, t->groups[i]);
			return;
		}
}

static int type1_attach(struct vfio_space *s, const struct vfio_target *target,
	struct vfio_device **ret, struct problem **reterr)
{
	struct type1 *t = type1_of(s);
	struct vfio_group *g = find_group(t, target->group), *entered = NULL;
	int fd, r;

	if (!g) {
		r = enter_group(t, target->group, &entered, reterr);
		if (r < 0) {
			if (t->n_groups == 0)
				t->iommu_set = false;
			return r;
		}
		g = entered;
	}
	r = fd = vfio_group_open_device(g, target->name, target->vf_token, reterr);
	if (fd >= 0) {
		r = vfio_device_new(s->host, fd, g->fd, target->name, ret, reterr);
		if (r < 0)
			host_close(s->host, fd);
		else
			(*ret)->clean = (*ret)->can_reset; /* opening it has reset it */
	}
	if (r < 0 && entered)
		leave_group(t, entered);
	return r < 0 ? r : 0;
}

static int type1_map(struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m),
		.flags = (prot & VFIO_PROT_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (prot & VFIO_PROT_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)mem,
		.iova = at.v,
		.size = len,
	};

	return host_ioctl(s->host, type1_of(s)->container, VFIO_IOMMU_MAP_DMA, &m);
}

static int type1_unmap(struct vfio_space *s, struct iova at, uint64_t len)
{
	struct vfio_iommu_type1_dma_unmap u = { .argsz = sizeof(u), .iova = at.v, .size = len };
	int r = host_ioctl(s->host, type1_of(s)->container, VFIO_IOMMU_UNMAP_DMA, &u);

	if (r < 0)
		return r;
	/* Success with size 0 means that nothing was mapped there. */
	return u.size == len ? 0 : -ENOENT;
}

static const struct vfio_backend_ops type1_ops = {
	.name = "type1",
	.maps_devices = true,
	.free = type1_free,
	.attach = type1_attach,
	.leave = type1_leave,
	.refresh = type1_refresh,
	.map = type1_map,
	.unmap = type1_unmap,
};

static int type1_new(struct host *h, struct type1 **ret)
{
	struct type1 *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->space.ops = &type1_ops;
	t->space.host = h;
	t->space.page_sizes = (uint64_t)sysconf(_SC_PAGESIZE);
	t->container = -1;
	*ret = t;
	return 0;
}

static int check_kernel(struct host *h, int container, struct problem **reterr)
{
	int r = host_ioctl(h, container, VFIO_GET_API_VERSION, NULL);

	if (r < 0)
		return problem(reterr, r, PROBLEM_UNSUPPORTED, NULL,
			"the descriptor is no VFIO container: %s", strerror(-r));
	if (r != VFIO_API_VERSION)
		return problem(reterr, -EPROTONOSUPPORT, PROBLEM_UNSUPPORTED, NULL,
			"the kernel's VFIO interface has version %d, not %d", r, VFIO_API_VERSION);
	r = host_ioctl(h, container, VFIO_CHECK_EXTENSION, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU);
	if (r <= 0)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"load the module vfio_iommu_type1", "VFIO has no type1v2 IOMMU here");
	return 0;
}

static int blame_container(int code, struct problem **reterr)
{
	if (code == -ENOENT || code == -ENODEV || code == -ENXIO)
		return problem(reterr, code, PROBLEM_UNSUPPORTED,
			"load the module: `modprobe vfio-pci`",
			"the kernel offers no VFIO container");
	if (code == -EACCES || code == -EPERM)
		return problem(reterr, code, PROBLEM_PERMISSION, "run as root",
			"no permission to open the VFIO container");
	return problem(reterr, code, problem_kind_from_errno(code), NULL,
		"open the VFIO container: %s", strerror(-code));
}

int vfio_type1_open(struct host *h, struct vfio_space **ret, struct problem **reterr)
{
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	struct type1 *t;
	int r = type1_new(h, &t);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	s = &t->space;
	r = t->container = devnode_open(h, O_RDWR, "vfio/vfio");
	if (r < 0)
		return blame_container(r, reterr);
	r = check_kernel(h, t->container, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

int vfio_type1_adopt(
	struct host *h, int container_fd, struct vfio_space **ret, struct problem **reterr)
{
	struct type1 *t;
	int r = check_kernel(h, container_fd, reterr);

	if (r < 0)
		return r;
	r = type1_new(h, &t);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	t->container = container_fd;
	t->iommu_set = true;
	r = type1_refresh(&t->space);
	if (r < 0) {
		t->container = -1; /* stays the caller's */
		vfio_space_free(&t->space);
		return problem(reterr, r, PROBLEM_FAILED, NULL,
			"the container that was passed has no usable IOMMU: %s", strerror(-r));
	}
	*ret = &t->space;
	return 0;
}

static int adopt_group(struct type1 *t, int group_fd)
{
	struct vfio_group *g;
	int r;

	for (size_t i = 0; i < t->n_groups; i++)
		if (t->groups[i]->fd == group_fd)
			return 0;
	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	*g = (struct vfio_group) { .host = t->space.host, .id = UINT_MAX, .fd = group_fd };
	r = keep_group(t, g);
	if (r < 0)
		free(g);
	return r;
}

int vfio_type1_adopt_device(struct vfio_space *s, int group_fd, int device_fd, const char *name,
	struct vfio_device **ret, struct problem **reterr)
{
	struct vfio_device *d;
	int r = vfio_device_new(s->host, device_fd, group_fd, name, &d, reterr);

	if (r < 0)
		return r;
	r = group_fd < 0 ? 0 : adopt_group(type1_of(s), group_fd);
	if (r < 0) {
		d->fd = -1; /* stays the caller's */
		vfio_device_free(d);
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	}
	*ret = d;
	return 0;
}

int vfio_type1_container_fd(const struct vfio_space *s)
{
	const void *t = s; /* `space` is the first member */

	return ((const struct type1 *)t)->container;
}
