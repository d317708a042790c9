// SPDX-License-Identifier: GPL-2.0-or-later
#include "namespace.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <stdio.h>

/*
 * A controller's directory holds its namespaces, "nvme0n1", or under native multipath the path to
 * one, "nvme2c0n1": namespace 1 of subsystem 2 through controller 0, which users see as nvme2n1.
 */
static int add_entry(const char *entry, char ***names)
{
	unsigned subsystem, controller, id;
	autofree char *name = NULL;
	int end = 0;

	if (sscanf(entry, "nvme%uc%un%u%n", &subsystem, &controller, &id, &end) != 3 &&
		sscanf(entry, "nvme%un%u%n", &subsystem, &id, &end) != 2)
		return 0;
	if (!end || entry[end])
		return 0;
	name = str_printf("nvme%un%u", subsystem, id);
	return name ? strv_add(names, name) : -ENOMEM;
}

int nvme_namespaces(struct host *h, const char *controller, char ***ret_names)
{
	autostrv char **entries = NULL, **names = NULL;
	int r = sysfs_list(h, &entries, "class/nvme/%s", controller);

	STRV_FOREACH (e, entries) {
		r = add_entry(*e, &names);
		if (r < 0)
			return r;
	}
	if (r == 0)
		*ret_names = TAKE_PTR(names);
	return r;
}
