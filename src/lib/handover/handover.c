// SPDX-License-Identifier: GPL-2.0-or-later
#include "inside.h"

#include "base/str.h"
#include "claim/ledger.h"
#include "host/devnode.h"
#include "iommu/group.h"
#include "vfio/iommufd.h"

#include <fcntl.h>

enum { LEDGER_MS = 10000 };

#define VHOST "vhost-net"

struct opening {
	struct host *h;
	const struct handover_request *q;
	const struct handover_limits *limits;
	struct leases leases;
	struct handover out;
	bool functions; /* one at least */
	bool iommufd;	/* in place of container and groups */
};

void handover_done(struct handover *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].name);
		if (o->host)
			host_close(o->host, o->v[i].fd);
		else if (o->v[i].fd >= 0)
			close(o->v[i].fd);
	}
	o->n = 0;
}

static void opening_done(struct opening *o)
{
	leases_done(&o->leases);
	handover_done(&o->out);
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static bool has(const struct handover *o, const char *name)
{
	for (size_t i = 0; i < o->n; i++)
		if (str_eq(o->v[i].name, name))
			return true;
	return false;
}

/* Takes the descriptor over, also on failure. */
static int keep(struct opening *o, const char *name, int fd, struct problem **reterr)
{
	autofree char *copy = strdup(name);

	if (copy && o->out.n < ARRAY_SIZE(o->out.v)) {
		o->out.v[o->out.n++] = (struct handover_fd) { TAKE_PTR(copy), fd };
		return 0;
	}
	host_close(o->h, fd);
	return copy ? problem(reterr, -E2BIG, PROBLEM_USAGE, NULL, "that is too much at once")
		    : no_memory(reterr);
}

/* ---- KVM and nodes of VFIO ---- */

static int blame(const char *path, int code, struct problem **reterr)
{
	switch (code) {
	case -EBUSY:
		return problem(reterr, code, PROBLEM_IN_USE,
			"end that first: vfctl list -o ADDRESS,HOLDER", "%s is held already", path);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return str_ends(path, "/kvm")
			       ? problem(reterr, code, PROBLEM_NO_KVM,
					 "load kvm_intel or kvm_amd; switch virtualisation on in "
					 "the firmware",
					 "%s", problem_kind_meaning(PROBLEM_NO_KVM))
			       : problem(reterr, code, PROBLEM_NOT_BOUND_TO_VFIO, NULL,
					 "there is no %s", path);
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL, "%s: %s", path,
			strerror(-code));
	}
}

static int open_node(struct opening *o, const char *node, struct problem **reterr)
{
	autofree char *path = devnode_path("%s", node);
	int fd;

	if (!path)
		return no_memory(reterr);
	if (has(&o->out, path))
		return 0;
	fd = devnode_open(o->h, O_RDWR, "%s", node);
	return fd < 0 ? blame(path, fd, reterr) : keep(o, path, fd, reterr);
}

/*
 * As KVM is: whoever has it makes the kernel copy between a tap that he has and memory of his own.
 * What cannot be opened is not handed over, and no failure: who asked does without, or says why
 * not.
 */
static int open_vhost(struct opening *o, const char *what, struct problem **reterr)
{
	autofree char *path = devnode_path("%s", what);
	const char *number = what + strlen(VHOST);
	uint32_t n;
	int fd;

	if (!path)
		return no_memory(reterr);
	if (*number && (*number != '#' || parse_u32(number + 1, &n) < 0))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, VHOST " or " VHOST "#1",
			"what is asked for is nothing that can be handed over");
	fd = devnode_open(o->h, O_RDWR, VHOST);
	return fd < 0 ? 0 : keep(o, path, fd, reterr);
}

/* ---- Functions ---- */

static const struct lease *lease_of(struct opening *o, struct bdf a)
{
	const struct lease *l = leases_find(&o->leases, a);

	return l && lease_is_of(o->h, l) ? l : NULL;
}

/*
 * Through the group's node its other members can be had too; and by either way nothing is between
 * them: they must be his as well.
 */
static int check_member(
	struct opening *o, struct bdf asked, const struct group_member *m, struct problem **reterr)
{
	const struct lease *l = lease_of(o, m->bdf);
	autoproblem *why = NULL;

	if (bdf_eq(m->bdf, asked) || !driver_is_vfio(m->driver) || o->q->asker.uid == 0)
		return 0;
	if (l && asker_may_have(o->h, &o->q->asker, l, &why) == 0)
		return 0;
	return problem(reterr, -EACCES, PROBLEM_PERMISSION,
		"claim that too: whoever holds a group can open all of it",
		"%s is in the same IOMMU group, and not claimed by you", BDF_TEXT(m->bdf));
}

static int check_group(struct opening *o, struct bdf a, int *ret, struct problem **reterr)
{
	CLEANUP(iommu_group_done) struct iommu_group g = { 0 };
	int id = iommu_group_of(o->h, a), r = id < 0 ? id : iommu_group_read(o->h, id, &g);

	if (r < 0)
		return problem(
			reterr, r, PROBLEM_NO_IOMMU, NULL, "%s is in no IOMMU group", BDF_TEXT(a));
	for (size_t i = 0; i < g.n_members; i++) {
		if (bdf_eq(g.members[i].bdf, a) && !driver_is_vfio(g.members[i].driver))
			return problem(reterr, -ENODEV, PROBLEM_NOT_BOUND_TO_VFIO, "claim it anew",
				"%s is not on a VFIO driver any more", BDF_TEXT(a));
		r = check_member(o, a, &g.members[i], reterr);
		if (r < 0)
			return r;
	}
	*ret = id;
	return iommu_group_require_viable(&g, reterr);
}

