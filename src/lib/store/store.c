// SPDX-License-Identifier: GPL-2.0-or-later
#include "store.h"
#include "files.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { STORE_MAX = 64 << 10 };

static bool is_plain_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/');
}

static char *path_of(const char *dir, const char *name, const char *suffix)
{
	return str_printf("%s/%s%s", dir, name, suffix);
}

int files_make_dirs(const char *dir)
{
	autofree char *path = strdup(dir);

	if (!path)
		return -ENOMEM;
	for (char *slash = path + 1; *path; slash++) {
		char was = *slash;

		if (was != '/' && was != '\0')
			continue;
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (!was)
			break;
		*slash = was;
	}
	return 0;
}

int store_prepare(const char *dir)
{
	return files_make_dirs(dir);
}

static int fill(FILE *f, const char *text, bool sync)
{
	if (fputs(text, f) == EOF || fflush(f) == EOF || (sync && fsync(fileno(f)) < 0))
		return -errno;
	return 0;
}

static void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

void files_sync_dir(const char *dir)
{
	FILE *d CLEANUP(fclosep) = fopen(dir, "re");

	/* Some file systems cannot sync a directory; that loses at most the newest fact. */
	if (d)
		(void)fsync(fileno(d));
}

static int put(const char *dir, const char *name, const char *text, bool sync)
{
	autofree char *path = path_of(dir, name, ""), *fresh = path_of(dir, name, ".new");
	FILE *f CLEANUP(fclosep) = NULL;
	int r;

	if (!is_plain_name(name))
		return -EINVAL;
	if (!path || !fresh)
		return -ENOMEM;
	f = fopen(fresh, "we");
	if (!f && errno == ENOENT) {
		r = files_make_dirs(dir);
		if (r < 0)
			return r;
		f = fopen(fresh, "we");
	}
	if (!f)
		return -errno;
	r = fill(f, text, sync);
	if (r == 0 && rename(fresh, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(fresh);
		return r;
	}
	if (sync)
		files_sync_dir(dir);
	return 0;
}

int store_put(const char *dir, const char *name, const char *text)
{
	return put(dir, name, text, true);
}

int store_put_for_boot(const char *dir, const char *name, const char *text)
{
	return put(dir, name, text, false);
}

int store_get(const char *dir, const char *name, char **ret)
{
	autofree char *path = path_of(dir, name, ""), *text = calloc(1, STORE_MAX + 1);
	FILE *f CLEANUP(fclosep) = NULL;

	if (!is_plain_name(name))
		return -EINVAL;
	if (!path || !text)
		return -ENOMEM;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	text[fread(text, 1, STORE_MAX, f)] = '\0';
	if (ferror(f))
		return -EIO;
	*ret = TAKE_PTR(text);
	return 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

int store_list(const char *dir, char ***ret)
{
	autostrv char **names = calloc(1, sizeof(*names));
	CLEANUP(closedirp) DIR *d = opendir(dir);
	struct dirent *e;

	if (!names)
		return -ENOMEM;
	if (!d && errno != ENOENT && errno != ENOTDIR)
		return -errno;
	while (d && (errno = 0, (e = readdir(d))))
		/* Half-written facts end in ".new". */
		if (is_plain_name(e->d_name) && !str_ends(e->d_name, ".new") &&
			strv_add(&names, e->d_name) < 0)
			return -ENOMEM;
	if (d && errno)
		return -errno;
	strv_sort(names);
	*ret = TAKE_PTR(names);
	return 0;
}

int store_remove(const char *dir, const char *name)
{
	autofree char *path = path_of(dir, name, "");

	if (!is_plain_name(name))
		return -EINVAL;
	if (!path)
		return -ENOMEM;
	if (unlink(path) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return 1;
}

FILE *store_open(const char *path)
{
	return fopen(path, "re");
}

int store_is_safe(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
		return -EPERM;
	return 0;
}
