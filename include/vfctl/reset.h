/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resets: which functions one takes along, and doing it, verified. */
#ifndef VFCTL_RESET_H
#define VFCTL_RESET_H

#include "act.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_reset;

/*
 * What a reset would be. `method` is the kernel's word, "flr", "bus"; NULL: what the kernel would
 * choose. Touches nothing. -EOPNOTSUPP: there is none; -EINVAL: not that one.
 */
VFCTL_PUBLIC int vfctl_reset_plan(struct vfctl_host *host, const char *function, const char *method,
	struct vfctl_reset **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_reset_free(struct vfctl_reset *r);
/* NULL: the kernel does not tell. */
VFCTL_PUBLIC const char *vfctl_reset_method(const struct vfctl_reset *r);
/* Addresses of all that are reset together, the function itself first. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_reset_functions(const struct vfctl_reset *r);
VFCTL_PUBLIC const char *vfctl_reset_function(const struct vfctl_reset *r, size_t i);
/*
 * Does it: 1. -EBUSY: one of them is used. Fails when one is not as before afterwards. Flags as of
 * all acts.
 */
VFCTL_PUBLIC int vfctl_reset_do(struct vfctl_host *host, const struct vfctl_reset *r,
	unsigned flags, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif
