/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Acts. A function is given by its address, "0000:3b:00.1" (vfctl_function_address()), and looked
 * at anew. Each act finds out first who would be hurt, is verified by reading back, and undoes
 * what failed half way. All return 1: changed, 0: was so already, or a negative errno. They need
 * root's rights. -EBUSY also while another process changes the same PF; vfctl_host_set_timeout()
 * waits for it, and -ESTALE when another card stands where one was configured. What was done is in
 * the history (plan.h).
 */
#ifndef VFCTL_ACT_H
#define VFCTL_ACT_H

#include "host.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vfctl_act_flags {
	/* Refuse what would be refused, change nothing; 1 means: would change. */
	VFCTL_DRY_RUN = 1 << 0,
	/* Also what somebody uses. Functions that a process holds through VFIO are never taken. */
	VFCTL_ALLOW_IN_USE = 1 << 1,
	/* For plans: VFs that exist may go, if nobody uses them. */
	VFCTL_ALLOW_DESTROY = 1 << 2,
	/* For undoing: also what somebody else has changed meanwhile. */
	VFCTL_ALLOW_DRIFT = 1 << 3,
	/* For tests of a function: nothing that makes the IOMMU report a fault. */
	VFCTL_NO_FAULTS = 1 << 4,
};

/*
 * Makes a PF have n VFs (0: removes all) and waits until each is usable. -ERANGE too many, -EBUSY
 * in use, -ETIMEDOUT. On failure the count that was there is there again.
 */
VFCTL_PUBLIC int vfctl_set_vfs(struct vfctl_host *host, const char *pf, unsigned n, unsigned flags,
	struct vfctl_error **reterr);

/* `driver` NULL: the best VFIO driver for it. What it had is noted, see the state directory. */
VFCTL_PUBLIC int vfctl_bind(struct vfctl_host *host, const char *function, const char *driver,
	unsigned flags, struct vfctl_error **reterr);
/* Leaves it without driver and without driver_override. */
VFCTL_PUBLIC int vfctl_unbind(
	struct vfctl_host *host, const char *function, unsigned flags, struct vfctl_error **reterr);
/* The driver from before. Where nothing is noted, what is on a VFIO driver gets the kernel's
 * choice. */
VFCTL_PUBLIC int vfctl_restore(
	struct vfctl_host *host, const char *function, unsigned flags, struct vfctl_error **reterr);

/*
 * Sets attributes of a VF: `settings` are n texts KEY=VALUE as `vfctl set` takes them ("vlan=100",
 * "vq=2"), but for addresses that are "stable". All are tried; the first failure is returned.
 * `results`, if not NULL, has room for n and gets each one's own 1, 0 or negative errno, in the
 * order of `settings`.
 */
VFCTL_PUBLIC int vfctl_set(struct vfctl_host *host, const char *vf, const char *const *settings,
	size_t n, unsigned flags, int *results, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif
