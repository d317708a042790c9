// SPDX-License-Identifier: GPL-2.0-or-later
#include "handles.h"

#include "image.h"
#include "tap.h"

#include "base/str.h"
#include "cause/cause.h"
#include "host/devnode.h"
#include "host/sysfs.h"
#include "vfio/type1.h"

#include <fcntl.h>
#include <linux/kvm.h>

enum { HUGE_PAGE_BYTES = 2 << 20 };

static void close_all(struct host *h, int *fds, size_t n)
{
	for (size_t i = 0; fds && i < n; i++)
		if (fds[i] >= 0)
			host_close(h, fds[i]);
	free(fds);
}

void launch_handles_done(struct launch_handles *l)
{
	int single[] = { l->kvm, l->kernel, l->initrd };

	if (!l->host)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(single); i++)
		if (single[i] >= 0)
			host_close(l->host, single[i]);
	close_all(l->host, l->disks, l->n_disks);
	close_all(l->host, l->nets, l->n_nets);
	close_all(l->host, l->fallbacks, l->n);
	for (size_t i = 0; l->devices && i < l->n; i++)
		vfio_device_free(l->devices[i]);
	free(l->devices);
	vfio_space_free(l->space);
	*l = (struct launch_handles) { 0 };
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static int *no_fds(size_t n)
{
	int *v = calloc(n + 1, sizeof(*v));

	for (size_t i = 0; v && i <= n; i++)
		v[i] = -1;
	return v;
}

static int open_kvm(struct host *h, struct problem **reterr)
{
	int fd = devnode_open(h, O_RDWR, "kvm"), version;

	if (fd == -EACCES || fd == -EPERM)
		return problem(reterr, fd, PROBLEM_PERMISSION, "run as root, or join the group kvm",
			"no permission to use KVM: %s", strerror(-fd));
	if (fd < 0)
		return problem(reterr, fd, PROBLEM_NO_KVM,
			"load kvm_intel or kvm_amd; switch virtualisation on in the firmware",
			"%s: %s", problem_kind_meaning(PROBLEM_NO_KVM), strerror(-fd));
	version = host_ioctl(h, fd, KVM_GET_API_VERSION, NULL);
	if (version == KVM_API_VERSION)
		return fd;
	host_close(h, fd);
	return problem(reterr, -EPROTONOSUPPORT, PROBLEM_NO_KVM, NULL,
		"%s: its interface has version %d, not %d", problem_kind_meaning(PROBLEM_NO_KVM),
		version, KVM_API_VERSION);
}

static int check_huge_pages(struct host *h, const struct launch_request *r, struct problem **reterr)
{
	uint64_t unused, need = r->memory_bytes / HUGE_PAGE_BYTES;

	if (!r->huge_pages ||
		sysfs_read_u64(h, &unused, "kernel/mm/hugepages/hugepages-2048kB/free_hugepages") <
			0 ||
		unused >= need)
		return 0;
	problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL,
		"%llu free huge pages of 2M, the guest needs %llu", (unsigned long long)unused,
		(unsigned long long)need);
	problem_hint(reterr, "sysctl vm.nr_hugepages=%llu", (unsigned long long)need);
	return -ENOMEM;
}

static int open_disks(
	struct launch_handles *l, const struct launch_request *r, struct problem **reterr)
{
	l->disks = no_fds(r->n_disks);
	if (!l->disks)
		return no_memory(reterr);
	for (l->n_disks = 0; l->n_disks < r->n_disks; l->n_disks++) {
		const struct launch_disk *d = &r->disks[l->n_disks];
		int fd = image_open_disk(l->host, d->path, d->read_only, reterr);

		if (fd < 0)
			return fd;
		l->disks[l->n_disks] = fd;
	}
	return 0;
}

int launch_open_files(struct host *files, const struct launch_request *r,
	struct launch_handles *ret, struct problem **reterr)
{
	autohandles l = { .host = files, .kvm = -1, .kernel = -1, .initrd = -1 };
	int e;

