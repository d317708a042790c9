/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file tree in memory: folders, files, symbolic links and device nodes. Paths are absolute; links
 * are followed inside the tree only (".." of the root is the root). Sizes are bounded, so that a
 * hostile archive cannot eat the machine.
 */
#pragma once

#include "base/attr.h"
#include "base/problem.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum {
	TREE_MAX_FILE = 16 << 20,   /* bytes of one file */
	TREE_MAX_TOTAL = 256 << 20, /* bytes of all files */
	TREE_MAX_NODES = 1 << 20,
	TREE_MAX_CHILDREN = 1 << 15, /* of one folder: each insertion moves those behind it */
	TREE_MAX_DEPTH = 64,
	TREE_MAX_LINKS = 40, /* followed in one path, as the kernel's MAXSYMLINKS */
};

struct tree;

struct tree *tree_new(void); /* NULL when memory is out */
void tree_free(struct tree *t);
DEFINE_AUTO(struct tree, tree_free);

/*
 * Adds what the archive holds. Leading "/" and "./" are dropped; an entry with "..", one that lies
 * below a link or a file, or too much of anything is refused and the tree is of no further use.
 */
int tree_load_tar(struct tree *t, const char *file, struct problem **reterr);

/*
 * Making things: missing folders on the way are made, links on the way are not followed
 * (-ENOTDIR), what was there before is replaced (but a folder stays when a folder is put).
 * `mode` holds permission bits only. -EINVAL, -ENAMETOOLONG, -EFBIG, -ENOSPC, -ENOMEM.
 */
int tree_put_dir(struct tree *t, const char *path, mode_t mode);
int tree_put_file(struct tree *t, const char *path, const void *data, size_t len, mode_t mode);
int tree_put_link(struct tree *t, const char *path, const char *target);
/* A character, block or FIFO node: there, but not readable. `mode` with its type bits. */
int tree_put_node(struct tree *t, const char *path, mode_t mode, dev_t rdev);
/* With everything below; the last component is not followed. */
int tree_remove(struct tree *t, const char *path);

/* As the operations of the same names in struct host_ops (host.h). */
ssize_t tree_read(struct tree *t, const char *path, void *buf, size_t size);
int tree_read_link(struct tree *t, const char *path, char *buf, size_t size);
int tree_list(struct tree *t, const char *path, char ***ret_names);
int tree_stat(struct tree *t, const char *path, struct stat *ret);
int tree_set_owner(struct tree *t, const char *path, uid_t uid, gid_t gid, mode_t mode);

/* The path with no link in it, allocated; the last component may be a link if !follow. */
int tree_resolve(struct tree *t, const char *path, bool follow, char **ret);
/*
 * Calls `each` for everything, folders before what is in them, in order of names. `data` is a
 * file's bytes or a link's target. Stops at the first negative answer, which it returns.
 */
int tree_each(struct tree *t,
	int (*each)(void *arg, const char *path, const struct stat *st, const char *data),
	void *arg);
bool tree_exists(struct tree *t, const char *path); /* follows links */
