// SPDX-License-Identifier: GPL-2.0-or-later
#include "classdev.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <limits.h>

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

int classdev_function_in(struct folder *class, const char *name, struct bdf *ret)
{
	char target[PATH_MAX];
	struct bdf a;
	int r = folder_read_link(class, name, target, sizeof(target));

	if (r == 0)
		r = function_in_path(target, &a);
	if (r == 0)
		*ret = a;
	return r;
}

int classdev_function(struct host *h, const char *class, const char *name, struct bdf *ret)
{
	autofolder f;
	int r;

	folder_init(&f, h);
	r = sysfs_enter(&f, "class/%s", class);
	return r < 0 ? r : classdev_function_in(&f, name, ret);
}
