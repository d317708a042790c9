/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to functions, as it happens: they come and go, are bound and unbound, VFs are
 * created, interfaces are renamed, VFIO groups appear, a VF's attributes change. One watch is for
 * one thread.
 */
#ifndef VFCTL_WATCH_H
#define VFCTL_WATCH_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_watch;
struct vfctl_event;

/*
 * Begins to listen: what happens after this call is told, what was before is not. -EROFS: nothing
 * happens on a captured machine. The host stays open as long as the watch.
 */
VFCTL_PUBLIC int vfctl_watch_open(
	struct vfctl_host *host, struct vfctl_watch **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_watch_close(struct vfctl_watch *w);

/*
 * Waits until something happens and tells it, one call of `each` for each event, in order; the
 * event is gone when `each` returns. A negative answer of `each` is the last: it is returned, and
 * what came together with that event is not told. Returns how many were told; 0: `timeout_ms` are
 * over (negative: there is no end, 0: only what is there already); -ECANCELED: `wake_fd` (-1: none)
 * can be read or was closed at its other end.
 */
VFCTL_PUBLIC int vfctl_watch_wait(struct vfctl_watch *w, int timeout_ms, int wake_fd,
	int (*each)(void *arg, const struct vfctl_event *e), void *arg,
	struct vfctl_error **reterr);

/*
 * What happened: "added", "removed", "bound", "unbound", "vfs-created", "vfs-destroyed",
 * "netdev-added", "netdev-removed", "netdev-renamed", "link-changed", "vf-changed", "group-added",
 * "group-removed", "vfio-device-added", "vfio-device-removed", "nvme-added", "nvme-removed",
 * "udev-settled"; "lost": the kernel dropped events, and what follows was found by looking. More
 * may come.
 */
VFCTL_PUBLIC const char *vfctl_event_kind(const struct vfctl_event *e);
/* Who told it: "kernel", "udev", "netlink", "vfctl". */
VFCTL_PUBLIC const char *vfctl_event_source(const struct vfctl_event *e);
/* The function; NULL: of none ("group-added"). */
VFCTL_PUBLIC const char *vfctl_event_address(const struct vfctl_event *e);
/* Of a VF its PF, and its index from 0; NULL and -1: no VF, or not known. */
VFCTL_PUBLIC const char *vfctl_event_physfn(const struct vfctl_event *e);
VFCTL_PUBLIC int vfctl_event_vf_index(const struct vfctl_event *e);
/* An interface, a controller, a group's number, an attribute; NULL: nothing of that kind. */
VFCTL_PUBLIC const char *vfctl_event_name(const struct vfctl_event *e);
/* What was and what is: a driver, a number of VFs, a name, a value; NULL: none, or not known. */
VFCTL_PUBLIC const char *vfctl_event_from(const struct vfctl_event *e);
VFCTL_PUBLIC const char *vfctl_event_to(const struct vfctl_event *e);
/* The same for people: "bound to vfio-pci". It may hold what a machine calls itself: escape it. */
VFCTL_PUBLIC const char *vfctl_event_text(const struct vfctl_event *e);

#ifdef __cplusplus
}
#endif
#endif
