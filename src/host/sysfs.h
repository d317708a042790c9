/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes below /sys. Paths are given as printf formats relative to it
 * ("bus/pci/devices/%s/vendor"). Reading an attribute gives its text without the final newline.
 */
#pragma once

#include "folder.h"

/* The whole attribute, allocated, NUL-terminated, at most 64 KiB; -ENOENT, -EIO … */
int sysfs_read(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
/* A number, decimal or 0x…; -EINVAL when the attribute holds none. */
int sysfs_read_u64(struct host *h, uint64_t *ret, const char *fmt, ...) PRINTF(3, 4);
/* As above for the attributes that may be negative (numa_node). */
int sysfs_read_int(struct host *h, int *ret, const char *fmt, ...) PRINTF(3, 4);
/* Raw bytes (config, vpd); returns how many. */
ssize_t sysfs_read_bytes(struct host *h, void *buf, size_t size, const char *fmt, ...) PRINTF(4, 5);

int sysfs_write(struct host *h, const char *value, const char *fmt, ...) PRINTF(3, 4);
int sysfs_write_within(struct host *h, const struct host_wait *wait, const char *value,
	const char *fmt, ...) PRINTF(4, 5);

/* The last component of a link's target, allocated: the name of a driver, a group, a PF. */
int sysfs_link_name(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
/* The whole target, allocated. */
int sysfs_read_link(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
int sysfs_list(struct host *h, char ***ret, const char *fmt, ...) PRINTF(3, 4);
/* folder_enter() below /sys. */
int sysfs_enter(struct folder *f, const char *fmt, ...) PRINTF(2, 3);
/* host_device_settled() of a device's folder. */
int sysfs_settled(struct host *h, uint64_t since_ms, const char *fmt, ...) PRINTF(3, 4);
/* The permission bits: what the driver lets be read and written, whoever asks. */
int sysfs_mode(struct host *h, mode_t *ret, const char *fmt, ...) PRINTF(3, 4);
/*
 * The number of a folder's or a file's inode. The kernel gives none twice as long as it runs: a
 * device that went and came back under the same name has another.
 */
int sysfs_inode(struct host *h, uint64_t *ret, const char *fmt, ...) PRINTF(3, 4);
bool sysfs_exists(struct host *h, const char *fmt, ...) PRINTF(2, 3);
/* The path as people know it, allocated; NULL when memory is out. */
char *sysfs_path(const char *fmt, ...) PRINTF(1, 2) NODISCARD;
