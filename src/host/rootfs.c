// SPDX-License-Identifier: GPL-2.0-or-later
#include "rootfs.h"
#include "text.h"

int rootfs_read(struct host *h, char **ret, const char *fmt, ...)
{
	TEXT_PATH(path, "", fmt);

	return path ? text_read_long(h, path, ret) : -ENOMEM;
}

int rootfs_list(struct host *h, char ***ret, const char *fmt, ...)
{
	TEXT_PATH(path, "", fmt);

	return path ? h->ops->list_dir(h, path, ret) : -ENOMEM;
}