	e = l.kernel = image_open_kernel(files, r->kernel, reterr);
	if (e >= 0 && r->initrd)
		e = l.initrd = image_open_initrd(files, r->initrd, reterr);
	if (e >= 0)
		e = open_disks(&l, r, reterr);
	if (e < 0)
		return e;
	*ret = l;
	l = (struct launch_handles) { 0 };
	return 0;
}

static int open_function(
	struct launch_handles *l, const struct launch_choice *c, size_t i, struct problem **reterr)
{
	const struct vfio_target target = {
		.name = c->function->address,
		.group = (unsigned)c->function->iommu_group,
		.vf_token = c->vf->vf_token,
	};
	autocausemark mark = cause_mark(l->host);
	int r = l->space ? 0 : vfio_type1_open(l->host, &l->space, reterr);

	if (r < 0)
		return r;
	r = vfio_space_attach(l->space, &target, &l->devices[i], reterr);
	return r < 0 ? cause_explain_opening(l->host, c->function->bdf, r, &mark, reterr) : r;
}

static int open_functions(struct launch_handles *l, struct launch_plan *p, struct problem **reterr)
{
	for (size_t i = 0; i < p->n; i++) {
		struct problem *why = NULL;
		int r;

		if (p->v[i].how != LAUNCH_VFIO)
			continue;
		r = open_function(l, &p->v[i], i, &why);
		if (r < 0)
			r = launch_fall_back(&p->v[i], r, why, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What is not going to be assigned after all is not kept from others. */
static void drop_unused(struct launch_handles *l, const struct launch_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].how == LAUNCH_VFIO)
			continue;
		vfio_device_free(l->devices[i]);
		l->devices[i] = NULL;
	}
	if (launch_plan_has_vfio(p))
		return;
	vfio_space_free(l->space);
	l->space = NULL;
}

static int open_fallbacks(
	struct launch_handles *l, const struct launch_plan *p, struct problem **reterr)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct launch_choice *c = &p->v[i];
		int fd = 0;

		if (c->how == LAUNCH_VFIO)
			continue;
		if (c->how == LAUNCH_NET)
			fd = tap_attach(l->host, c->vf->net.tap, reterr);
		else
			fd = image_open_disk(
				l->host, c->vf->disk.path, c->vf->disk.read_only, reterr);
		if (fd < 0)
			return problem_wrap(reterr, fd, "%s, and its fallback", c->vf->selector);
		l->fallbacks[i] = fd;
	}
	return 0;
}

static int open_nets(
	struct launch_handles *l, const struct launch_request *r, struct problem **reterr)
{
	l->nets = no_fds(r->n_nets);
	if (!l->nets)
		return no_memory(reterr);
	for (l->n_nets = 0; l->n_nets < r->n_nets; l->n_nets++) {
		int fd = tap_attach(l->host, r->nets[l->n_nets].tap, reterr);

		if (fd < 0)
			return fd;
		l->nets[l->n_nets] = fd;
	}
	return 0;
}

int launch_open_devices(struct host *h, const struct launch_request *r, struct launch_plan *p,
	struct launch_handles *io, struct problem **reterr)
{
	int e;

	e = io->kvm = open_kvm(h, reterr);
	if (e >= 0)
		e = check_huge_pages(h, r, reterr);
	if (e < 0)
		return e;
	io->devices = calloc(p->n + 1, sizeof(struct vfio_device *));
	io->fallbacks = no_fds(p->n);
	if (!io->devices || !io->fallbacks)
		return no_memory(reterr);
	io->n = p->n;
	e = open_functions(io, p, reterr);
	if (e >= 0)
		e = launch_check_memlock(p, r->memory_bytes, reterr);
	if (e < 0)
		return e;
	drop_unused(io, p);
	e = open_fallbacks(io, p, reterr);
	return e < 0 ? e : open_nets(io, r, reterr);
}
