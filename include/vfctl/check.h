/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a function cannot be given to a guest, and what is wrong with the host: the checks of
 * `vfctl why` and `vfctl doctor`. They only read, and never wait for a held device.
 */
#ifndef VFCTL_CHECK_H
#define VFCTL_CHECK_H

#include "report.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Of one function, given by address; the most decisive result first. `memory_bytes` of the guest
 * that is meant, 0: any. -ENOENT: there is no such function.
 */
VFCTL_PUBLIC int vfctl_why(struct vfctl_host *host, const char *function, uint64_t memory_bytes,
	struct vfctl_report **ret, struct vfctl_error **reterr);
/* Of the host as a whole. What other managers' configuration wants is compared, too. */
VFCTL_PUBLIC int vfctl_doctor(struct vfctl_host *host, uint64_t memory_bytes,
	struct vfctl_report **ret, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif
