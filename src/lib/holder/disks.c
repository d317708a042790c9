// SPDX-License-Identifier: GPL-2.0-or-later
#include "disks.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/procfs.h"
#include "host/rootfs.h"
#include "host/sysfs.h"

#include <stdio.h>

void disk_tables_done(struct disk_tables *t)
{
	for (size_t i = 0; i < t->n_mounts; i++) {
		free(t->mounts[i].number);
		free(t->mounts[i].where);
		free(t->mounts[i].source);
	}
	for (size_t i = 0; i < t->n_fstab; i++) {
		free(t->fstab[i].spec);
		free(t->fstab[i].where);
	}
	free(t->mounts);
	free(t->fstab);
	strv_free(t->swaps);
	strv_free(t->btrfs);
	*t = (struct disk_tables) { 0 };
}

/* "36 35 259:1 /root /mnt options … - ext4 /dev/x …": after the dash come type and source. */
static int read_mount(struct disk_tables *t, char *line)
{
	char number[32], where[1024], source[1024];
	const char *rest = strstr(line, " - ");
	struct mounted *more;

	if (!rest || sscanf(line, "%*d %*d %31s %*s %1023s", number, where) != 2 ||
		sscanf(rest, " - %*s %1023s", source) != 1)
		return 0;
	more = reallocarray(t->mounts, t->n_mounts + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	t->mounts = more;
	more += t->n_mounts++;
	*more = (struct mounted) { strdup(number), str_printable(where), strdup(source) };
	return more->number && more->where && more->source ? 0 : -ENOMEM;
}

/* The first word is the node. */
static int read_swap(struct disk_tables *t, char *line)
{
	char node[1024];
	const char *last;

	if (sscanf(line, "%1023s", node) != 1)
		return 0;
	last = strrchr(node, '/');
	return last ? strv_add(&t->swaps, last + 1) : 0;
}

static bool has_option(char *options, const char *wanted)
{
	char *save = NULL;

	for (char *o = strtok_r(options, ",", &save); o; o = strtok_r(NULL, ",", &save))
		if (str_eq(o, wanted))
			return true;
	return false;
}

/* UUID="x" is UUID=x. */
static char *without_quotes(const char *spec)
{
	char *copy = strdup(spec), *to = copy;

	for (const char *from = spec; copy && *from; from++)
		if (*from != '"')
			*to++ = *from;
	if (copy)
		*to = '\0';
	return copy;
}

static int read_promise(struct disk_tables *t, char *line)
{
	char spec[1024], where[1024], type[64] = "", options[1024] = "";
	struct promised *more;

	if (sscanf(line, "%1023s %1023s %63s %1023s", spec, where, type, options) < 2 ||
		spec[0] == '#')
		return 0;
	more = reallocarray(t->fstab, t->n_fstab + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	t->fstab = more;
	more += t->n_fstab++;
	*more = (struct promised) {
		.spec = without_quotes(spec),
		.where = str_printable(str_eq(type, "swap") ? "swap" : where),
		.noauto = has_option(options, "noauto"),
	};
	return more->spec && more->where ? 0 : -ENOMEM;
}

static int read_lines(
	struct disk_tables *t, char *text, int (*read)(struct disk_tables *t, char *line))
{
	char *save = NULL;
	int r = 0;

	for (char *l = strtok_r(text, "\n", &save); l && r == 0; l = strtok_r(NULL, "\n", &save))
		r = read(t, l);
	return r;
}

/* A btrfs that is mounted lists all its devices; mountinfo names one of them. */
static int read_btrfs(struct host *h, struct disk_tables *t)
{
	autostrv char **ids = NULL;

	if (sysfs_list(h, &ids, "fs/btrfs") == -ENOMEM)
		return -ENOMEM;
	STRV_FOREACH (id, ids) {
		autostrv char **devices = NULL;

		if (sysfs_list(h, &devices, "fs/btrfs/%s/devices", *id) == -ENOMEM)
			return -ENOMEM;
		STRV_FOREACH (d, devices)
			if (strv_add(&t->btrfs, *d) < 0)
				return -ENOMEM;
	}
	return 0;
}

int disk_tables_read(struct host *h, struct disk_tables *ret)
{
	struct disk_tables t CLEANUP(disk_tables_done) = { 0 };
	autofree char *mounts = NULL, *swaps = NULL, *fstab = NULL;
	int r = 0;

	if (procfs_read(h, &mounts, "self/mountinfo") >= 0)
		r = read_lines(&t, mounts, read_mount);
	if (r == 0 && procfs_read(h, &swaps, "swaps") >= 0)
		r = read_lines(&t, swaps, read_swap);
	if (r == 0 && rootfs_read(h, &fstab, "etc/fstab") >= 0)
		r = read_lines(&t, fstab, read_promise);
	if (r == 0)
		r = read_btrfs(h, &t);
	if (r < 0)
		return r;
	*ret = t;
	t = (struct disk_tables) { 0 };
	return 0;
}

/* Of a node's path: does it name the device? */
static bool is_node_of(const char *path, const struct disk_names *d)
{
	const char *node = devnode_name(path);

	if (!node)
		return false;
	return str_eq(node, d->kernel) || (d->mapper && str_starts(node, "mapper/") &&
						  str_eq(node + strlen("mapper/"), d->mapper));
}

const char *disk_mounted_on(const struct disk_tables *t, const struct disk_names *d)
{
	for (size_t i = 0; i < t->n_mounts; i++) {
		const struct mounted *m = &t->mounts[i];

		if (str_eq(m->number, d->number) ||
			(str_starts(m->number, "0:") && is_node_of(m->source, d)))
			return m->where;
	}
	return strv_has(t->btrfs, d->kernel) ? "a btrfs of several devices" : NULL;
}

bool disk_is_swap(const struct disk_tables *t, const struct disk_names *d)
{
	return strv_has(t->swaps, d->kernel) || (d->mapper && strv_has(t->swaps, d->mapper));
}

/* "UUID=x" against "E:ID_FS_UUID=x", a node's path against "S:disk/by-uuid/x". */
static bool line_names(const char *line, const char *spec)
{
	static const char *const properties[][2] = {
		{ "UUID=", "E:ID_FS_UUID=" },
		{ "LABEL=", "E:ID_FS_LABEL=" },
		{ "PARTUUID=", "E:ID_PART_ENTRY_UUID=" },
		{ "PARTLABEL=", "E:ID_PART_ENTRY_NAME=" },
	};
	const char *node = devnode_name(spec);

	if (node)
		return str_starts(line, "S:") && str_eq(line + 2, node);
	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		if (str_starts(spec, properties[i][0]) && str_starts(line, properties[i][1]))
			return strcasecmp(spec + strlen(properties[i][0]),
				       line + strlen(properties[i][1])) == 0;
	return false;
}

static const struct promised *find_promise(const struct disk_tables *t, const char *line)
{
	for (size_t i = 0; i < t->n_fstab; i++)
		if (line_names(line, t->fstab[i].spec))
			return &t->fstab[i];
	return NULL;
}

const struct promised *disk_promised(
	struct host *h, const struct disk_tables *t, const struct disk_names *d)
{
	autofree char *text = NULL;
	const struct promised *found = NULL;
	char *save = NULL;

	for (size_t i = 0; i < t->n_fstab; i++)
		if (is_node_of(t->fstab[i].spec, d))
			return &t->fstab[i];
	if (!t->n_fstab || !d->number || rootfs_read(h, &text, "run/udev/data/b%s", d->number) < 0)
		return NULL;
	for (char *l = strtok_r(text, "\n", &save); l && !found; l = strtok_r(NULL, "\n", &save))
		found = find_promise(t, l);
	return found;
}
