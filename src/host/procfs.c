// SPDX-License-Identifier: GPL-2.0-or-later
#include "procfs.h"
#include "text.h"

#define PROC "/proc"

int procfs_read(struct host *h, char **ret, const char *fmt, ...)
{
	TEXT_PATH(path, PROC, fmt);

	return path ? text_read_long(h, path, ret) : -ENOMEM;
}

int procfs_read_link(struct host *h, char **ret, const char *fmt, ...)
{
	TEXT_PATH(path, PROC, fmt);

	return path ? text_read_link(h, path, ret) : -ENOMEM;
}

int procfs_list(struct host *h, char ***ret, const char *fmt, ...)
{
	TEXT_PATH(path, PROC, fmt);

	return path ? h->ops->list_dir(h, path, ret) : -ENOMEM;
}

ssize_t procfs_read_bytes(struct host *h, void *buf, size_t size, const char *fmt, ...)
{
	TEXT_PATH(path, PROC, fmt);

	return path ? h->ops->read_file(h, path, buf, size) : -ENOMEM;
}

char *procfs_path(const char *fmt, ...)
{
	TEXT_PATH(path, PROC, fmt);

	return TAKE_PTR(path);
}
