// SPDX-License-Identifier: GPL-2.0-or-later
#include "rootdir.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* The path as openat() wants it below the root; NULL unless it is absolute. */
static const char *below(const char *path)
{
	if (path[0] != '/')
		return NULL;
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

enum { EAGAIN_TRIES = 100000 };

int rootdir_open(const struct rootdir *r, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | ((flags & O_PATH) ? 0 : O_NOCTTY)),
		.mode = flags & O_CREAT ? 0600 : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	const char *rel = below(path);
	unsigned tries = 0;
	long fd;

	if (!rel)
		return -EINVAL;
	if (r->confined) {
		/* EAGAIN: something was renamed, anywhere, while ".." was followed (openat2(2)). */
		do
			fd = syscall(SYS_openat2, r->fd, rel, &how, sizeof(how));
		while (fd < 0 && errno == EAGAIN && tries++ < EAGAIN_TRIES);
	} else {
		fd = openat(r->fd, rel, (int)how.flags, (mode_t)how.mode);
	}
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

/* A mount that is in nobody's namespace and ends with the descriptor (open_tree(2)); or fails. */
static int open_without_devices(const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV };
	autoclose int fd = open_tree(
		AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (unsigned)AT_RECURSIVE);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

int rootdir_confine(const char *path, struct rootdir *ret)
{
	struct rootdir r = { .fd = open_without_devices(path), .confined = true };

	r.no_devices = r.fd >= 0;
	if (r.fd < 0)
		r.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r.fd < 0)
		return -errno;
	*ret = r;
	return 0;
}

/*
 * A FIFO in a captured folder would block the reader and a device node would start the device, so
 * look before opening; the second check is for a folder that changes meanwhile.
 */
static int open_regular(const struct rootdir *r, const char *path)
{
	autoclose int look = r->no_devices ? -1 : rootdir_open(r, path, O_PATH);
	autoclose int fd = -1;
	int e = 0;

	if (!r->no_devices)
		e = look < 0 ? look : check_regular(look);
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
 * it. A file in a captured folder is regular, and there it is as well. That spares a call for each
 * of the many attributes of many functions.
 */
static bool was_last(size_t asked, size_t got)
{
	enum { PAGE = 4096 };

	return got < MIN(asked, (size_t)PAGE);
}

static ssize_t read_some(int fd, void *buf, size_t size, bool short_is_last)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n = read(fd, (char *)buf + got, size - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		got += (size_t)n;
		if (n == 0 || (short_is_last && was_last(size - got + (size_t)n, (size_t)n)))
			break;
	}
	return (ssize_t)got;
}

ssize_t rootdir_read_fd(const struct rootdir *r, int fd, void *buf, size_t size)
{
	ssize_t n = read_some(fd, buf, size, true);

	/* A FIFO without writer is an empty file, and with one it is not ready. */
	if (n <= 0 && n != -EISDIR && r->confined) {
		int e = check_regular(fd);

		n = e < 0 ? e : n;
	}
	return n;
}

int rootdir_open_at(const struct rootdir *r, int dir, const char *name)
{
	struct stat st;
	int fd;

	/* As in open_regular(). A folder's own entries need no way that could lead out. */
	if (r->confined && !r->no_devices) {
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISLNK(st.st_mode))
			return -ELOOP;
		if (!S_ISREG(st.st_mode))
			return S_ISDIR(st.st_mode) ? -EISDIR : -ENXIO;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t rootdir_read(const struct rootdir *r, const char *path, void *buf, size_t size)
{
	autoclose int fd = r->confined ? open_regular(r, path) : rootdir_open(r, path, O_RDONLY);

	return fd < 0 ? fd : read_some(fd, buf, size, str_starts(path, "/sys/"));
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

/* A list that grows by halves: folders with tens of thousands of entries are real. */
struct names {
	char **v;
	size_t n, room;
};

static void names_done(struct names *l)
{
	strv_free(l->v);
}

static int make_room(struct names *l)
{
	size_t room = l->room + l->room / 2 + 32;
	char **more = reallocarray(l->v, room, sizeof(*more));

	if (!more)
		return -ENOMEM;
	more[l->n] = NULL;
	l->v = more;
	l->room = room;
	return 0;
}

static int add_name(void *list, const char *name)
{
	struct names *l = list;
	char *copy;

	if (l->n + 1 >= l->room && make_room(l) < 0)
		return -ENOMEM;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	l->v[l->n++] = copy;
	l->v[l->n] = NULL;
	return 0;
}

static int each_entry(
	const char *buf, size_t len, int (*each)(void *arg, const char *name), void *arg)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *d = (const void *)(buf + at);
		int r;

		at += d->d_reclen;
		if (str_eq(d->d_name, ".") || str_eq(d->d_name, ".."))
			continue;
		r = each(arg, d->d_name);
		if (r < 0)
			return r;
	}
	return 0;
}

int rootdir_each_fd(int dir, int (*each)(void *arg, const char *name), void *arg)
{
	char buf[32 << 10] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = getdents64(dir, buf, sizeof(buf))) != 0) {
		int r = n < 0 ? -errno : each_entry(buf, (size_t)n, each, arg);

		if (r < 0)
			return r;
	}
	return 0;
}

int rootdir_list_fd(int dir, char ***ret_names)
{
	CLEANUP(names_done) struct names l = { 0 };
	int r = make_room(&l); /* no entries are an empty list, not none */

	if (r == 0)
		r = rootdir_each_fd(dir, add_name, &l);
	if (r < 0)
		return r;
	strv_sort(l.v);
	*ret_names = TAKE_PTR(l.v);
	return 0;
}

int rootdir_list(const struct rootdir *r, const char *path, char ***ret_names)
{
	autoclose int fd = rootdir_open(r, path, O_RDONLY | O_DIRECTORY);

	return fd < 0 ? fd : rootdir_list_fd(fd, ret_names);
}

int rootdir_stat(const struct rootdir *r, const char *path, struct stat *ret)
{
	autoclose int fd = rootdir_open(r, path, O_PATH);

	if (fd < 0)
		return fd;
	return fstat(fd, ret) < 0 ? -errno : 0;
}

/*
 * A device node is never opened for that: opening an IOMMU group's has meaning. Its owner changes
 * first, because that clears bits of the mode.
 */
int rootdir_set_owner(const struct rootdir *r, const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	const char *rel = below(path);
	struct stat st;

	if (!rel)
		return -EINVAL;
	if (fstatat(r->fd, rel, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (fchownat(r->fd, rel, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return fchmodat(r->fd, rel, mode, 0) < 0 ? -errno : 0;
}
