// SPDX-License-Identifier: GPL-2.0-or-later
#include "classdev.h"

#include "base/str.h"
#include "host/sysfs.h"

/*
 * The function is the deepest component that is an address:
 * "../../devices/pci0000:00/0000:00:05.0/virtio1/net/eth2" stands on 0000:00:05.0.
 */
static int function_in_path(char *path, struct bdf *ret)
{
	char *save = NULL;
	int r = -ENODATA;

	for (char *part = strtok_r(path, "/", &save); part; part = strtok_r(NULL, "/", &save))
		if (bdf_parse(part, ret) == 0)
			r = 0;
	return r;
}

int classdev_function(struct host *h, const char *class, const char *name, struct bdf *ret)
{
	autofree char *target = NULL;
	struct bdf a;
	int r = sysfs_read_link(h, &target, "class/%s/%s", class, name);

	if (r == 0)
		r = function_in_path(target, &a);
	if (r == 0)
		*ret = a;
	return r;
}
