// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommufd.h"

#include "abi.h"
#include "device.h"

#include "base/str.h"
#include "host/devnode.h"

#include <fcntl.h>
#include <linux/vfio.h>

enum {
	UUID_BYTES = 16,
	RANGES_MAX = 4096, /* a platform reserves a handful */
	RANGES_TRIES = 4,  /* a function that comes or goes meanwhile changes their number */
};

struct iommufd {
	struct vfio_space space;
	int fd;
	uint32_t ioas;
};

static struct iommufd *iommufd_of(struct vfio_space *s)
{
	return container_of(s, struct iommufd, space);
}

static void iommufd_free(struct vfio_space *s)
{
	struct iommufd *i = iommufd_of(s);

	struct abi_destroy d = { .size = sizeof(d), .id = i->ioas };

	/*
	 * With the last descriptor it would go anyway; others may have one. -EBUSY: a function is
	 * in it, which somebody else is going to move out.
	 */
	if (i->fd >= 0 && i->ioas)
		host_ioctl(s->host, i->fd, ABI_IOMMU_DESTROY, &d);
	if (i->fd >= 0)
		host_close(s->host, i->fd);
	free(s->ranges);
	free(i);
}

/* ---- What can be mapped ---- */

/* 1: there were more; *n says how many. */
static int ask_ranges(struct iommufd *i, struct abi_iova_range *v, uint32_t *n, uint64_t *alignment)
{
	struct abi_iova_ranges ask = {
		.size = sizeof(ask),
		.ioas_id = i->ioas,
		.num_iovas = *n,
		.allowed = (uintptr_t)v,
	};
	int r = host_ioctl(i->space.host, i->fd, ABI_IOAS_IOVA_RANGES, &ask);
	bool more = r == -EMSGSIZE && ask.num_iovas > *n;

	if (r < 0 && !more)
		return r == -EMSGSIZE ? -EBADMSG : r;
	if (ask.num_iovas > RANGES_MAX || (!more && ask.num_iovas > *n))
		return -EBADMSG;
	*n = ask.num_iovas;
	*alignment = ask.out_alignment;
	return more;
}

static int read_ranges(struct iommufd *i, struct abi_iova_range **ret, uint32_t *n, uint64_t *align)
{
	*n = 0;
	for (unsigned tries = 0; tries < RANGES_TRIES; tries++) {
		autofree struct abi_iova_range *v = calloc(*n + 1, sizeof(*v));
		int r = v ? ask_ranges(i, v, n, align) : -ENOMEM;

		if (r < 0)
			return r;
		if (r == 0) {
			*ret = TAKE_PTR(v);
			return 0;
		}
	}
	return -EAGAIN;
}

static int iommufd_refresh(struct vfio_space *s)
{
	autofree struct abi_iova_range *v = NULL;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), align = 0;
	struct iova_range *ranges;
	uint32_t n;
	int r = read_ranges(iommufd_of(s), &v, &n, &align);

	/* None at all: nothing could be mapped, and for us it would mean that nobody tells. */
	if (r == 0 && (!n || !align || (align & (align - 1)) || align > page))
		r = -EBADMSG;
	if (r < 0)
		return r;
	ranges = calloc(n, sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	for (uint32_t k = 0; k < n; k++)
		ranges[k] = (struct iova_range) { v[k].first, v[k].last };
	r = iova_ranges_tidy(ranges, n);
	if (r < 0) {
		free(ranges);
		return r;
	}
	free(s->ranges);
	s->ranges = ranges;
	s->n_ranges = n;
	s->page_sizes = page; /* memory is pinned by whole pages, whatever the IOMMU could do */
	return 0;
}

