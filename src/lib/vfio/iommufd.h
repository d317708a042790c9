/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The newer back end: an iommufd (/dev/iommu, Linux 6.2), with an I/O address space in it, and a
 * device node per function (/dev/vfio/devices/vfioN, 6.6) that is bound to the one and attached to
 * the other. There are no groups to open and no limit of mappings; the kernel does not tell which
 * page sizes its IOMMU knows, so that page_sizes has only the smallest.
 *
 * Whoever holds a function's node may bind it; the kernel lets one process at a time.
 *
 * Memory is counted against RLIMIT_MEMLOCK for the user with all of his processes, not for the
 * process as type1 does; who has CAP_SYS_RESOURCE when he opens the iommufd sets it to the latter,
 * for all who get that descriptor.
 */
#pragma once

#include "space.h"

/* Opens one with an empty address space, and has it count memory per process if it may. */
int vfio_iommufd_open(struct host *h, struct vfio_space **ret, struct problem **reterr);
/*
 * Takes an iommufd over, with an address space of our own in it: what else is in there is not
 * touched. The descriptor is ours on success only.
 */
int vfio_iommufd_adopt(
	struct host *h, int iommufd, struct vfio_space **ret, struct problem **reterr);
/*
 * Takes a function's node over, on success only, bound to that iommufd before or not at all; from
 * whatever address space it was attached to it comes into ours.
 */
int vfio_iommufd_adopt_device(struct vfio_space *s, int device_fd, const char *name,
	struct vfio_device **ret, struct problem **reterr);
/* Opens a bare iommufd that counts memory per process where it may, for handing it over. */
int vfio_iommufd_open_bare(struct host *h);

bool vfio_space_is_iommufd(const struct vfio_space *s);
/* Borrowed, for handing over; only for a space of this kind. */
int vfio_iommufd_fd(const struct vfio_space *s);

/*
 * The function's own node, "vfio/devices/vfio3", allocated: -ENOENT when it has none, because of an
 * older kernel, another driver, or since there is no IOMMU.
 */
int vfio_cdev_find(struct host *h, const char *function, char **ret);
