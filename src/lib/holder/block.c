// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks that hold somebody's files: mounts, swap, and what is stacked on them, however high
 * (nvme0n1p2 → md0 → vg-root). A disk is found by the path of its folder, which leads over its
 * function; under native multipath it does not, and the function's NVMe controller names it.
 */
#include "disks.h"
#include "sources.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "pci/classdev.h"
#include "pci/namespace.h"

enum { MAX_STACK = 8 };

struct stack {
	struct search *s;
	const struct disk_tables *tables;
	size_t function;
	char *names[MAX_STACK]; /* how people call them, from the disk up */
	size_t n;
};

static char *chain(const struct stack *k)
{
	autostrbuf b = { 0 };
	autofree char *raw = NULL;

	for (size_t i = 0; i < k->n; i++)
		strbuf_add(&b, "%s%s", i ? " → " : "", k->names[i]);
	raw = strbuf_take(&b);
	return raw ? str_printable(raw) : NULL;
}

/* What device mapper or md say that they do with it; "" unknown. */
static const char *kind_of(struct host *h, const char *dir)
{
	autofree char *uuid = NULL;

	if (sysfs_exists(h, "class/block/%s/md", dir))
		return " (md)";
	if (sysfs_read(h, &uuid, "class/block/%s/dm/uuid", dir) < 0)
		return "";
	if (str_starts(uuid, "LVM-"))
		return " (LVM)";
	if (str_starts(uuid, "CRYPT-"))
		return " (encrypted)";
	return str_starts(uuid, "mpath-") ? " (multipath)" : " (device mapper)";
}

static int add(struct stack *k, enum holder_kind kind, enum holder_strength strength, char *text)
{
	return search_add(k->s, kind, strength, k->function, text);
}

static int look_at_tables(struct stack *k, const struct disk_names *d)
{
	const char *where = disk_mounted_on(k->tables, d);
	bool is_swap = disk_is_swap(k->tables, d);
	const struct promised *p;
	autofree char *name = chain(k);
	int r = 0;

	if (!name)
		return -ENOMEM;
	if (where)
		r = add(k, HOLDER_MOUNT, HOLD_USED, str_printf("%s is mounted on %s", name, where));
	if (r == 0 && is_swap)
		r = add(k, HOLDER_SWAP, HOLD_USED, str_printf("%s is swap", name));
	if (r < 0 || where || is_swap)
		return r;
	p = disk_promised(k->s->h, k->tables, d);
	return !p ? 0
		  : add(k, HOLDER_FSTAB, p->noauto ? HOLD_BOUND : HOLD_USED,
			    str_printf("fstab mounts %s on %s", name, p->where));
}

static int look_at(struct stack *k, const char *dir);

static int look_at_partitions(struct stack *k, const char *disk)
{
	autostrv char **entries = NULL;
	int r = 0;

	if (sysfs_list(k->s->h, &entries, "class/block/%s", disk) < 0)
		return 0;
	for (char **e = entries; r == 0 && *e; e++) {
		autofree char *dir = NULL;

		if (!str_starts(*e, disk))
			continue;
		dir = str_printf("%s/%s", disk, *e);
		r = dir ? look_at(k, dir) : -ENOMEM;
	}
	return r;
}

static int look_above(struct stack *k, const char *dir)
{
	autostrv char **holders = NULL;
	int r = 0;

	if (sysfs_list(k->s->h, &holders, "class/block/%s/holders", dir) < 0)
		return 0;
	for (char **it = holders; r == 0 && *it; it++) {
		autofree char *below = chain(k), *mapper = NULL;

		(void)sysfs_read(k->s->h, &mapper, "class/block/%s/dm/name", *it);
		if (!below)
			return -ENOMEM;
		r = add(k, HOLDER_STACKED, HOLD_USED,
			str_printf("%s is part of %s%s", below, mapper ? mapper : *it,
				kind_of(k->s->h, *it)));
		if (r == 0)
			r = look_at(k, *it);
		if (r == 0)
			r = look_at_partitions(k, *it);
	}
	return r;
}

/* `dir` is the device's folder below class/block: "nvme0n1" or "nvme0n1/nvme0n1p2". */
static int look_at(struct stack *k, const char *dir)
{
	const char *kernel = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
	autofree char *number = NULL, *mapper = NULL;
	struct disk_names d = { .kernel = kernel };
	int r;

	if (k->n == MAX_STACK)
		return 0;
	(void)sysfs_read(k->s->h, &number, "class/block/%s/dev", dir);
	(void)sysfs_read(k->s->h, &mapper, "class/block/%s/dm/name", dir);
	d.number = number ? str_trim(number) : NULL;
	d.mapper = mapper;
	k->names[k->n] = strdup(mapper ? mapper : kernel);
	if (!k->names[k->n++])
		r = -ENOMEM;
	else
		r = look_at_tables(k, &d);
	if (r == 0)
		r = search_add_node(k->s, HOLDER_OPEN, k->function, strdup(kernel), chain(k));
	if (r == 0)
		r = look_above(k, dir);
	free(k->names[--k->n]);
	return r;
}

/* The disks and partitions whose folders lie below a function. */
static int look_at_disks(struct stack *k)
{
	autostrv char **names = NULL;
	int r = sysfs_list(k->s->h, &names, "class/block");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **name = names; r == 0 && *name; name++) {
		struct bdf a;
		ssize_t at = classdev_function(k->s->h, "block", *name, &a) == 0
				     ? search_index(k->s, a)
				     : -1;

		if (at < 0)
			continue;
		k->function = (size_t)at;
		r = look_at(k, *name);
	}
	return r;
}

static int look_at_controller(struct stack *k, const char *controller)
{
	autostrv char **disks = NULL;
	int r = nvme_namespaces(k->s->h, controller, &disks);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **disk = disks; r == 0 && disk && *disk; disk++) {
		struct bdf a;

		if (classdev_function(k->s->h, "block", *disk, &a) == 0)
			continue;
		r = look_at(k, *disk);
		if (r == 0)
			r = look_at_partitions(k, *disk);
	}
	return r;
}

static int look_at_controllers(struct stack *k)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < k->s->n; i++) {
		autostrv char **controllers = NULL;

		if (sysfs_list(k->s->h, &controllers, "bus/pci/devices/%s/nvme",
			    BDF_TEXT(k->s->a[i])) < 0)
			continue;
		k->function = i;
		for (char **c = controllers; r == 0 && *c; c++)
			r = look_at_controller(k, *c);
	}
	return r;
}

int find_block(struct search *s)
{
	struct disk_tables tables CLEANUP(disk_tables_done) = { 0 };
	struct stack k = { .s = s, .tables = &tables };
	int r = disk_tables_read(s->h, &tables);

	if (r == 0)
		r = look_at_disks(&k);
	return r == 0 ? look_at_controllers(&k) : r;
}
