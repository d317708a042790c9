/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reset of everything below a bridge, for functions that cannot be reset alone. The kernel does
 * it only for who has all functions that are reset: by the descriptors of their groups, or since
 * Linux 6.6, where they were opened through an iommufd, by none.
 */
#pragma once

#include "device.h"

#include "base/bdf.h"

struct vfio_hot_set {
	struct bdf *v; /* itself among them */
	size_t n;
	bool by_devices; /* owners are known by their iommufd: no groups are to be named … */
	bool owned;	 /* … and all of them are this one's */
};

/*
 * Who is reset along with the function. -ENODEV PROBLEM_UNSUPPORTED when its slot and bus cannot be
 * reset at all, -EBADMSG when the answer is senseless.
 */
int vfio_hot_set_get(struct vfio_device *d, struct vfio_hot_set *ret, struct problem **reterr);
void vfio_hot_set_done(struct vfio_hot_set *s);
#define autohotset CLEANUP(vfio_hot_set_done) struct vfio_hot_set
/* `groups`: the descriptors of all their groups, each once; none if the set is by_devices. */
int vfio_hot_reset(
	struct vfio_device *d, const int *groups, size_t n_groups, struct problem **reterr);
