/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file tree into a tar, such as tree_load_tar() reads. */
#pragma once

#include "tree.h"

/* Whether a file of that name can be written: by its suffix tar, tar.gz, tgz, tar.xz or tar.zst. */
int tarfile_check_name(const char *file, struct problem **reterr);

/*
 * Into a file beside it, which is synced and then takes the name: a file that was there is whole or
 * replaced, never half of it. Not replaced unless `replace`: PROBLEM_USAGE, -EEXIST. Owner only
 * (0600). Entries are in order and have no times, so that equal trees make equal tars.
 */
int tarfile_save(struct tree *t, const char *file, bool replace, struct problem **reterr);
/* Into an open descriptor, which stays the caller's; zstd. */
int tarfile_write(struct tree *t, int fd, struct problem **reterr);
