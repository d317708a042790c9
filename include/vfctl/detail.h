/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one function tells beyond the snapshot, as `vfctl show` has it: capabilities, regions,
 * SR-IOV decoded, resets, link, serial numbers, drivers that fit. What cannot be read (much,
 * without root's rights) is NULL, 0 or -1, as each call says.
 */
#ifndef VFCTL_DETAIL_H
#define VFCTL_DETAIL_H

#include "snapshot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_detail;

enum vfctl_region_flags {
	VFCTL_REGION_IO = 1 << 0, /* ports, not memory */
	VFCTL_REGION_PREFETCHABLE = 1 << 1,
	VFCTL_REGION_64BIT = 1 << 2
};

/* Regions by number: BARs 0 to 5, the ROM, the VF BARs 0 to 5 of a PF. */
enum { VFCTL_REGION_ROM = 6, VFCTL_REGION_VF_BAR = 7, VFCTL_REGIONS = 13 };

/* -ENOENT when the function has gone. The detail may live longer than the snapshot. */
VFCTL_PUBLIC int vfctl_detail_read(struct vfctl_host *host, const struct vfctl_function *f,
	struct vfctl_detail **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_detail_free(struct vfctl_detail *d);

/* -1 unknown. */
VFCTL_PUBLIC int vfctl_detail_revision(const struct vfctl_detail *d);
/* 0; -ENOENT: there is no such region. `flags` are enum vfctl_region_flags; sizes in bytes. */
VFCTL_PUBLIC int vfctl_detail_region(const struct vfctl_detail *d, unsigned number,
	uint64_t *ret_start, uint64_t *ret_bytes, unsigned *ret_flags);
/* Vectors of its MSI-X table; 0: it has no MSI-X, or unknown. */
VFCTL_PUBLIC unsigned vfctl_detail_msix_vectors(const struct vfctl_detail *d);
/* The kernel's words in its order, "flr"; NULL beyond the last. */
VFCTL_PUBLIC const char *vfctl_detail_reset_method(const struct vfctl_detail *d, size_t i);
/* "8.0 GT/s PCIe", NULL unknown; lanes, 0 unknown. */
VFCTL_PUBLIC const char *vfctl_detail_link_speed(const struct vfctl_detail *d);
VFCTL_PUBLIC const char *vfctl_detail_link_max_speed(const struct vfctl_detail *d);
VFCTL_PUBLIC unsigned vfctl_detail_link_width(const struct vfctl_detail *d);
VFCTL_PUBLIC unsigned vfctl_detail_link_max_width(const struct vfctl_detail *d);
/* Of the vital product data; NULL: none, or not readable. */
VFCTL_PUBLIC const char *vfctl_detail_product(const struct vfctl_detail *d);
VFCTL_PUBLIC const char *vfctl_detail_serial(const struct vfctl_detail *d);
/* "90-e2-ba-ff-ff-12-34-56" of the PCIe capability; NULL: none, or not readable. */
VFCTL_PUBLIC const char *vfctl_detail_device_serial(const struct vfctl_detail *d);

/* Whether its SR-IOV capability (PCIe 5.0, 9.3.3) could be read: 1, else 0, and so is the rest. */
VFCTL_PUBLIC int vfctl_detail_has_sriov(const struct vfctl_detail *d);
/* What the device has; its driver may allow fewer, vfctl_function_total_vfs(). */
VFCTL_PUBLIC unsigned vfctl_detail_sriov_total_vfs(const struct vfctl_detail *d);
/* Routing ids: the first VF's distance from the PF, and from one VF to the next. */
VFCTL_PUBLIC unsigned vfctl_detail_sriov_offset(const struct vfctl_detail *d);
VFCTL_PUBLIC unsigned vfctl_detail_sriov_stride(const struct vfctl_detail *d);
/* The VFs' device id. */
VFCTL_PUBLIC uint16_t vfctl_detail_sriov_vf_device(const struct vfctl_detail *d);
/* In bytes; 0: not exactly one is chosen. */
VFCTL_PUBLIC uint64_t vfctl_detail_sriov_page_bytes(const struct vfctl_detail *d);
/* One VF's share of VF BAR 0 to 5, in bytes; 0: none. */
VFCTL_PUBLIC uint64_t vfctl_detail_sriov_vf_bar_bytes(const struct vfctl_detail *d, unsigned bar);

/* Drivers that the function could have, VFIO's last; NULL beyond the last. */
VFCTL_PUBLIC const char *vfctl_detail_driver(const struct vfctl_detail *d, size_t i);
/* Whether that one gives it to guests. */
VFCTL_PUBLIC bool vfctl_detail_driver_is_vfio(const struct vfctl_detail *d, size_t i);

/*
 * Live migration, as far as it can be told without opening the function: 1 its VFIO driver offers
 * it, 0 none does, -1 unknown; and one line that says who says so, or why it is unknown.
 */
VFCTL_PUBLIC int vfctl_detail_migration(const struct vfctl_detail *d);
VFCTL_PUBLIC const char *vfctl_detail_migration_because(const struct vfctl_detail *d);
/* "stop-copy", "p2p", …; NULL beyond the last, or where the kernel does not tell. */
VFCTL_PUBLIC const char *vfctl_detail_migration_feature(const struct vfctl_detail *d, size_t i);

#ifdef __cplusplus
}
#endif
#endif
