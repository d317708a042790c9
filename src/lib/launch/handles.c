// SPDX-License-Identifier: GPL-2.0-or-later
#include "handles.h"
#include "port.h"
#include "vhost.h"

#include "backend.h"
#include "image.h"

#include "base/str.h"
#include "cause/cause.h"
#include "host/devnode.h"

#include <fcntl.h>
#include <linux/kvm.h>

static void close_all(struct host *h, int *fds, size_t n)
{
	for (size_t i = 0; fds && i < n; i++)
		if (fds[i] >= 0)
			host_close(h, fds[i]);
	free(fds);
}

static void free_uplinks(struct uplink **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		uplink_free(v[i]);
	free(v);
}

static void close_uplinks(struct uplink **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		if (v[i])
			uplink_close_fds(v[i]);
}

static void free_vhosts(struct host *h, struct launch_kernel_net *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		launch_kernel_net_done(h, &v[i]);
	free(v);
}

void launch_handles_keep_uplinks(struct launch_handles *l, struct launch_handles *ret)
{
	*ret = (struct launch_handles) {
		.host = l->host,
		.kvm = -1,
		.kernel = -1,
		.initrd = -1,
		.record = -1,
		.control = -1,
		.vsock = -1,
		.nets = TAKE_PTR(l->nets),
		.n_nets = l->n_nets,
		.fallback_nets = TAKE_PTR(l->fallback_nets),
		.ports = TAKE_PTR(l->ports),
		.n = l->n,
		.sockets = TAKE_PTR(l->sockets),
		.n_sockets = l->n_sockets,
	};
	l->n_sockets = 0;
	launch_close_ports(ret);
	close_uplinks(ret->nets, ret->n_nets);
	close_uplinks(ret->fallback_nets, ret->n);
}

void launch_handles_done(struct launch_handles *l)
{
	int single[] = { l->kvm, l->kernel, l->initrd, l->record, l->control, l->vsock };

	if (!l->host)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(single); i++)
		if (single[i] >= 0)
			host_close(l->host, single[i]);
	close_all(l->host, l->disks, l->n_disks);
	close_all(l->host, l->dialers, l->n_dialers);
	free_vhosts(l->host, l->net_vhosts, l->n_nets);
	free_vhosts(l->host, l->fallback_vhosts, l->n);
	free_uplinks(l->nets, l->n_nets);
	free_uplinks(l->fallback_nets, l->n);
	free_uplinks(l->ports, l->n);
	launch_remove_ports(l);
	close_all(l->host, l->roms, l->n_roms);
	close_all(l->host, l->fallbacks, l->n);
	for (size_t i = 0; l->devices && i < l->n; i++)
		vfio_device_free(l->devices[i]);
	free(l->devices);
	vfio_space_free(l->space);
	problem_free(l->why_type1);
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

static int open_disks(
	struct launch_handles *l, const struct launch_request *r, struct problem **reterr)
{
	l->disks = no_fds(r->n_disks);
	if (!l->disks)
		return no_memory(reterr);
	for (l->n_disks = 0; l->n_disks < r->n_disks; l->n_disks++) {
		const struct launch_disk *d = &r->disks[l->n_disks];
		int fd = image_open_disk(l->host, d->path, d->read_only, d->direct, reterr);

		if (fd < 0)
			return fd;
		l->disks[l->n_disks] = fd;
	}
	return 0;
}

static int open_roms(
	struct launch_handles *l, const struct launch_request *r, struct problem **reterr)
{
	l->roms = no_fds(r->n_vfs);
	if (!l->roms)
		return no_memory(reterr);
	for (l->n_roms = 0; l->n_roms < r->n_vfs; l->n_roms++) {
		const char *path = r->vfs[l->n_roms].rom_file;
		int fd = path ? image_open_rom(l->host, path, reterr) : -1;

		if (path && fd < 0)
			return fd;
		l->roms[l->n_roms] = fd;
	}
	return 0;
}

int launch_open_files(struct host *files, const struct launch_request *r,
	struct launch_handles *ret, struct problem **reterr)
{
	autohandles l = { .host = files,
		.kvm = -1,
		.kernel = -1,
		.initrd = -1,
		.record = -1,
		.control = -1,
		.vsock = -1 };
	int e;

	e = l.kernel = image_open_kernel(files, r->kernel, reterr);
	if (e >= 0 && r->initrd)
		e = l.initrd = image_open_initrd(files, r->initrd, reterr);
	if (e >= 0)
		e = open_disks(&l, r, reterr);
	if (e >= 0)
		e = open_roms(&l, r, reterr);
	if (e >= 0)
		e = launch_open_dialers(r, &l, reterr);
	if (e < 0)
		return e;
	*ret = l;
	l = (struct launch_handles) { 0 };
	return 0;
}

int launch_open_record(
	const struct launch_request *r, struct launch_handles *io, struct problem **reterr)
{
	int fd = r->record ? image_open_record(io->host, r->record, reterr) : -1;

	if (r->record && fd < 0)
		return fd;
	io->record = fd;
	return 0;
}

static int open_function(struct launch_handles *l, struct vfio_pick *pick,
	const struct launch_choice *c, size_t i, struct problem **reterr)
{
	const struct vfio_target target = launch_target(c);
	autocausemark mark = cause_mark(l->host);
	int r = vfio_pick_attach(l->host, pick, &target, &l->space, &l->devices[i], reterr);

	return r < 0 ? cause_explain_opening(l->host, c->function->bdf, r, &mark, reterr) : r;
}

