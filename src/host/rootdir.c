// SPDX-License-Identifier: GPL-2.0-or-later
#include "rootdir.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

static inline void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The path as openat() wants it below the root; NULL unless it is absolute. */
static const char *below(const char *path)
{
	if (path[0] != '/')
		return NULL;
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

int rootdir_open(const struct rootdir *r, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | ((flags & O_PATH) ? 0 : O_NOCTTY)),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	const char *rel = below(path);
	long fd;

	if (!rel)
		return -EINVAL;
	if (r->confined)
		fd = syscall(SYS_openat2, r->fd, rel, &how, sizeof(how));
	else
		fd = openat(r->fd, rel, (int)how.flags);
	return fd < 0 ? -errno : (int)fd;
}

static int check_regular(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return S_ISREG(st.st_mode) ? 0 : -ENXIO;
}

/*
 * A FIFO in a captured folder would block the reader and a device node would start the device, so
 * look before opening; the second check is for a folder that changes meanwhile.
 */
static int open_regular(const struct rootdir *r, const char *path)
{
	autoclose int look = rootdir_open(r, path, O_PATH);
	autoclose int fd = -1;
	int e;

	if (look < 0)
		return look;
	e = check_regular(look);
	if (e < 0)
		return e;
	fd = rootdir_open(r, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	e = check_regular(fd);
	return e < 0 ? e : TAKE_FD(fd);
}

/*
 * Sysfs gives an attribute in one piece, and a binary one by the page: anything shorter was all of
 * it. That spares a call for each of the many attributes of many functions.
 */
static bool was_last(const char *path, size_t asked, size_t got)
{
	enum { PAGE = 4096 };

	return str_starts(path, "/sys/") && got < MIN(asked, (size_t)PAGE);
}

ssize_t rootdir_read(const struct rootdir *r, const char *path, void *buf, size_t size)
{
	autoclose int fd = r->confined ? open_regular(r, path) : rootdir_open(r, path, O_RDONLY);
	size_t got = 0;

	if (fd < 0)
		return fd;
	while (got < size) {
		ssize_t n = read(fd, (char *)buf + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		got += (size_t)n;
		if (n == 0 || was_last(path, size - got + (size_t)n, (size_t)n))
			break;
	}
	return (ssize_t)got;
}

/* Inside a capture the way to the link must not lead out either. */
static ssize_t read_confined_link(const struct rootdir *r, const char *path, char *buf, size_t size)
{
	autoclose int fd = rootdir_open(r, path, O_PATH | O_NOFOLLOW);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISLNK(st.st_mode))
		return -EINVAL;
	n = readlinkat(fd, "", buf, size);
	return n < 0 ? -errno : n;
}

int rootdir_read_link(const struct rootdir *r, const char *path, char *buf, size_t size)
{
	const char *rel = below(path);
	ssize_t n;

	if (!rel)
		return -EINVAL;
	if (r->confined) {
		n = read_confined_link(r, path, buf, size);
	} else {
		n = readlinkat(r->fd, rel, buf, size);
		n = n < 0 ? -errno : n;
	}
	if (n < 0)
		return (int)n;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

int rootdir_list(const struct rootdir *r, const char *path, char ***ret_names)
{
	autostrv char **names = NULL;
	CLEANUP(closedirp) DIR *dir = NULL;
	autoclose int fd = rootdir_open(r, path, O_RDONLY | O_DIRECTORY);
	struct dirent *d;
	int e;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	TAKE_FD(fd);
	while (errno = 0, (d = readdir(dir))) {
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		e = strv_add(&names, d->d_name);
		if (e < 0)
			return e;
	}
	if (errno)
		return -errno;
	if (!names)
		names = calloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	strv_sort(names);
	*ret_names = TAKE_PTR(names);
	return 0;
}

int rootdir_stat(const struct rootdir *r, const char *path, struct stat *ret)
{
	autoclose int fd = rootdir_open(r, path, O_PATH);

	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}
