// SPDX-License-Identifier: GPL-2.0-or-later
#include "logfile.h"
#include "files.h"
#include "store.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { SUM_DIGITS = 8, FILE_MAX = 64 << 20 };

struct logfile {
	struct logfile_io io;
	char *dir, *name;
	int fd;
	off_t end; /* of what is known to be whole */
	int broken;
};

/* Reflected, polynomial 0x04c11db7. */
static uint32_t crc32(const char *data, size_t len)
{
	uint32_t crc = ~0U;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
	}
	return ~crc;
}

void logfile_close(struct logfile *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->dir);
	free(f->name);
	free(f);
}

static int new_file(
	const char *dir, const char *name, const struct logfile_io *io, struct logfile **ret)
{
	autologfile *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->fd = -1;
	if (io)
		f->io = *io;
	f->dir = strdup(dir);
	f->name = strdup(name);
	if (!f->dir || !f->name)
		return -ENOMEM;
	*ret = TAKE_PTR(f);
	return 0;
}

/* Whoever looks at a file in the moment before its writer locks it takes it for a dead one's. */
static bool still_there(int fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_dev == there.st_dev &&
	       mine.st_ino == there.st_ino;
}

static int open_locked(struct logfile *f, int flags)
{
	autofree char *path = str_printf("%s/%s", f->dir, f->name);

	if (!path)
		return -ENOMEM;
	f->fd = open(path, flags | O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (f->fd < 0)
		return -errno;
	if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return still_there(f->fd, path) ? 0 : -ESTALE;
}

int logfile_create(
	const char *dir, const char *name, const struct logfile_io *io, struct logfile **ret)
{
	autologfile *f = NULL;
	int r = files_make_dirs(dir);

	if (r == 0)
		r = new_file(dir, name, io, &f);
	if (r == 0)
		r = open_locked(f, O_CREAT | O_EXCL);
	if (r < 0)
		return r == -EWOULDBLOCK || r == -ESTALE ? -EEXIST : r;
	files_sync_dir(dir);
	*ret = TAKE_PTR(f);
	return 0;
}

/* The text of a line that is whole, else NULL. *end stands behind it. */
static const char *whole_line(char *line, char **end)
{
	char *newline = strchr(line, '\n'), *after;
	unsigned long sum;

	if (!newline || newline - line < SUM_DIGITS + 1 || line[SUM_DIGITS] != ' ')
		return NULL;
	sum = strtoul(line, &after, 16);
	if (after != line + SUM_DIGITS)
		return NULL;
	*newline = '\0';
	*end = newline + 1;
	line += SUM_DIGITS + 1;
	return sum == crc32(line, strlen(line)) ? line : NULL;
}

/* *ret_whole: how many bytes are whole records. */
static int parse(char *text, char ***ret, off_t *ret_whole)
{
	autostrv char **lines = calloc(1, sizeof(*lines));
	char *at = text, *end = text;
	const char *line;

	if (!lines)
		return -ENOMEM;
	while ((line = whole_line(at, &end))) {
		if (strv_add(&lines, line) < 0)
			return -ENOMEM;
		at = end;
	}
	*ret_whole = at - text;
	*ret = TAKE_PTR(lines);
	return 0;
}

static int read_all(int fd, char **ret)
{
	autofree char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EFBIG;
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	n = pread(fd, text, (size_t)st.st_size, 0);
	if (n < 0)
		return -errno;
	*ret = TAKE_PTR(text);
	return 0;
}

int logfile_take_over(
	const char *dir, const char *name, const struct logfile_io *io, struct logfile **ret)
{
	autofree char *text = NULL;
	autostrv char **lines = NULL;
	autologfile *f = NULL;
	int r = new_file(dir, name, io, &f);

	if (r == 0)
		r = open_locked(f, 0);
	if (r == 0)
		r = read_all(f->fd, &text);
	if (r == 0)
		r = parse(text, &lines, &f->end);
	if (r == 0 && ftruncate(f->fd, f->end) < 0)
		r = -errno;
	if (r < 0)
		return r == -ESTALE ? -ENOENT : r;
	*ret = TAKE_PTR(f);
	return 0;
}

static ssize_t do_write(struct logfile *f, const void *data, size_t len)
{
	ssize_t n;

	if (f->io.write)
		return f->io.write(f->io.arg, f->fd, data, len);
	do
		n = write(f->fd, data, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int do_sync(struct logfile *f)
{
	if (f->io.sync)
		return f->io.sync(f->io.arg, f->fd);
	return fdatasync(f->fd) < 0 ? -errno : 0;
}

/* A short write is a full disk. */
static int append(struct logfile *f, const char *data, size_t len)
{
	ssize_t n = do_write(f, data, len);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? do_sync(f) : -ENOSPC;
}

int logfile_add(struct logfile *f, const char *const *texts, size_t n)
{
	autostrbuf b = { 0 };
	int r;

	if (f->broken)
		return f->broken;
	for (size_t i = 0; i < n; i++) {
		if (strchr(texts[i], '\n'))
			return -EINVAL;
		strbuf_add(&b, "%08x %s\n", crc32(texts[i], strlen(texts[i])), texts[i]);
	}
	if (b.failed)
		return -ENOMEM;
	if (!b.len)
		return 0;
	r = append(f, b.s, b.len);
	if (r == 0) {
		f->end += (off_t)b.len;
		return 0;
	}
	/* Half a record behind which more would be written hides all that follows. */
	if (ftruncate(f->fd, f->end) < 0)
		f->broken = r;
	return r;
}

int logfile_read(const char *dir, const char *name, char ***ret)
{
	autofree char *path = str_printf("%s/%s", dir, name), *text = NULL;
	autoclose int fd = -1;
	off_t whole;
	int r;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = read_all(fd, &text);
	return r < 0 ? r : parse(text, ret, &whole);
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int logfile_list(const char *dir, char ***ret)
{
	DIR *d CLEANUP(closedirp) = opendir(dir);
	autostrv char **names = calloc(1, sizeof(*names));
	const struct dirent *e;

	if (!names)
		return -ENOMEM;
	if (!d && errno != ENOENT && errno != ENOTDIR)
		return -errno;
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !str_ends(e->d_name, ".new") &&
			strv_add(&names, e->d_name) < 0)
			return -ENOMEM;
	strv_sort(names);
	*ret = TAKE_PTR(names);
	return 0;
}

int logfile_move(const char *from_dir, const char *name, const char *to_dir)
{
	autofree char *path = str_printf("%s/%s", from_dir, name), *text = NULL;
	autoclose int fd = -1;
	int r;

	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	r = read_all(fd, &text);
	if (r == 0)
		r = store_put(to_dir, name, text);
	if (r < 0)
		return r;
	r = store_remove(from_dir, name);
	return r < 0 ? r : 0;
}
