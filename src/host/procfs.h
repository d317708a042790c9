/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files below /proc, as sysfs.h does for /sys. */
#pragma once

#include "host.h"

/* The whole file as text, at most 16 MiB. */
int procfs_read(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
int procfs_read_link(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
int procfs_list(struct host *h, char ***ret, const char *fmt, ...) PRINTF(3, 4);
/* Raw bytes (cmdline has NULs between its words); returns how many. */
ssize_t procfs_read_bytes(struct host *h, void *buf, size_t size, const char *fmt, ...)
	PRINTF(4, 5);
/* The path as people know it, allocated; NULL when memory is out. */
char *procfs_path(const char *fmt, ...) PRINTF(1, 2) NODISCARD;
