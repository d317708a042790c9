/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain files of the machine that other programs keep: their configuration ("etc/fstab") and their
 * run-time state ("run/udev/data/b259:0"). As sysfs.h does for /sys; paths are relative to /.
 */
#pragma once

#include "host.h"

/* The whole file as text, at most 16 MiB. */
int rootfs_read(struct host *h, char **ret, const char *fmt, ...) PRINTF(3, 4);
int rootfs_list(struct host *h, char ***ret, const char *fmt, ...) PRINTF(3, 4);
