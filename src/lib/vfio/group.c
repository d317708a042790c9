/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "group.h"

#include "base/str.h"
#include "host/devnode.h"

#include <fcntl.h>
#include <linux/vfio.h>

/*
 * What VFIO has without an IOMMU translates no address: the device would take those that the
 * guest's driver names for the host's.
 */
static int blame_no_iommu(unsigned id, int code, struct problem **reterr)
{
	return problem(reterr, code, PROBLEM_NO_IOMMU,
		"switch the IOMMU on in the firmware and with intel_iommu=on",
		"VFIO has group %u without an IOMMU (noiommu-%u): its DMA would reach any memory "
		"of the host, and none of a guest",
		id, id);
}

static int blame_open(unsigned id, int code, struct problem **reterr)
{
	switch (code) {
	case -EBUSY:
		return problem(reterr, code, PROBLEM_IN_USE,
			"another VMM or user-space driver holds it; end that first",
			"IOMMU group %u is held by another process", id);
	case -ENOENT:
	case -ENODEV:
	case -ENXIO:
		return problem(reterr, code, PROBLEM_NOT_BOUND_TO_VFIO,
			"bind the function: `vfctl bind SEL vfio-pci`",
			"IOMMU group %u has no member on a VFIO driver", id);
	case -EACCES:
	case -EPERM:
		return problem(reterr, code, PROBLEM_PERMISSION,
			"run as root, or give the user access to the group's device node",
			"no permission to open IOMMU group %u", id);
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL,
			"open IOMMU group %u: %s", id, strerror(-code));
	}
}

static int check_viable(struct vfio_group *g, struct problem **reterr)
{
	struct vfio_group_status st = { .argsz = sizeof(st) };
	int r = host_ioctl(g->host, g->fd, VFIO_GROUP_GET_STATUS, &st);

	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"status of IOMMU group %u: %s", g->id, strerror(-r));
	if (!(st.flags & VFIO_GROUP_FLAGS_VIABLE))
		return problem(reterr, -EPERM, PROBLEM_GROUP_NOT_VIABLE,
			"every member must be on a VFIO driver or on none: see `vfctl groups`",
			"IOMMU group %u is not viable", g->id);
	if (st.flags & VFIO_GROUP_FLAGS_CONTAINER_SET)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL,
			"IOMMU group %u is in a container already", g->id);
	return 0;
}

int vfio_group_open(struct host *h, unsigned id, struct vfio_group **ret, struct problem **reterr)
{
	CLEANUP(vfio_group_freep) struct vfio_group *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*g = (struct vfio_group) { .host = h, .id = id, .fd = -1 };
	r = devnode_open(h, O_RDWR, "vfio/%u", id);
	if (r < 0 && devnode_exists(h, "vfio/noiommu-%u", id))
		return blame_no_iommu(id, r, reterr);
	if (r < 0)
		return blame_open(id, r, reterr);
	g->fd = r;
	r = check_viable(g, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(g);
	return 0;
}

int vfio_group_join(struct vfio_group *g, int container_fd, struct problem **reterr)
{
	int32_t fd = container_fd;
	int r = host_ioctl(g->host, g->fd, VFIO_GROUP_SET_CONTAINER, &fd);

	if (r >= 0)
		return 0;
	/* -EPERM: between our look and now a member went to a host driver. */
	return problem(reterr, r,
		r == -EPERM ? PROBLEM_GROUP_NOT_VIABLE : problem_kind_from_errno(r), NULL,
		"put IOMMU group %u into the container: %s", g->id, strerror(-r));
}

static int blame_device(const char *name, int code, struct problem **reterr)
{
	switch (code) {
	case -EACCES:
		return problem(reterr, code, PROBLEM_PERMISSION,
			"its PF is driven from user space: give that owner's token, vf-token=UUID",
			"%s needs a VF token", name);
	case -ENODEV:
		return problem(reterr, code, PROBLEM_NOT_BOUND_TO_VFIO,
			"bind the function: `vfctl bind SEL vfio-pci`",
			"%s is not bound to a VFIO driver", name);
	case -EBUSY:
		return problem(reterr, code, PROBLEM_IN_USE, NULL, "%s is held already", name);
	case -EPERM:
		return problem(reterr, code, PROBLEM_GROUP_NOT_VIABLE,
			"interrupt remapping may be missing: see `vfctl doctor`",
			"the kernel refuses %s: its group is not usable", name);
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL, "%s: %s", name,
			strerror(-code));
	}
}

int vfio_group_open_device(
	struct vfio_group *g, const char *name, const char *vf_token, struct problem **reterr)
{
	autofree char *arg = NULL;
	int r;

	/* The kernel takes options after the name, separated by white space (since 5.7). */
	arg = vf_token ? str_printf("%s vf_token=%s", name, vf_token) : str_printf("%s", name);
	if (!arg)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = host_ioctl(g->host, g->fd, VFIO_GROUP_GET_DEVICE_FD, arg);
	return r < 0 ? blame_device(name, r, reterr) : r;
}

void vfio_group_free(struct vfio_group *g)
{
	if (!g)
		return;
	/* The last close takes the group out of its container. */
	if (g->fd >= 0)
		host_close(g->host, g->fd);
	free(g);
}