static int iommufd_map(struct vfio_space *s, struct iova at, void *mem, uint64_t len, unsigned prot)
{
	struct iommufd *i = iommufd_of(s);
	struct abi_map m = {
		.size = sizeof(m),
		.flags = ABI_MAP_FIXED | (prot & VFIO_PROT_READ ? ABI_MAP_READ : 0) |
			 (prot & VFIO_PROT_WRITE ? ABI_MAP_WRITE : 0),
		.ioas_id = i->ioas,
		.memory = (uintptr_t)mem,
		.length = len,
		.iova = at.v,
	};

	return host_ioctl(s->host, i->fd, ABI_IOAS_MAP, &m);
}

static int iommufd_unmap(struct vfio_space *s, struct iova at, uint64_t len)
{
	struct iommufd *i = iommufd_of(s);
	struct abi_unmap u = { .size = sizeof(u), .ioas_id = i->ioas, .iova = at.v, .length = len };
	int r = host_ioctl(s->host, i->fd, ABI_IOAS_UNMAP, &u);

	if (r < 0)
		return r;
	return u.length == len ? 0 : -ENOENT;
}

/* ---- A function: bound to the iommufd, attached to the address space ---- */

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Of a text that str_is_uuid() took. */
static void uuid_bytes(const char *text, uint8_t to[UUID_BYTES])
{
	for (unsigned n = 0; n < UUID_BYTES; n++, text += 2) {
		if (*text == '-')
			text++;
		to[n] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
	}
}

static int blame_bind(const char *name, const char *token, int code, struct problem **reterr)
{
	switch (code) {
	case -EACCES:
		return problem(reterr, code, PROBLEM_PERMISSION,
			"its PF is driven from user space: give that owner's token, vf-token=UUID",
			"%s needs a VF token%s", name, token ? ", and not this one" : "");
	case -EINVAL:
		/* Taken for the second of two that open the node, or for a flag it does not know.
		 */
		if (token)
			return problem(reterr, code, PROBLEM_UNSUPPORTED,
				"open it through its group: --vfio type1",
				"%s: iommufd takes no VF token before Linux 6.17; or somebody "
				"holds the function",
				name);
		return problem(reterr, -EBUSY, PROBLEM_IN_USE,
			"another VMM or user-space driver holds it; end that first",
			"%s is held by another process", name);
	case -EBUSY:
		return problem(reterr, code, PROBLEM_IN_USE,
			"another VMM or user-space driver holds it, or a driver of the host has a "
			"member of its group; see `vfctl groups`",
			"%s, or its IOMMU group, is held already", name);
	case -EPERM:
		/* Whose driver uses DMA owns the group (iommu.c); or MSIs are not isolated. */
		return problem(reterr, code, PROBLEM_GROUP_NOT_VIABLE,
			"see `vfctl groups`; interrupt remapping may be missing, too: `vfctl "
			"doctor`",
			"the kernel refuses %s: its IOMMU group is not usable", name);
	case -ENODEV:
		return problem(reterr, code, PROBLEM_VANISHED, NULL,
			"%s is just being taken from its driver", name);
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL,
			"bind %s to the iommufd: %s", name, strerror(-code));
	}
}

/* Of all its IOMMUs the one that can least. A space that was adopted names no device: unknown. */
static void ask_dirty(struct iommufd *i, uint32_t dev_id)
{
	struct abi_hw_info info = { .size = sizeof(info), .dev_id = dev_id };
	enum vfio_dirty d = VFIO_DIRTY_NONE;

	if (host_ioctl(i->space.host, i->fd, ABI_IOMMU_HW_INFO, &info) == 0 &&
		info.out_capabilities & ABI_HW_DIRTY_TRACKING)
		d = VFIO_DIRTY_PAGES;
	if (i->space.dirty == VFIO_DIRTY_UNKNOWN || d < i->space.dirty)
		i->space.dirty = d;
}

static int bind_device(
	struct iommufd *i, int device, const char *name, const char *token, struct problem **reterr)
{
	uint8_t uuid[UUID_BYTES];
	struct abi_bind b = {
		.argsz = sizeof(b),
		.iommufd = i->fd,
	};
	int r;

