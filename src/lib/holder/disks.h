/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the machine's tables say about its block devices, read once: mounts, swap, file systems of
 * many devices, and /etc/fstab. A device is its kernel name ("nvme0n1p2", "dm-0") and its number.
 */
#pragma once

#include "host/host.h"

struct mounted {
	char *number; /* "259:2"; of a file system of many devices one of its own */
	char *where;  /* printable, "/srv" */
	char *source; /* "/dev/nvme0n1p2" */
};

struct promised {
	char *spec;  /* "UUID=…", "/dev/mapper/vg-root", "LABEL=data" */
	char *where; /* printable; "none" and "swap" for swap */
	bool noauto;
};

struct disk_tables {
	struct mounted *mounts;
	size_t n_mounts;
	struct promised *fstab;
	size_t n_fstab;
	char **swaps; /* last components of their nodes */
	char **btrfs; /* kernel names of the devices of mounted ones */
};

int disk_tables_read(struct host *h, struct disk_tables *ret);
void disk_tables_done(struct disk_tables *t);

/* One device, as the tables may call it. */
struct disk_names {
	const char *kernel; /* "dm-0" */
	const char *mapper; /* "vg-root"; NULL */
	const char *number; /* "253:0"; NULL unknown */
};

/* NULL: not mounted; static text when it is not known where. */
const char *disk_mounted_on(const struct disk_tables *t, const struct disk_names *d);
bool disk_is_swap(const struct disk_tables *t, const struct disk_names *d);
/* udev's database is asked for its other names. NULL: nothing promises it. */
const struct promised *disk_promised(
	struct host *h, const struct disk_tables *t, const struct disk_names *d);
