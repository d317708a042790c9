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
static int look_at(struct search *s, size_t i, const char *dir)
{
	struct host *h = s->h;
	const char *name = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
	autofree char *dev = NULL, *where = NULL;
	autostrv char **holders = NULL;
	int r = 0;

	if (sysfs_read(h, &dev, "class/block/%s/%s", dir, "dev") >= 0)
		where = mounted_on(h, str_trim(dev));
	if (where)
		r = search_add(s, HOLDER_MOUNT, HOLD_USED, i,
			str_printf("%s is mounted on %s", name, where));
	if (r == 0 && is_swap(h, name))
		r = search_add(s, HOLDER_SWAP, HOLD_USED, i, str_printf("%s is swap", name));
	if (r == 0 && sysfs_list(h, &holders, "class/block/%s/holders", dir) >= 0 && holders &&
		holders[0])
		r = search_add(s, HOLDER_STACKED, HOLD_USED, i,
			str_printf("%s is part of %s", name, holders[0]));
	return r;
}

static int look_at_partitions(struct search *s, size_t i, const char *disk)
{
	autostrv char **entries = NULL;
	int r = 0;

	if (sysfs_list(s->h, &entries, "class/block/%s", disk) < 0)
		return 0;
	STRV_FOREACH (e, entries) {
		autofree char *dir = NULL;

		if (!str_starts(*e, disk))
			continue;
		dir = str_printf("%s/%s", disk, *e);
		r = dir ? look_at(s, i, dir) : -ENOMEM;
		if (r < 0)
			break;
	}
	return r;
}

static int look_at_function(struct search *s, size_t i)
{
	autostrv char **controllers = NULL;

	if (sysfs_list(s->h, &controllers, "bus/pci/devices/%s/nvme", BDF_TEXT(s->a[i])) < 0)
		return 0;
	STRV_FOREACH (c, controllers) {
		autostrv char **disks = NULL;
		int r = nvme_namespaces(s->h, *c, &disks);

		if (r < 0 && r != -ENOMEM)
			continue;
		STRV_FOREACH (disk, disks) {
			r = look_at(s, i, *disk);
			if (r == 0)
				r = look_at_partitions(s, i, *disk);
			if (r < 0)
				return r;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int find_block(struct search *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = look_at_function(s, i);
	return r;
}
