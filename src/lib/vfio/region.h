/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region of a device: a BAR, the ROM, the configuration space. It can be read and written
 * through the device's descriptor; some can be mapped, or only parts of them can.
 */
#pragma once

#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

struct vfio_device;

struct vfio_area {
	uint64_t offset, size;
};

struct vfio_region {
	uint32_t index;
	uint64_t size;	 /* 0: the device has no such region */
	uint64_t offset; /* of its first byte in the descriptor */
	bool readable, writable;
	bool mappable;
	bool msix_mappable;	 /* the kernel lets the page of the MSI-X table be mapped too */
	struct vfio_area *areas; /* if n_areas: the only parts that can be mapped, in order */
	size_t n_areas;
	bool has_areas;		/* the list was given; it may be empty */
	uint32_t type, subtype; /* of a device-specific region, else 0 */
};

/*
 * Asks the kernel; zeroes *ret first. Absent regions give size 0. -EBADMSG when the answer
 * contradicts itself.
 */
int vfio_region_get(
	struct vfio_device *d, uint32_t index, struct vfio_region *ret, struct problem **reterr);
void vfio_region_done(struct vfio_region *r);
#define autoregion CLEANUP(vfio_region_done) struct vfio_region

/* Whole access or -EIO; -EINVAL when it does not lie in the region. */
int vfio_region_read(
	struct vfio_device *d, const struct vfio_region *r, uint64_t at, void *buf, size_t len);
int vfio_region_write(struct vfio_device *d, const struct vfio_region *r, uint64_t at,
	const void *buf, size_t len);
/*
 * Maps [at, at+len) of the region, page-aligned, as far as it allows; host_munmap() undoes it.
 * From 2 MiB on the address is so that kernels with huge mappings of BARs (6.12) can use them.
 */
int vfio_region_map(
	struct vfio_device *d, const struct vfio_region *r, uint64_t at, size_t len, void **ret);
