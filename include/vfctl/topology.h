/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How functions hang together: bridges, Access Control Services (ACS, PCIe 5.0, 6.12) of each hop,
 * and whether a function can be given to a guest alone, with others, or never, and why. Without
 * root's rights ACS cannot be read, and is then unknown, never guessed.
 */
#ifndef VFCTL_TOPOLOGY_H
#define VFCTL_TOPOLOGY_H

#include "snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_topology;

/* Bits of the ACS capability and control registers (PCIe 5.0, 7.7.8). */
enum vfctl_acs_bits {
	VFCTL_ACS_SOURCE_VALIDATION = 1 << 0,
	VFCTL_ACS_TRANSLATION_BLOCKING = 1 << 1,
	VFCTL_ACS_REQUEST_REDIRECT = 1 << 2,
	VFCTL_ACS_COMPLETION_REDIRECT = 1 << 3,
	VFCTL_ACS_UPSTREAM_FORWARDING = 1 << 4,
	VFCTL_ACS_EGRESS_CONTROL = 1 << 5,
	VFCTL_ACS_DIRECT_TRANSLATED = 1 << 6
};

/* It borrows from the snapshot, which must live longer. */
VFCTL_PUBLIC int vfctl_topology_take(struct vfctl_host *host, const struct vfctl_snapshot *s,
	struct vfctl_topology **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_topology_free(struct vfctl_topology *t);

/* In all of these `f` is of that snapshot. The bridge above; NULL: a root bus. */
VFCTL_PUBLIC const struct vfctl_function *vfctl_topology_parent(
	const struct vfctl_topology *t, const struct vfctl_function *f);
/* "endpoint", "root-port", "upstream-port"… */
VFCTL_PUBLIC const char *vfctl_topology_port(
	const struct vfctl_topology *t, const struct vfctl_function *f);
/* The physical slot that it is plugged into, "3"; NULL: none known. */
VFCTL_PUBLIC const char *vfctl_topology_slot(
	const struct vfctl_topology *t, const struct vfctl_function *f);
/* 0 and its two registers, enum vfctl_acs_bits. -ENODATA: it has no ACS. -EACCES: unknown. */
VFCTL_PUBLIC int vfctl_topology_acs(const struct vfctl_topology *t, const struct vfctl_function *f,
	uint16_t *ret_capability, uint16_t *ret_control);
/* Whether this hop keeps functions below it apart: 1, 0, -1 unknown. */
VFCTL_PUBLIC int vfctl_topology_isolates(
	const struct vfctl_topology *t, const struct vfctl_function *f);

/* Can it be given to a guest: "alone", "together", "never", "no-iommu". */
VFCTL_PUBLIC const char *vfctl_topology_assignable(
	const struct vfctl_topology *t, const struct vfctl_function *f);
/* Why so, one line, where its group is larger than it or cannot be trusted; else NULL. */
VFCTL_PUBLIC const char *vfctl_topology_why(
	const struct vfctl_topology *t, const struct vfctl_function *f);
/* Those of its group that a guest gets together, itself among them. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_topology_companions(
	const struct vfctl_topology *t, const struct vfctl_function *f);
VFCTL_PUBLIC const struct vfctl_function *vfctl_topology_companion(
	const struct vfctl_topology *t, const struct vfctl_function *f, size_t i);
/*
 * The i-th hop, from the root down, that does not isolate and so makes the group large, with why:
 * "no-acs", "acs-off", "conventional", "multifunction". -ENOENT beyond the last.
 */
VFCTL_PUBLIC int vfctl_topology_gap(const struct vfctl_topology *t, const struct vfctl_function *f,
	size_t i, const struct vfctl_function **ret_hop, const char **ret_why);

#ifdef __cplusplus
}
#endif
#endif
