// SPDX-License-Identifier: GPL-2.0-or-later
/* NVMe namespaces that hold somebody's files: mounts, swap, and what is stacked on them. */
#include "sources.h"

#include "base/str.h"
#include "host/procfs.h"
#include "host/sysfs.h"
#include "pci/namespace.h"

#include <stdio.h>

/* "36 35 259:1 /root /mnt …": the third word is the device; the fifth where it is mounted. */
static char *mounted_on(struct host *h, const char *dev)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (procfs_read(h, &text, "self/mountinfo") < 0)
		return NULL;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char number[32], where[256];

		if (sscanf(l, "%*d %*d %31s %*s %255s", number, where) == 2 && str_eq(number, dev))
			return str_printable(where);
	}
	return NULL;
}

/* The first word of a line is the device's node. */
static bool is_swap(struct host *h, const char *name)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (procfs_read(h, &text, "swaps") < 0)
		return false;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char node[256];
		const char *last;

		if (sscanf(l, "%255s", node) != 1)
			continue;
		last = strrchr(node, '/');
		if (last && str_eq(last + 1, name))
			return true;
	}
	return false;
}

/* `dir` is the device's folder below class/block: "nvme0n1" or "nvme0n1/nvme0n1p2". */
static int look_at(struct host *h, struct bdf a, const char *dir, struct uses *u)
{
	const char *name = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
	autofree char *dev = NULL, *where = NULL;
	autostrv char **holders = NULL;
	int r = 0;

	if (sysfs_read(h, &dev, "class/block/%s/%s", dir, "dev") >= 0)
		where = mounted_on(h, str_trim(dev));
	if (where)
		r = uses_add(u, USE_MOUNT, a, 0, str_printf("%s is mounted on %s", name, where));
	if (r == 0 && is_swap(h, name))
		r = uses_add(u, USE_SWAP, a, 0, str_printf("%s is swap", name));
	if (r == 0 && sysfs_list(h, &holders, "class/block/%s/holders", dir) >= 0 && holders &&
		holders[0])
		r = uses_add(
			u, USE_STACKED, a, 0, str_printf("%s is part of %s", name, holders[0]));
	return r;
}

static int look_at_partitions(struct host *h, struct bdf a, const char *disk, struct uses *u)
{
	autostrv char **entries = NULL;
	int r = 0;

	if (sysfs_list(h, &entries, "class/block/%s", disk) < 0)
		return 0;
	STRV_FOREACH (e, entries) {
		autofree char *dir = NULL;

		if (!str_starts(*e, disk))
			continue;
		dir = str_printf("%s/%s", disk, *e);
		r = dir ? look_at(h, a, dir, u) : -ENOMEM;
		if (r < 0)
			break;
	}
	return r;
}

int use_block(struct host *h, struct bdf a, struct uses *u)
{
	autostrv char **controllers = NULL;

	if (sysfs_list(h, &controllers, "bus/pci/devices/%s/nvme", BDF_TEXT(a)) < 0)
		return 0;
	STRV_FOREACH (c, controllers) {
		autostrv char **disks = NULL;
		int r = nvme_namespaces(h, *c, &disks);

		if (r < 0 && r != -ENOMEM)
			continue;
		STRV_FOREACH (disk, disks) {
			r = look_at(h, a, *disk, u);
			if (r == 0)
				r = look_at_partitions(h, a, *disk, u);
			if (r < 0)
				return r;
		}
		if (r < 0)
			return r;
	}
	return 0;
}
