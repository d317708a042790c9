// SPDX-License-Identifier: GPL-2.0-or-later
#include "iommufd.h"

#include "base/str.h"
#include "host/sysfs.h"

/* A function without an IOMMU is "noiommu-vfio3" there, and has no node (vfio_main.c, 6.12). */
static bool has_node(struct host *h, const char *function, const char *name)
{
	return str_starts(name, "vfio") &&
	       sysfs_exists(h, "bus/pci/devices/%s/vfio-dev/%s/dev", function, name);
}

int vfio_cdev_find(struct host *h, const char *function, char **ret)
{
	autostrv char **names = NULL;
	int r = sysfs_list(h, &names, "bus/pci/devices/%s/vfio-dev", function);

	if (r < 0)
		return r;
	for (char **n = names; n && *n; n++)
		if (has_node(h, function, *n)) {
			*ret = str_printf("vfio/devices/%s", *n);
			return *ret ? 0 : -ENOMEM;
		}
	return -ENOENT;
}
