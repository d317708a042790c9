/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files below /proc, as sysfs.h does for /sys. */
#pragma once

#include "host.h"

int procfs_read(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
int procfs_read_link(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
int procfs_list(struct host *h, char ***ret, const char *fmt, ...) PRINTF(3, 4);