static int open_functions(struct launch_handles *l, const struct launch_request *r,
	struct launch_plan *p, struct problem **reterr)
{
	CLEANUP(vfio_pick_done) struct vfio_pick pick = { .wish = r->backend };
	autofree struct vfio_target *targets = launch_targets(p, &pick.n);

	if (!targets)
		return no_memory(reterr);
	pick.targets = targets;
	for (size_t i = 0; i < p->n; i++) {
		struct problem *why = NULL;
		int e;

		if (p->v[i].how != LAUNCH_VFIO)
			continue;
		e = open_function(l, &pick, &p->v[i], i, &why);
		if (e < 0)
			e = launch_fall_back(&p->v[i], e, why, reterr);
		if (e < 0)
			return e;
	}
	if (l->space)
		l->why_type1 = TAKE_PTR(pick.why_not);
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

static int open_vhost(struct launch_handles *l, const struct launch_net *n, const struct uplink *u,
	struct launch_kernel_net *ret, struct problem **reterr)
{
	return launch_open_vhost(l->host, n, u->n, &l->vhosts_used, ret, reterr);
}

/* In the function's place, or as its standby, then with its address. */
static int open_beside(
	struct launch_handles *l, const struct launch_choice *c, size_t i, struct problem **reterr)
{
	struct uplink_wish w = c->vf->net.uplink;
	int r;

	if (!mac_is_zero(c->mac))
		w.mac = c->mac;
	r = uplink_open(l->host, &w, &l->fallback_nets[i], reterr);
	return r < 0 ? r
		     : open_vhost(
			       l, &c->vf->net, l->fallback_nets[i], &l->fallback_vhosts[i], reterr);
}

static int open_fallbacks(
	struct launch_handles *l, const struct launch_plan *p, struct problem **reterr)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct launch_choice *c = &p->v[i];
		int r = 0;

		if (c->how == LAUNCH_NET || c->vf->standby)
			r = open_beside(l, c, i, reterr);
		else if (c->how == LAUNCH_DISK)
			r = l->fallbacks[i] = image_open_disk(l->host, c->vf->disk.path,
				c->vf->disk.read_only, c->vf->disk.direct, reterr);
		if (r < 0)
			return problem_wrap(reterr, r, "%s, and its fallback", c->vf->selector);
	}
	return 0;
}

/* Before the guest sends, and only those of functions that it gets. */
static int join_ports(
	struct launch_handles *l, const struct launch_plan *p, struct problem **reterr)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct launch_choice *c = &p->v[i];
		int r = 0;

		if (c->how == LAUNCH_VFIO && *c->representor)
			r = uplink_join(
				l->host, &c->vf->port.uplink, c->representor, &l->ports[i], reterr);
		if (r < 0)
			return problem_wrap(reterr, r, "%s, and its representor", c->vf->selector);
	}
	return 0;
}

static int open_nets(
	struct launch_handles *l, const struct launch_request *r, struct problem **reterr)
{
	l->nets = calloc(r->n_nets + 1, sizeof(struct uplink *));
	l->net_vhosts = calloc(r->n_nets + 1, sizeof(*l->net_vhosts));
	if (!l->nets || !l->net_vhosts)
		return no_memory(reterr);
	while (l->n_nets < r->n_nets) {
		size_t i = l->n_nets;
		int e = uplink_open(l->host, &r->nets[i].uplink, &l->nets[i], reterr);

		if (e < 0)
			return e;
		l->n_nets++;
		e = open_vhost(l, &r->nets[i], l->nets[i], &l->net_vhosts[i], reterr);
		if (e < 0)
			return e;
	}
	return 0;
}

/*
 * A mapping for each stretch of memory, of which there are two where it goes on above the devices
 * below 4 GiB. Reserved addresses may make more: that only the VMM knows, which looks again.
 */
static int check_entries(struct launch_handles *l, struct launch_plan *p, uint64_t memory_bytes,
	struct problem **reterr)
{
	unsigned least = memory_bytes > 3ULL << 30 ? 2 : 1;

	for (size_t i = 0; l->space && i < p->n; i++) {
		struct problem *why = NULL;
		int r;

		if (p->v[i].how != LAUNCH_VFIO)
			continue;
		r = vfio_space_check_entries(l->space, least, &why);
		if (r < 0)
			r = launch_fall_back(&p->v[i], r, why, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

int launch_open_devices(struct host *h, const struct launch_request *r, struct launch_plan *p,
	struct launch_handles *io, struct problem **reterr)
{
	int e;

	e = io->kvm = open_kvm(h, reterr);
	if (e < 0)
		return e;
	io->devices = calloc(p->n + 1, sizeof(struct vfio_device *));
	io->fallbacks = no_fds(p->n);
	io->fallback_nets = calloc(p->n + 1, sizeof(struct uplink *));
	io->fallback_vhosts = calloc(p->n + 1, sizeof(*io->fallback_vhosts));
	io->ports = calloc(p->n + 1, sizeof(struct uplink *));
	if (!io->devices || !io->fallbacks || !io->fallback_nets || !io->fallback_vhosts ||
		!io->ports)
		return no_memory(reterr);
	io->n = p->n;
	e = open_functions(io, r, p, reterr);
	if (e >= 0)
		e = launch_check_memlock(p, r->memory_bytes, reterr);
	if (e >= 0)
		e = check_entries(io, p, r->memory_bytes, reterr);
	if (e < 0)
		return e;
	drop_unused(io, p);
	e = open_fallbacks(io, p, reterr);
	if (e >= 0)
		e = join_ports(io, p, reterr);
	if (e >= 0)
		e = open_nets(io, r, reterr);
	if (e >= 0)
		e = launch_open_vsock(h, r, io, reterr);
	return e < 0 ? e : launch_open_ports(r, io, reterr);
}
