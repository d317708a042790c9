// SPDX-License-Identifier: GPL-2.0-or-later
#include "tarfile.h"
#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>

/* Only filters that libarchive has built in: the others start programs. */
static const struct compression {
	const char *suffix;
	int (*add)(struct archive *a);
} compressions[] = {
	{ ".tar", archive_write_add_filter_none },
	{ ".tar.gz", archive_write_add_filter_gzip },
	{ ".tgz", archive_write_add_filter_gzip },
	{ ".tar.xz", archive_write_add_filter_xz },
	{ ".txz", archive_write_add_filter_xz },
	{ ".tar.zst", archive_write_add_filter_zstd },
	{ ".tzst", archive_write_add_filter_zstd },
};

struct writer {
	struct archive *a;
	const char *file; /* for people */
	struct problem **reterr;
};

static void archive_freep(struct archive **a)
{
	if (*a)
		archive_write_free(*a);
}

static const struct compression *compression_of(const char *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(compressions); i++)
		if (str_ends(file, compressions[i].suffix))
			return &compressions[i];
	return NULL;
}

int tarfile_check_name(const char *file, struct problem **reterr)
{
	if (compression_of(file))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"end it in .tar, .tar.gz, .tar.xz or .tar.zst; or - for standard output",
		"%s: no such kind of archive", file);
}

static int failed(const struct writer *w)
{
	int e = archive_errno(w->a);

	e = e > 0 ? e : EIO;
	return problem(w->reterr, -e, problem_kind_from_errno(-e), NULL, "%s: writing failed: %s",
		w->file, strerror(e));
}

static int write_entry(void *arg, const char *path, const struct stat *st, const char *data)
{
	struct writer *w = arg;
	struct archive_entry *e = archive_entry_new();
	bool ok;

	if (!e)
		return problem(w->reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	archive_entry_set_pathname(e, path + 1);
	archive_entry_set_mode(e, st->st_mode);
	archive_entry_set_mtime(e, 0, 0);
	if (S_ISLNK(st->st_mode))
		archive_entry_set_symlink(e, data);
	else if (S_ISREG(st->st_mode))
		archive_entry_set_size(e, st->st_size);
	else if (!S_ISDIR(st->st_mode))
		archive_entry_set_rdev(e, st->st_rdev);
	ok = archive_write_header(w->a, e) == ARCHIVE_OK;
	if (ok && S_ISREG(st->st_mode) && st->st_size)
		ok = archive_write_data(w->a, data, (size_t)st->st_size) == st->st_size;
	archive_entry_free(e);
	return ok ? 0 : failed(w);
}

static int write_tar(struct tree *t, int fd, const char *file, const struct compression *c,
	struct problem **reterr)
{
	CLEANUP(archive_freep) struct archive *a = archive_write_new();
	struct writer w = { .a = a, .file = file, .reterr = reterr };
	int r;

	if (!a)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (c->add(a) != ARCHIVE_OK || archive_write_set_format_gnutar(a) != ARCHIVE_OK)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, "choose another suffix",
			"%s: this libarchive cannot compress so", file);
	/* By itself it fills the last block of a pipe with zeros, which zstd takes for damage. */
	archive_write_set_bytes_in_last_block(a, 1);
	if (archive_write_open_fd(a, fd) != ARCHIVE_OK)
		return failed(&w);
	r = tree_each(t, write_entry, &w);
	if (r < 0)
		return r;
	return archive_write_close(a) == ARCHIVE_OK ? 0 : failed(&w);
}

int tarfile_write(struct tree *t, int fd, struct problem **reterr)
{
	return write_tar(t, fd, "standard output", compression_of(".tar.zst"), reterr);
}

static int say_errno(const char *file, struct problem **reterr)
{
	int e = errno;

	if (e == EEXIST)
		return problem(reterr, -EEXIST, PROBLEM_USAGE, "use --force to replace it",
			"%s is there already", file);
	return problem(reterr, -e, problem_kind_from_errno(-e), NULL, "%s: %s", file, strerror(e));
}

static int finish(int fd, const char *aside, const char *file, bool replace)
{
	if (fsync(fd) < 0)
		return -1;
	if (replace)
		return rename(aside, file);
	if (renameat2(AT_FDCWD, aside, AT_FDCWD, file, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not every file system knows that flag; a hard link does not replace either. */
	return errno == EINVAL && link(aside, file) == 0 ? unlink(aside) : -1;
}

int tarfile_save(struct tree *t, const char *file, bool replace, struct problem **reterr)
{
	autofree char *aside = str_printf("%s.XXXXXX", file);
	autoclose int fd = -1;
	int r = tarfile_check_name(file, reterr);

	if (r < 0)
		return r;
	if (!aside)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (!replace && access(file, F_OK) == 0) {
		errno = EEXIST;
		return say_errno(file, reterr);
	}
	fd = mkostemp(aside, O_CLOEXEC);
	if (fd < 0)
		return say_errno(file, reterr);
	r = write_tar(t, fd, file, compression_of(file), reterr);
	if (r == 0 && finish(fd, aside, file, replace) < 0)
		r = say_errno(file, reterr);
	if (r < 0)
		(void)unlink(aside);
	return r;
}
