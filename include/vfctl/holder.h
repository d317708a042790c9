/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who uses functions right now: processes through VFIO, mounts, swap, volumes, addresses, routes,
 * bridges, domains. Looking never blocks on a held device. What the caller may not look into is
 * told as unknown: no users is a promise only when nothing is.
 */
#ifndef VFCTL_HOLDER_H
#define VFCTL_HOLDER_H

#include "host.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_holders;
struct vfctl_holder;

/* Of n functions, given by address, in one look; the worst of each first. -EINVAL. */
VFCTL_PUBLIC int vfctl_holders_find(struct vfctl_host *host, const char *const *functions, size_t n,
	struct vfctl_holders **ret, struct vfctl_error **reterr);
/* NULL is fine. Everything that was got from it goes with it. */
VFCTL_PUBLIC void vfctl_holders_free(struct vfctl_holders *s);
/* NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_holders_count(const struct vfctl_holders *s);
VFCTL_PUBLIC const struct vfctl_holder *vfctl_holders_get(const struct vfctl_holders *s, size_t i);
/* What could not be looked into, "the open files of 12 processes: …"; NULL beyond the last. */
VFCTL_PUBLIC const char *vfctl_holders_unknown(const struct vfctl_holders *s, size_t i);

/* "0000:3b:02.1" */
VFCTL_PUBLIC const char *vfctl_holder_function(const struct vfctl_holder *h);
/* "vfio", "mount", "default-route"…: as in `vfctl list --json` */
VFCTL_PUBLIC const char *vfctl_holder_kind(const struct vfctl_holder *h);
/*
 * What taking the function away would mean. "blocks": the kernel would wait until he lets go;
 * "used": somebody loses something; "bound": nothing is lost now.
 */
VFCTL_PUBLIC const char *vfctl_holder_strength(const struct vfctl_holder *h);
/* Of a process, else 0 and NULL: its number and its short name. */
VFCTL_PUBLIC int vfctl_holder_pid(const struct vfctl_holder *h);
VFCTL_PUBLIC const char *vfctl_holder_command(const struct vfctl_holder *h);
/* Of a guest, "web1"; NULL: none, or unknown. */
VFCTL_PUBLIC const char *vfctl_holder_vm(const struct vfctl_holder *h);
/* One line: "pid 4711 (qemu-system-x86 web1)", "eth0 carries the default route" */
VFCTL_PUBLIC const char *vfctl_holder_text(const struct vfctl_holder *h);

#ifdef __cplusplus
}
#endif
#endif
