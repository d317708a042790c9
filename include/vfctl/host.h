/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine. A handle may be used by one thread at a time; several handles are independent.
 */
#ifndef VFCTL_HOST_H
#define VFCTL_HOST_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_host;

/* "0.1.0" of the library that is loaded. */
VFCTL_PUBLIC const char *vfctl_version(void);

/* The machine that this process runs on. */
VFCTL_PUBLIC int vfctl_host_open(struct vfctl_host **ret, struct vfctl_error **reterr);
/* A folder or tar that holds another machine's sys/ and proc/. Acts on it are refused: -EROFS. */
VFCTL_PUBLIC int vfctl_host_open_captured(
	const char *path, struct vfctl_host **ret, struct vfctl_error **reterr);
/* NULL is fine. Snapshots that were taken stay valid. */
VFCTL_PUBLIC void vfctl_host_close(struct vfctl_host *host);

/* Longest wait of an act for the kernel or a function's user, in milliseconds; 0: the usual. */
VFCTL_PUBLIC void vfctl_host_set_timeout(struct vfctl_host *host, unsigned timeout_ms);
/*
 * The folder in which is kept what outlives a process: the drivers that functions had before, the
 * history of changes, what drivers answered to settings, which cards were configured. The text is
 * copied. NULL: nothing is kept. Unless set, /var/lib/vfctl, as vfctl has it. -ENOMEM.
 */
VFCTL_PUBLIC int vfctl_host_set_state_dir(struct vfctl_host *host, const char *dir);
/*
 * The same for locks, and for the journal of changes that are under way. NULL: none, and then no
 * history either. Unless set, /run/vfctl; who changes a machine with another one does not see the
 * others at work. -ENOMEM.
 */
VFCTL_PUBLIC int vfctl_host_set_run_dir(struct vfctl_host *host, const char *dir);
/*
 * Called about once a second while an act waits: "waiting for pid 4711 (qemu web1) to release
 * 0000:3b:02.1". NULL: nobody is told. It must not call the library with the same handle.
 */
VFCTL_PUBLIC void vfctl_host_set_progress(struct vfctl_host *host,
	void (*waiting)(void *arg, const char *text, unsigned waited_ms), void *arg);

#ifdef __cplusplus
}
#endif
#endif
