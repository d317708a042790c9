/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes below /dev: "vfio/vfio", "vfio/12", "kvm", "nvme0", "net/tun". */
#pragma once

#include "host.h"

int devnode_open(struct host *h, int flags, const char *fmt, ...) PRINTF(3, 4);
bool devnode_exists(struct host *h, const char *fmt, ...) PRINTF(2, 3);
/* What comes after the folder of device nodes in `path` ("vfio/12"); NULL when it is not there. */
const char *devnode_name(const char *path);
/*
 * The same of what a descriptor in /proc is a link to. One that was opened in another mount name
 * space, as a service has, is told from its mount on: "/vfio/12".
 */
const char *devnode_name_of_fd(const char *target);
/* The path as people know it, allocated; NULL when memory is out. */
char *devnode_path(const char *fmt, ...) PRINTF(1, 2) NODISCARD;
/* Gives the node to somebody. -EROFS: this host cannot. */
int devnode_set_owner(struct host *h, uid_t uid, gid_t gid, mode_t mode, const char *fmt, ...)
	PRINTF(5, 6);
int devnode_stat(struct host *h, struct stat *ret, const char *fmt, ...) PRINTF(3, 4);
