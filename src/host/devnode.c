// SPDX-License-Identifier: GPL-2.0-or-later
#include "devnode.h"
#include "base/str.h"
#include "text.h"

#define DEV "/dev"

int devnode_open(struct host *h, int flags, const char *fmt, ...)
{
	TEXT_PATH(path, DEV, fmt);

	return path ? host_open(h, path, flags) : -ENOMEM;
}

bool devnode_exists(struct host *h, const char *fmt, ...)
{
	struct stat st;
	TEXT_PATH(path, DEV, fmt);

	return path && h->ops->stat(h, path, &st) == 0;
}

const char *devnode_name(const char *path)
{
	return str_starts(path, DEV "/") ? path + strlen(DEV "/") : NULL;
}

const char *devnode_name_of_fd(const char *target)
{
	return str_starts(target, "/vfio/") ? target + 1 : devnode_name(target);
}

char *devnode_path(const char *fmt, ...)
{
	TEXT_PATH(path, DEV, fmt);

	return TAKE_PTR(path);
}

int devnode_set_owner(struct host *h, uid_t uid, gid_t gid, mode_t mode, const char *fmt, ...)
{
	TEXT_PATH(path, DEV, fmt);

	if (!h->ops->set_owner)
		return -EROFS;
	return path ? h->ops->set_owner(h, path, uid, gid, mode) : -ENOMEM;
}

int devnode_stat(struct host *h, struct stat *ret, const char *fmt, ...)
{
	TEXT_PATH(path, DEV, fmt);

	return path ? h->ops->stat(h, path, ret) : -ENOMEM;
}
