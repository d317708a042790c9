// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The nodes through which a function is used by VFIO: its group's (/dev/vfio/12), or its own
 * (/dev/vfio/devices/vfio0). Only what is on a VFIO driver can be held through them.
 */
#include "sources.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "iommu/group.h"

static int add_own_nodes(struct search *s, size_t i)
{
	autostrv char **devices = NULL;
	int r = 0;

	if (sysfs_list(s->h, &devices, "bus/pci/devices/%s/vfio-dev", BDF_TEXT(s->a[i])) < 0)
		return 0;
	for (char **d = devices; r == 0 && d && *d; d++)
		r = search_add_node(s, HOLDER_VFIO, i, str_printf("vfio/devices/%s", *d), NULL);
	return r;
}

/*
 * While the kernel takes a function from VFIO its driver's link goes first (dd.c,
 * __device_release_driver), and only then VFIO waits for the users. Whoever has the group of a
 * function without driver open holds that function for sure if it is alone in there.
 */
static bool is_alone(struct search *s, int group)
{
	autostrv char **members = NULL;

	return group >= 0 &&
	       sysfs_list(s->h, &members, "kernel/iommu_groups/%d/devices", group) == 0 &&
	       strv_len(members) == 1;
}

int find_vfio_nodes(struct search *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		size_t before = s->n_nodes;
		int group;

		if (s->drivers[i] && !search_is_on_vfio(s, i))
			continue;
		group = iommu_group_of(s->h, s->a[i]);
		if (!s->drivers[i] && !is_alone(s, group))
			continue;
		/* Without an IOMMU the group is VFIO's own invention, and its node says so. */
		if (group >= 0)
			r = search_add_node(s, HOLDER_VFIO, i, str_printf("vfio/%d", group), NULL);
		if (r == 0 && group >= 0)
			r = search_add_node(
				s, HOLDER_VFIO, i, str_printf("vfio/noiommu-%d", group), NULL);
		if (r == 0)
			r = add_own_nodes(s, i);
		s->n_unlikely += s->drivers[i] ? 0 : s->n_nodes - before;
	}
	return r;
}
