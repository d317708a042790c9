// SPDX-License-Identifier: GPL-2.0-or-later
/* Other nodes through which a process uses a function: RDMA, graphics, NVMe commands, … */
#include "sources.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "pci/classdev.h"

/* A class of devices, and the folder of its nodes. */
static const struct {
	const char *name, *folder;
} classes[] = {
	{ "infiniband_verbs", "infiniband/" },
	{ "infiniband_mad", "infiniband/" },
	{ "drm", "dri/" },
	{ "accel", "accel/" },
	{ "nvme", "" },
	{ "nvme-generic", "" },
	{ "uio", "" },
};

int find_class_nodes(struct search *s)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		autostrv char **names = NULL;

		if (sysfs_list(s->h, &names, "class/%s", classes[i].name) < 0)
			continue;
		for (char **name = names; r == 0 && *name; name++) {
			struct bdf a;
			ssize_t at = -1;

			if (classdev_function(s->h, classes[i].name, *name, &a) == 0)
				at = search_index(s, a);
			if (at >= 0)
				r = search_add_node(s, HOLDER_OPEN, (size_t)at,
					str_printf("%s%s", classes[i].folder, *name), NULL);
		}
		if (r < 0)
			return r;
	}
	return 0;
}
