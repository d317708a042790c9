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

int find_vfio_nodes(struct search *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++) {
		int group;

		if (!search_is_on_vfio(s, i))
			continue;
		group = iommu_group_of(s->h, s->a[i]);
		/* Without an IOMMU the group is VFIO's own invention, and its node says so. */
		if (group >= 0)
			r = search_add_node(s, HOLDER_VFIO, i, str_printf("vfio/%d", group), NULL);
		if (r == 0 && group >= 0)
			r = search_add_node(
				s, HOLDER_VFIO, i, str_printf("vfio/noiommu-%d", group), NULL);
		if (r == 0)
			r = add_own_nodes(s, i);
	}
	return r;
}
