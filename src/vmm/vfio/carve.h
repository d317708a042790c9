/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which parts of a BAR the guest may touch without us: all of it but the pages that hold the MSI-X
 * table or its pending bits, which we emulate, and what the kernel refuses to map. An NVMe
 * function has its registers and that table in one BAR; losing the BAR would lose the device.
 */
#pragma once

#include "vfio/region.h"

#include <stddef.h>
#include <stdint.h>

struct carve_range {
	uint64_t offset, size;
};

enum {
	CARVE_HOLES_MAX = 2,	/* MSI-X table, PBA */
	CARVE_WINDOWS_MAX = 32, /* more mappable areas than this are left trapped */
};

/*
 * Writes the windows in order and returns how many. Holes are grown to whole pages; windows are
 * whole pages; a BAR smaller than a page has none. `page` is a power of two.
 */
size_t carve_windows(const struct vfio_region *region, const struct carve_range *holes,
	size_t n_holes, uint64_t page, struct carve_range windows[CARVE_WINDOWS_MAX]);
