/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "carve.h"

#include "base/attr.h"
#include "base/checked.h"

struct carver {
	struct carve_range *windows;
	size_t n;
};

static void add_window(struct carver *c, uint64_t start, uint64_t end)
{
	if (start < end && c->n < CARVE_WINDOWS_MAX)
		c->windows[c->n++] = (struct carve_range) { start, end - start };
}

/* The lowest hole that ends behind `at`, grown to pages; false if there is none. */
static bool next_hole(const struct carve_range *holes, size_t n, uint64_t page, uint64_t at,
	uint64_t *ret_start, uint64_t *ret_end)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		uint64_t start = align_down(holes[i].offset, page);
		uint64_t end = align_up(holes[i].offset + holes[i].size, page);

		if (holes[i].size == 0 || end <= at || (found && start >= *ret_start))
			continue;
		*ret_start = start;
		*ret_end = end;
		found = true;
	}
	return found;
}

static void carve_area(struct carver *c, uint64_t at, uint64_t end, const struct carve_range *holes,
	size_t n_holes, uint64_t page)
{
	uint64_t start = 0, stop = 0;

	while (at < end && next_hole(holes, n_holes, page, at, &start, &stop)) {
		add_window(c, at, MIN(start, end));
		at = stop;
	}
	add_window(c, at, end);
}

size_t carve_windows(const struct vfio_region *region, const struct carve_range *holes,
	size_t n_holes, uint64_t page, struct carve_range windows[CARVE_WINDOWS_MAX])
{
	struct carver c = { windows, 0 };

	if (!region->mappable)
		return 0;
	if (!region->has_areas)
		carve_area(&c, 0, align_down(region->size, page), holes, n_holes, page);
	for (size_t i = 0; i < region->n_areas; i++) {
		const struct vfio_area *a = &region->areas[i];

		carve_area(&c, align_up(a->offset, page), align_down(a->offset + a->size, page),
			holes, n_holes, page);
	}
	return c.n;
}
