/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of records that survives its writer: one line each, eight hexadecimal digits of its
 * CRC-32 (IEEE 802.3), a blank, the text. A record is there wholly and on the disk when
 * logfile_add() returns, or it will be left out: readers stop at the first line that is cut off or
 * whose sum is wrong, and writers who come back cut the rest away.
 *
 * The file is locked (flock) by whoever writes it, so that others can tell a writer that lives
 * from one that died. One thread at a time per handle.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <sys/types.h>

/* The kernel's calls; tests let the n-th fail or cut the power. NULL members: the kernel's own. */
struct logfile_io {
	ssize_t (*write)(void *arg, int fd, const void *data, size_t len);
	int (*sync)(void *arg, int fd); /* -errno */
	void *arg;
};

struct logfile;

/* Creates `dir` too. -EEXIST when the name is taken. */
int logfile_create(
	const char *dir, const char *name, const struct logfile_io *io, struct logfile **ret);
/* -ENOENT; -EWOULDBLOCK when its writer lives. What is not a whole record is cut off. */
int logfile_take_over(
	const char *dir, const char *name, const struct logfile_io *io, struct logfile **ret);
void logfile_close(struct logfile *f);
DEFINE_AUTO(struct logfile, logfile_close);
#define autologfile CLEANUP(logfile_closep) struct logfile

/*
 * Adds texts (without newlines, -EINVAL) in one write, and syncs. After a failure the file is as
 * before, or this handle refuses all further work with the same errno.
 */
int logfile_add(struct logfile *f, const char *const *texts, size_t n);

/* The whole records of a file, a list of the caller's (strv_free). -ENOENT. */
int logfile_read(const char *dir, const char *name, char ***ret);
/* All names in a directory, sorted; none when it is missing. */
int logfile_list(const char *dir, char ***ret);
/* Into another directory (created), whole and synced before the old one goes. */
int logfile_move(const char *from_dir, const char *name, const char *to_dir);
