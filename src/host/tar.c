// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tar into a tree. Only the tar format and the filters that libarchive has built in are switched
 * on: its others start programs, which a file from somebody else's machine must not.
 */
#include "tree.h"
#include "base/str.h"

#include <archive.h>
#include <archive_entry.h>

static void archive_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int bad_tar(
	struct problem **reterr, int code, const char *file, const char *entry, const char *why)
{
	autofree char *clean = entry ? str_printable(entry) : NULL;
	enum problem_kind kind = code == -ENOMEM ? PROBLEM_NO_MEMORY : PROBLEM_USAGE;

	return problem(reterr, code, kind, NULL, "%s: %s%s%s", file, clean ? clean : "",
		clean ? ": " : "", why);
}

/* "/sys/x" for "sys/x", "./sys/x" and "/sys/x"; NULL when it is the root itself. */
static int entry_path(const char *name, char **ret)
{
	char *s = NULL;

	for (;;) {
		while (*name == '/')
			name++;
		if (!str_starts(name, "./") && !str_eq(name, "."))
			break;
		name++;
	}
	if (*name) {
		s = str_printf("/%s", name);
		if (!s)
			return -ENOMEM;
	}
	*ret = s;
	return 0;
}

/* The contents, however long the header says they are. */
static int read_data(struct archive *a, char **ret, size_t *ret_len)
{
	autofree char *buf = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		la_ssize_t n;

		if (len == room) {
			char *more;

			room = room ? room * 2 : 4096;
			more = realloc(buf, room);
			if (!more)
				return -ENOMEM;
			buf = more;
		}
		n = archive_read_data(a, buf + len, room - len);
		if (n < 0)
			return -EIO;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > TREE_MAX_FILE)
			return -EFBIG;
	}
	*ret = TAKE_PTR(buf);
	*ret_len = len;
	return 0;
}

/* A hard link becomes a copy of what it names. */
static int put_hard_link(struct tree *t, const char *path, const char *name)
{
	autofree char *target = NULL, *data = NULL;
	struct stat st;
	int e = entry_path(name, &target);

	if (e < 0)
		return e;
	e = target ? tree_stat(t, target, &st) : -EINVAL;
	if (e < 0)
		return e;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return -ENOMEM;
	if (tree_read(t, target, data, (size_t)st.st_size) != st.st_size)
		return -EIO;
	return tree_put_file(t, path, data, (size_t)st.st_size, st.st_mode);
}

static int put_entry(struct tree *t, struct archive *a, struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry), *link;
	mode_t mode = archive_entry_mode(entry);
	autofree char *path = NULL, *data = NULL;
	size_t len;
	int e = name ? entry_path(name, &path) : -EINVAL;

	if (e < 0 || !path)
		return e;
	link = archive_entry_hardlink(entry);
	if (link)
		return put_hard_link(t, path, link);
	switch (archive_entry_filetype(entry)) {
	case AE_IFDIR:
		return tree_put_dir(t, path, mode);
	case AE_IFLNK:
		link = archive_entry_symlink(entry);
		return link ? tree_put_link(t, path, link) : -EINVAL;
	case AE_IFREG:
		e = read_data(a, &data, &len);
		return e < 0 ? e : tree_put_file(t, path, data, len, mode);
	default:
		return tree_put_node(t, path, mode, archive_entry_rdev(entry));
	}
}

static const char *why_refused(int code)
{
	switch (code) {
	case -EINVAL:
		return "such an entry does not belong into a captured machine";
	case -ENOTDIR:
		return "the entry lies below a link or a file";
	case -ENAMETOOLONG:
		return "the name is too long or too deep";
	case -EFBIG:
		return "the file is too large for a captured machine";
	case -ENOSPC:
		return "the archive holds more than a captured machine does";
	case -ENOENT:
		return "the hard link names a file that is not there";
	case -ENOMEM:
		return "out of memory";
	default:
		return "the archive is damaged";
	}
}

static struct archive *new_reader(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	archive_read_support_format_tar(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_compress(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lzma(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_lz4(a);
	return a;
}

int tree_load_tar(struct tree *t, const char *file, struct problem **reterr)
{
	CLEANUP(archive_freep) struct archive *a = new_reader();
	struct archive_entry *entry;
	int r;

	if (!a)
		return bad_tar(reterr, -ENOMEM, file, NULL, "out of memory");
	if (archive_read_open_filename(a, file, 65536) != ARCHIVE_OK)
		return bad_tar(reterr, -EINVAL, file, NULL, "not a tar archive, or not readable");
	while ((r = archive_read_next_header(a, &entry)) == ARCHIVE_OK || r == ARCHIVE_WARN) {
		int e = put_entry(t, a, entry);

		if (e < 0)
			return bad_tar(
				reterr, e, file, archive_entry_pathname(entry), why_refused(e));
	}
	if (r != ARCHIVE_EOF)
		return bad_tar(reterr, -EIO, file, NULL, "the archive is damaged or cut short");
	return 0;
}
