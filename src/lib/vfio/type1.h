/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The classic back end: a container (/dev/vfio/vfio) that groups (/dev/vfio/N) are put into, with
 * the type1v2 IOMMU behind it (since Linux 3.16; Debian has it, and has no iommufd).
 */
#pragma once

#include "space.h"

/* Opens an empty container and checks that the kernel speaks our language. */
int vfio_type1_open(struct host *h, struct vfio_space **ret, struct problem **reterr);
/*
 * Takes over a container that holds a group and has its IOMMU set already. The descriptor is ours
 * on success only. Devices come by vfio_type1_adopt_device().
 */
int vfio_type1_adopt(
	struct host *h, int container_fd, struct vfio_space **ret, struct problem **reterr);
/*
 * Takes over a function of it: both descriptors are ours on success only. Two functions of one
 * group may come with the same group descriptor. Without a group (-1) only KVM's coherency
 * bookkeeping is lost.
 */
int vfio_type1_adopt_device(struct vfio_space *s, int group_fd, int device_fd, const char *name,
	struct vfio_device **ret, struct problem **reterr);
/* Borrowed, for handing over; only for a type1 space. */
int vfio_type1_container_fd(const struct vfio_space *s);
