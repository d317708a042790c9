// SPDX-License-Identifier: GPL-2.0-or-later
#include "sysfs.h"
#include "text.h"
#include "base/str.h"

#include <limits.h>
#include <stdio.h>

#define SYS "/sys"

int sysfs_read(struct host *h, char **ret, const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	return path ? text_read(h, path, ret) : -ENOMEM;
}

int sysfs_read_u64(struct host *h, uint64_t *ret, const char *fmt, ...)
{
	autofree char *text = NULL;
	int e;
	TEXT_PATH(path, SYS, fmt);

	e = path ? text_read(h, path, &text) : -ENOMEM;
	return e < 0 ? e : parse_u64(str_trim(text), ret);
}

int sysfs_read_int(struct host *h, int *ret, const char *fmt, ...)
{
	autofree char *text = NULL;
	const char *s;
	uint64_t v;
	int e;
	TEXT_PATH(path, SYS, fmt);

	e = path ? text_read(h, path, &text) : -ENOMEM;
	if (e < 0)
		return e;
	s = str_trim(text);
	e = parse_u64(*s == '-' ? s + 1 : s, &v);
	if (e < 0)
		return e;
	if (v > INT_MAX)
		return -ERANGE;
	*ret = *s == '-' ? -(int)v : (int)v;
	return 0;
}

ssize_t sysfs_read_bytes(struct host *h, void *buf, size_t size, const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	return path ? h->ops->read_file(h, path, buf, size) : -ENOMEM;
}

int sysfs_write(struct host *h, const char *value, const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	return path ? h->ops->write_file(h, path, value, strlen(value)) : -ENOMEM;
}

int sysfs_write_within(
	struct host *h, const struct host_wait *wait, const char *value, const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	if (!path)
		return -ENOMEM;
	return h->ops->write_file_within(h, path, value, strlen(value), wait);
}

int sysfs_link_name(struct host *h, char **ret, const char *fmt, ...)
{
	autofree char *target = NULL;
	const char *name;
	char *copy;
	int e;
	TEXT_PATH(path, SYS, fmt);

	e = path ? text_read_link(h, path, &target) : -ENOMEM;
	if (e < 0)
		return e;
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (str_eq(name, "") || str_eq(name, ".") || str_eq(name, ".."))
		return -EINVAL;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

int sysfs_read_link(struct host *h, char **ret, const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	return path ? text_read_link(h, path, ret) : -ENOMEM;
}

int sysfs_list(struct host *h, char ***ret, const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	return path ? h->ops->list_dir(h, path, ret) : -ENOMEM;
}

int sysfs_enter(struct folder *f, const char *fmt, ...)
{
	/* Once for every function of the machine: no allocation. */
	char path[FOLDER_PATH_MAX] = SYS "/";
	size_t at = strlen(path);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path + at, sizeof(path) - at, fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= sizeof(path) - at ? -ENAMETOOLONG : folder_enter(f, path);
}

int sysfs_settled(struct host *h, uint64_t since_ms, const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	return path ? host_device_settled(h, path, since_ms) : -ENOMEM;
}

bool sysfs_exists(struct host *h, const char *fmt, ...)
{
	struct stat st;
	TEXT_PATH(path, SYS, fmt);

	return path && h->ops->stat(h, path, &st) == 0;
}

char *sysfs_path(const char *fmt, ...)
{
	TEXT_PATH(path, SYS, fmt);

	return TAKE_PTR(path);
}

int sysfs_mode(struct host *h, mode_t *ret, const char *fmt, ...)
{
	struct stat st;
	TEXT_PATH(path, SYS, fmt);
	int r = path ? h->ops->stat(h, path, &st) : -ENOMEM;

	if (r == 0)
		*ret = st.st_mode & 07777;
	return r;
}

int sysfs_inode(struct host *h, uint64_t *ret, const char *fmt, ...)
{
	struct stat st;
	TEXT_PATH(path, SYS, fmt);
	int r = path ? h->ops->stat(h, path, &st) : -ENOMEM;

	if (r == 0)
		*ret = st.st_ino;
	return r;
}