static int open_group(struct opening *o, int group, struct problem **reterr)
{
	autofree char *node = str_printf("vfio/%d", group);
	int r = node ? open_node(o, "vfio/vfio", reterr) : no_memory(reterr);

	return r < 0 ? r : open_node(o, node, reterr);
}

/* The kernel counts what is pinned for the user, unless told by somebody who may. */
static int open_iommufd(struct opening *o, struct problem **reterr)
{
	autofree char *path = devnode_path("iommu");
	int fd;

	if (!path)
		return no_memory(reterr);
	if (has(&o->out, path))
		return 0;
	fd = vfio_iommufd_open_bare(o->h);
	return fd < 0 ? blame(path, fd, reterr) : keep(o, path, fd, reterr);
}

static int open_own_node(struct opening *o, struct bdf a, struct problem **reterr)
{
	autofree char *node = NULL;
	int r = vfio_cdev_find(o->h, BDF_TEXT(a), &node);

	if (r < 0)
		return problem(reterr, r, PROBLEM_UNSUPPORTED, "--vfio type1",
			"%s has no VFIO device node of its own", BDF_TEXT(a));
	r = open_iommufd(o, reterr);
	return r < 0 ? r : open_node(o, node, reterr);
}

static int open_function(struct opening *o, struct bdf a, struct problem **reterr)
{
	const struct lease *l = lease_of(o, a);
	int r, group = -1;

	if (!l) {
		problem(reterr, -EACCES, PROBLEM_PERMISSION, NULL, "nobody has claimed %s",
			BDF_TEXT(a));
		problem_hint(reterr, "vfctl assign %s --to process:$$", BDF_TEXT(a));
		return -EACCES;
	}
	r = asker_may_have(o->h, &o->q->asker, l, reterr);
	if (r == 0)
		r = check_group(o, a, &group, reterr);
	if (r < 0)
		return r;
	return o->iommufd ? open_own_node(o, a, reterr) : open_group(o, group, reterr);
}

/* ---- All that is asked for ---- */

static int open_one(struct opening *o, const char *what, struct problem **reterr)
{
	struct bdf a;
	int fd;

	if (bdf_parse(what, &a) == 0) {
		o->functions = true;
		return open_function(o, a, reterr);
	}
	if (str_eq(what, "kvm"))
		return open_node(o, "kvm", reterr);
	if (str_starts(what, VHOST))
		return open_vhost(o, what, reterr);
	if (str_starts(what, "bridge:")) {
		fd = handover_port(
			o->h, what + strlen("bridge:"), o->q->asker.uid, o->limits, reterr);
		return fd < 0 ? fd : keep(o, what, fd, reterr);
	}
	if (!str_starts(what, "tap:"))
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"the address of a function, kvm, vhost-net, tap:NAME or bridge:NAME",
			"what is asked for is nothing that can be handed over");
	fd = handover_tap(o->h, what + strlen("tap:"), o->q->asker.uid, o->limits, reterr);
	return fd < 0 ? fd : keep(o, what, fd, reterr);
}

static int check_request(const struct handover_request *q, struct problem **reterr)
{
	size_t n = strv_len(q->what);

	if (!n || n > HANDOVER_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"1 to %d things can be asked for at once", HANDOVER_MAX);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (str_eq(q->what[i], q->what[k]))
				return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
					"something is asked for twice");
	return 0;
}

/* By which way: one for all of them, as a guest has one I/O address space. */
static int pick(struct opening *o, struct problem **reterr)
{
	autofree struct vfio_target *targets = calloc(HANDOVER_MAX, sizeof(*targets));
	struct bdf a;
	size_t n = 0;

	if (!targets)
		return no_memory(reterr);
	for (char *const *what = o->q->what; *what; what++)
		if (bdf_parse(*what, &a) == 0)
			targets[n++].name = *what;
	o->iommufd = o->q->backend == VFIO_BACKEND_IOMMUFD ||
		     (o->q->backend == VFIO_BACKEND_AUTO && n &&
			     vfio_pick_look(o->h, targets, n, NULL) == VFIO_BACKEND_IOMMUFD);
	return 0;
}

/* Under the ledger's lock: nothing of it is given out or returned meanwhile. */
static int open_all(struct opening *o, struct problem **reterr)
{
	autoledger ledger = { .lock = { -1 } };
	int r = ledger_open(o->h, o->q->run_dir, LEDGER_MS, &ledger, reterr);

	if (r == 0)
		r = ledger_load(&ledger, &o->leases, reterr);
	if (r == 0)
		r = pick(o, reterr);
	for (char *const *what = o->q->what; r == 0 && *what; what++)
		r = open_one(o, *what, reterr);
	return r;
}

int handover_open(struct host *h, const struct handover_request *q,
	const struct handover_limits *limits, struct handover *ret, struct problem **reterr)
{
	CLEANUP(opening_done)
	struct opening o = { .h = h, .q = q, .limits = limits, .out = { .host = h } };
	int r = check_request(q, reterr);

	if (r == 0)
		r = asker_check(h, &q->asker, reterr);
	if (r == 0)
		r = asker_memory(h, &q->asker, q->memory_bytes, limits, false, reterr);
	if (r == 0)
		r = open_all(&o, reterr);
	if (r == 0 && o.functions)
		r = asker_memory(h, &q->asker, q->memory_bytes, limits, true, reterr);
	if (r < 0)
		return r;
	*ret = o.out;
	o.out.n = 0;
	return 0;
}
