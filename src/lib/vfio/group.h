/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An IOMMU group: the smallest set of functions that can be given away without the others. */
#pragma once

#include "base/problem.h"
#include "host/host.h"

struct vfio_group {
	struct host *host;
	unsigned id; /* UINT_MAX when adopted: a descriptor does not tell its number */
	int fd;
};

/*
 * Opens the group: one process at a time may. -EBUSY in-use; -EPERM group-not-viable when a member
 * is bound to a host driver; no-iommu when VFIO has it without one, which serves no guest; -ENOENT
 * not-bound-to-vfio when no member is on a VFIO driver.
 */
int vfio_group_open(struct host *h, unsigned id, struct vfio_group **ret, struct problem **reterr);
/* Puts it into a container; back out again when it is freed. */
int vfio_group_join(struct vfio_group *g, int container_fd, struct problem **reterr);
/* A new descriptor of a member. -EACCES permission when the VF's token is missing or wrong. */
int vfio_group_open_device(
	struct vfio_group *g, const char *name, const char *vf_token, struct problem **reterr);
void vfio_group_free(struct vfio_group *g);
DEFINE_AUTO(struct vfio_group, vfio_group_free);
