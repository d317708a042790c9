/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Namespaces of this process's own, which a plain user has, too, where the kernel lets users. */
#pragma once

#include "cm.h"
#include "base/str.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static inline int put_once(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

/* CLONE_NEW…: 0, or -1. A plain user is root in them from then on, and there alone. */
static inline int own_namespaces(int flags)
{
	autofree char *uids = str_printf("0 %u 1", (unsigned)geteuid());
	autofree char *gids = str_printf("0 %u 1", (unsigned)getegid());

	if (geteuid() == 0)
		return unshare(flags);
	if (unshare(CLONE_NEWUSER | flags) < 0 || put_once("/proc/self/setgroups", "deny") < 0 ||
		put_once("/proc/self/uid_map", uids) < 0)
		return -1;
	return put_once("/proc/self/gid_map", gids);
}