	if (token) {
		uuid_bytes(token, uuid);
		b.flags = ABI_BIND_TOKEN;
		b.token = (uintptr_t)uuid;
	}
	r = host_ioctl(i->space.host, device, ABI_DEVICE_BIND_IOMMUFD, &b);
	if (r < 0)
		return blame_bind(name, token, r, reterr);
	ask_dirty(i, b.out_devid);
	return 0;
}

static int attach_device(struct iommufd *i, int device, const char *name, struct problem **reterr)
{
	struct abi_attach a = { .argsz = sizeof(a), .pt_id = i->ioas };
	int r = host_ioctl(i->space.host, device, ABI_DEVICE_ATTACH_IOMMUFD_PT, &a);

	if (r == -EADDRINUSE)
		return problem(reterr, r, PROBLEM_RESERVED_IOVA,
			"see `vfctl groups` for the reserved regions",
			"what is mapped for the guest's other functions is reserved for %s", name);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"attach %s to the I/O address space: %s", name, strerror(-r));
	/* A new function may bring new holes. */
	r = iommufd_refresh(&i->space);
	return r < 0 ? problem(reterr, r, PROBLEM_FAILED, NULL,
			       "the kernel's description of the IOMMU is not usable: %s",
			       strerror(-r))
		     : 0;
}

static int blame_node(const char *name, int code, struct problem **reterr)
{
	if (code == -ENOENT || code == -ENODEV || code == -ENXIO)
		return problem(reterr, code, PROBLEM_NOT_BOUND_TO_VFIO,
			"bind the function: `vfctl bind SEL vfio-pci`; kernels before Linux 6.6 "
			"have none: --vfio type1",
			"%s has no VFIO device node", name);
	if (code == -EACCES || code == -EPERM)
		return problem(reterr, code, PROBLEM_PERMISSION,
			"run as root, or give the user access to its node in vfio/devices",
			"no permission to open %s's device node", name);
	return problem(reterr, code, problem_kind_from_errno(code), NULL,
		"open %s's device node: %s", name, strerror(-code));
}

static int open_node(struct host *h, const char *name, struct problem **reterr)
{
	autofree char *node = NULL;
	int r = vfio_cdev_find(h, name, &node);

	if (r == 0)
		r = devnode_open(h, O_RDWR, "%s", node);
	return r < 0 ? blame_node(name, r, reterr) : r;
}

static int iommufd_attach(struct vfio_space *s, const struct vfio_target *t,
	struct vfio_device **ret, struct problem **reterr)
{
	struct iommufd *i = iommufd_of(s);
	int fd = open_node(s->host, t->name, reterr), r;

	if (fd < 0)
		return fd;
	r = bind_device(i, fd, t->name, t->vf_token, reterr);
	if (r == 0)
		r = attach_device(i, fd, t->name, reterr);
	if (r == 0)
		r = vfio_device_new(s->host, fd, -1, t->name, ret, reterr);
	/* The kernel unbinds it with the last descriptor. */
	if (r < 0)
		host_close(s->host, fd);
	else
		(*ret)->clean = (*ret)->can_reset; /* binding it has reset it */
	return r;
}

static const struct vfio_backend_ops iommufd_ops = {
	.name = "iommufd",
	.free = iommufd_free,
	.attach = iommufd_attach,
	.refresh = iommufd_refresh,
	.map = iommufd_map,
	.unmap = iommufd_unmap,
};

/* ---- The iommufd ---- */

static int rlimit_mode(struct host *h, int fd, uint16_t op, uint64_t *value)
{
	struct abi_option o = {
		.size = sizeof(o),
		.option = ABI_OPTION_RLIMIT_MODE,
		.op = op,
		.value = *value,
	};
	int r = host_ioctl(h, fd, ABI_OPTION, &o);

	if (r >= 0)
		*value = o.value;
	return r;
}

