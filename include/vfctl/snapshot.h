/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One immutable picture of the machine's PCI functions and IOMMU groups. Everything that is got
 * from a snapshot is borrowed: it lives until vfctl_snapshot_free(). A snapshot may be read by
 * several threads. What is not known is NULL or -1, as each call says.
 */
#ifndef VFCTL_SNAPSHOT_H
#define VFCTL_SNAPSHOT_H

#include "host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_snapshot;
struct vfctl_function;
struct vfctl_group;

/* Never hangs: what the kernel could hold up is read with a deadline, or not at all. */
VFCTL_PUBLIC int vfctl_snapshot_take(
	struct vfctl_host *host, struct vfctl_snapshot **ret, struct vfctl_error **reterr);
VFCTL_PUBLIC void vfctl_snapshot_free(struct vfctl_snapshot *s);

/* Functions in order of their addresses. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_snapshot_functions(const struct vfctl_snapshot *s);
VFCTL_PUBLIC const struct vfctl_function *vfctl_snapshot_function(
	const struct vfctl_snapshot *s, size_t i);
/*
 * The one function that a selector of vfctl(8) names: "0000:3b:00.1", "ens1f0/vf3", "mac=…".
 * -ENOENT (kind not-found), -ENOTUNIQ (ambiguous), -EINVAL (usage).
 */
VFCTL_PUBLIC int vfctl_snapshot_find(struct vfctl_host *host, const struct vfctl_snapshot *s,
	const char *selector, const struct vfctl_function **ret, struct vfctl_error **reterr);

/* "0000:3b:00.1" */
VFCTL_PUBLIC const char *vfctl_function_address(const struct vfctl_function *f);
/* "pf", "vf" or "function" */
VFCTL_PUBLIC const char *vfctl_function_kind(const struct vfctl_function *f);
/* "network", "storage"… */
VFCTL_PUBLIC const char *vfctl_function_class(const struct vfctl_function *f);
/* 24 bits: base class, sub-class, programming interface (PCI code and ID assignment). */
VFCTL_PUBLIC uint32_t vfctl_function_class_code(const struct vfctl_function *f);
VFCTL_PUBLIC uint16_t vfctl_function_vendor(const struct vfctl_function *f);
VFCTL_PUBLIC uint16_t vfctl_function_device(const struct vfctl_function *f);
VFCTL_PUBLIC uint16_t vfctl_function_subsystem_vendor(const struct vfctl_function *f);
VFCTL_PUBLIC uint16_t vfctl_function_subsystem_device(const struct vfctl_function *f);
/* Out of pci.ids; NULL unknown. */
VFCTL_PUBLIC const char *vfctl_function_vendor_name(const struct vfctl_function *f);
VFCTL_PUBLIC const char *vfctl_function_device_name(const struct vfctl_function *f);
/* NULL: none is bound. */
VFCTL_PUBLIC const char *vfctl_function_driver(const struct vfctl_function *f);
/* NULL: none. */
VFCTL_PUBLIC const char *vfctl_function_driver_override(const struct vfctl_function *f);
/* -1: in none; no node. */
VFCTL_PUBLIC int vfctl_function_iommu_group(const struct vfctl_function *f);
VFCTL_PUBLIC int vfctl_function_numa_node(const struct vfctl_function *f);
/* Network interfaces; NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_function_netdevs(const struct vfctl_function *f);
VFCTL_PUBLIC const char *vfctl_function_netdev(const struct vfctl_function *f, size_t i);
/* "nvme0"; NULL: no NVMe controller, or its driver is not bound. */
VFCTL_PUBLIC const char *vfctl_function_nvme(const struct vfctl_function *f);

/* Of a PF, else 0: how many VFs its driver allows, and those that exist. NULL beyond the last. */
VFCTL_PUBLIC unsigned vfctl_function_total_vfs(const struct vfctl_function *f);
VFCTL_PUBLIC size_t vfctl_function_vfs(const struct vfctl_function *f);
VFCTL_PUBLIC const struct vfctl_function *vfctl_function_vf(
	const struct vfctl_function *f, size_t i);
/* Of a VF, else NULL and -1: its PF, and its number there from 0. */
VFCTL_PUBLIC const struct vfctl_function *vfctl_function_physfn(const struct vfctl_function *f);
VFCTL_PUBLIC int vfctl_function_vf_index(const struct vfctl_function *f);

/* IOMMU groups by number; none: the IOMMU is off. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_snapshot_groups(const struct vfctl_snapshot *s);
VFCTL_PUBLIC const struct vfctl_group *vfctl_snapshot_group(
	const struct vfctl_snapshot *s, size_t i);
VFCTL_PUBLIC const struct vfctl_group *vfctl_snapshot_find_group(
	const struct vfctl_snapshot *s, int id);

VFCTL_PUBLIC int vfctl_group_id(const struct vfctl_group *g);
/* The kernel's word, "DMA-FQ"; NULL unknown. */
VFCTL_PUBLIC const char *vfctl_group_type(const struct vfctl_group *g);
/* Whether VFIO may take it: no member is bound to a driver that does DMA for the host. */
VFCTL_PUBLIC bool vfctl_group_viable(const struct vfctl_group *g);
VFCTL_PUBLIC size_t vfctl_group_members(const struct vfctl_group *g);
/* NULL: that member is not in the snapshot (it came or went meanwhile), or beyond the last. */
VFCTL_PUBLIC const struct vfctl_function *vfctl_group_member(
	const struct vfctl_snapshot *s, const struct vfctl_group *g, size_t i);
/* Whether member i keeps the group from being viable. */
VFCTL_PUBLIC bool vfctl_group_member_blocks(const struct vfctl_group *g, size_t i);
/*
 * I/O addresses that must not be mapped, start and end inclusive; the type is the kernel's word,
 * "msi". -ENOENT beyond the last.
 */
VFCTL_PUBLIC int vfctl_group_reserved(const struct vfctl_group *g, size_t i, uint64_t *ret_start,
	uint64_t *ret_end, const char **ret_type);

#ifdef __cplusplus
}
#endif
#endif
