// SPDX-License-Identifier: GPL-2.0-or-later
#include "folder.h"
#include "rootdir.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>

/* ThreadSanitizer takes the same number in two tables for the same descriptor. */
void folder_thread_begin(void)
{
#ifndef __SANITIZE_THREAD__
	(void)unshare(CLONE_FILES);
#endif
}

void folder_init(struct folder *f, struct host *h)
{
	f->h = h;
	f->root = h->ops->files ? h->ops->files(h) : NULL;
	f->path[0] = '\0';
	f->fd = -1;
	f->n_held = 0;
}

/* Descriptors are given out in order, so nearly always this is one call for all of them. */
static void close_held(struct folder *f)
{
	for (unsigned i = 0, end; i < f->n_held; i = end) {
		for (end = i + 1; end < f->n_held && f->held[end] == f->held[end - 1] + 1; end++)
			;
		if (end - i == 1 ||
			close_range((unsigned)f->held[i], (unsigned)f->held[end - 1], 0) < 0)
			for (unsigned j = i; j < end; j++)
				close(f->held[j]);
	}
	f->n_held = 0;
}

static void let_go(struct folder *f, int fd)
{
	if (f->n_held == FOLDER_HELD_MAX)
		close(fd);
	else
		f->held[f->n_held++] = fd;
}

void folder_done(struct folder *f)
{
	close_held(f);
	f->path[0] = '\0';
	f->fd = -1;
}

static int enter(struct folder *f)
{
	int fd = rootdir_open(f->root, f->path, O_RDONLY | O_DIRECTORY);

	if (fd == -EMFILE && f->n_held) {
		close_held(f);
		fd = rootdir_open(f->root, f->path, O_RDONLY | O_DIRECTORY);
	}
	if (fd < 0)
		return fd;
	f->fd = fd;
	f->held[f->n_held++] = fd;
	return 0;
}

/* All but the folder itself. */
static void close_read(struct folder *f)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < f->n_held; i++)
		if (f->held[i] != f->fd)
			close(f->held[i]);
		else
			kept = 1;
	f->held[0] = f->fd;
	f->n_held = kept;
}

static int open_entry(struct folder *f, const char *name)
{
	int fd = rootdir_open_at(f->root, f->fd, name);

	if (fd != -EMFILE || f->n_held < 2)
		return fd;
	close_read(f);
	return rootdir_open_at(f->root, f->fd, name);
}

int folder_enter(struct folder *f, const char *path)
{
	int r = 0;

	f->fd = -1;
	if (f->n_held > FOLDER_HELD_MAX * 3 / 4)
		close_held(f);
	if (strlen(path) >= sizeof(f->path))
		r = -ENAMETOOLONG;
	else
		memcpy(f->path, path, strlen(path) + 1);
	if (r == 0 && f->root)
		r = enter(f);
	if (r < 0)
		f->path[0] = '\0';
	return r;
}

/* For hosts without descriptors, and for what is a link where none is expected. */
static int path_of(const struct folder *f, const char *name, char buf[PATH_MAX])
{
	if (!f->path[0])
		return -ENOENT;
	return snprintf(buf, PATH_MAX, "%s/%s", f->path, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static ssize_t read_by_path(struct folder *f, const char *name, void *buf, size_t size)
{
	char path[PATH_MAX];
	int r = path_of(f, name, path);

	return r < 0 ? r : f->h->ops->read_file(f->h, path, buf, size);
}

ssize_t folder_read(struct folder *f, const char *name, void *buf, size_t size)
{
	ssize_t n;
	int fd;

	if (!f->root)
		return read_by_path(f, name, buf, size);
	if (f->fd < 0)
		return -ENOENT;
	fd = open_entry(f, name);
	if (fd == -ELOOP)
		return read_by_path(f, name, buf, size);
	if (fd < 0)
		return fd;
	n = rootdir_read_fd(f->root, fd, buf, size);
	let_go(f, fd);
	return n;
}

int folder_read_link(struct folder *f, const char *name, char *buf, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int r;

	if (!f->root) {
		r = path_of(f, name, path);
		return r < 0 ? r : host_read_link(f->h, path, buf, size);
	}
	if (f->fd < 0)
		return -ENOENT;
	n = readlinkat(f->fd, name, buf, size);
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

int folder_list(struct folder *f, char ***ret_names)
{
	if (!f->path[0])
		return -ENOENT;
	return f->root ? rootdir_list_fd(f->fd, ret_names)
		       : f->h->ops->list_dir(f->h, f->path, ret_names);
}

int folder_each(struct folder *f, int (*each)(void *arg, const char *name), void *arg)
{
	autostrv char **names = NULL;
	int r;

	if (!f->path[0])
		return -ENOENT;
	if (f->root)
		return rootdir_each_fd(f->fd, each, arg);
	r = f->h->ops->list_dir(f->h, f->path, &names);
	if (r < 0)
		return r;
	STRV_FOREACH (name, names) {
		r = each(arg, *name);
		if (r < 0)
			return r;
	}
	return 0;
}

int folder_read_text(struct folder *f, const char *name, char *buf, size_t size)
{
	ssize_t n = folder_read(f, name, buf, size);

	if (n < 0)
		return (int)n;
	if ((size_t)n == size)
		return -EMSGSIZE;
	if (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

int folder_read_u64(struct folder *f, const char *name, uint64_t *ret)
{
	char text[64];
	int r = folder_read_text(f, name, text, sizeof(text));

	if (r == -EMSGSIZE)
		return -EINVAL;
	return r < 0 ? r : parse_u64(str_trim(text), ret);
}

int folder_link_name(struct folder *f, const char *name, char *buf, size_t size)
{
	char target[PATH_MAX];
	const char *last;
	int r = folder_read_link(f, name, target, sizeof(target));

	if (r < 0)
		return r;
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (str_eq(last, "") || str_eq(last, ".") || str_eq(last, ".."))
		return -EINVAL;
	if (strlen(last) >= size)
		return -ENAMETOOLONG;
	memcpy(buf, last, strlen(last) + 1);
	return 0;
}