int vfio_iommufd_open_bare(struct host *h)
{
	uint64_t per_process = 1;
	int fd = devnode_open(h, O_RDWR, "iommu");

	/* Only while nothing is in it, and only who has CAP_SYS_RESOURCE; else it stays the user's.
	 */
	if (fd >= 0)
		rlimit_mode(h, fd, ABI_OPTION_SET, &per_process);
	return fd;
}

static int blame_open(int code, struct problem **reterr)
{
	if (code == -ENOENT || code == -ENODEV || code == -ENXIO)
		return problem(reterr, code, PROBLEM_UNSUPPORTED,
			"load the module iommufd, if this kernel has it; else --vfio type1",
			"the kernel offers no iommufd");
	if (code == -EACCES || code == -EPERM)
		return problem(reterr, code, PROBLEM_PERMISSION, "run as root",
			"no permission to open the iommufd");
	return problem(reterr, code, problem_kind_from_errno(code), NULL, "open the iommufd: %s",
		strerror(-code));
}

static int make_space(struct iommufd *i, struct problem **reterr)
{
	struct abi_ioas_alloc a = { .size = sizeof(a) };
	uint64_t per_process = 0;
	int r = host_ioctl(i->space.host, i->fd, ABI_IOAS_ALLOC, &a);

	if (r == -ENOTTY || r == -EINVAL)
		return problem(
			reterr, r, PROBLEM_UNSUPPORTED, NULL, "the descriptor is no iommufd");
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"make an I/O address space: %s", strerror(-r));
	i->ioas = a.out_ioas_id;
	r = rlimit_mode(i->space.host, i->fd, ABI_OPTION_GET, &per_process);
	i->space.memlock_of_user = r < 0 || !per_process;
	r = iommufd_refresh(&i->space);
	return r < 0 ? problem(reterr, r, PROBLEM_FAILED, NULL,
			       "the kernel's description of the IOMMU is not usable: %s",
			       strerror(-r))
		     : 0;
}

int vfio_iommufd_adopt(struct host *h, int fd, struct vfio_space **ret, struct problem **reterr)
{
	struct iommufd *i = calloc(1, sizeof(*i));
	int r;

	if (!i)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*i = (struct iommufd) { .space = { .ops = &iommufd_ops, .host = h }, .fd = fd };
	r = make_space(i, reterr);
	if (r < 0) {
		i->fd = -1; /* stays the caller's */
		vfio_space_free(&i->space);
		return r;
	}
	*ret = &i->space;
	return 0;
}

int vfio_iommufd_open(struct host *h, struct vfio_space **ret, struct problem **reterr)
{
	int fd = vfio_iommufd_open_bare(h), r;

	if (fd < 0)
		return blame_open(fd, reterr);
	r = vfio_iommufd_adopt(h, fd, ret, reterr);
	if (r < 0)
		host_close(h, fd);
	return r;
}

/* A node that nobody has bound yet answers nothing. */
static bool is_bound(struct host *h, int device)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	return host_ioctl(h, device, VFIO_DEVICE_GET_INFO, &info) != -EINVAL;
}

int vfio_iommufd_adopt_device(struct vfio_space *s, int device_fd, const char *name,
	struct vfio_device **ret, struct problem **reterr)
{
	struct iommufd *i = iommufd_of(s);
	int r = is_bound(s->host, device_fd) ? 0 : bind_device(i, device_fd, name, NULL, reterr);

	if (r == 0)
		r = attach_device(i, device_fd, name, reterr);
	return r == 0 ? vfio_device_new(s->host, device_fd, -1, name, ret, reterr) : r;
}

bool vfio_space_is_iommufd(const struct vfio_space *s)
{
	return s->ops == &iommufd_ops;
}

int vfio_iommufd_fd(const struct vfio_space *s)
{
	const void *i = s; /* `space` is the first member */

	return ((const struct iommufd *)i)->fd;
}
