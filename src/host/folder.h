/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One folder after another, each entered once and then asked for its entries by name: a third of
 * the system calls of asking by path, and what counts when a machine has thousands of functions.
 * An entry's name is one component, never a path.
 *
 * Entering keeps the kernel's object, not its name: a folder that is removed and made again while
 * we are in it is another one, and all entries of the old one are -ENOENT. So this is for taking
 * a picture, not for waiting until something changes. Not for use by several threads at once.
 */
#pragma once

#include "host.h"

enum { FOLDER_PATH_MAX = 512, FOLDER_HELD_MAX = 64 };

struct rootdir;

struct folder {
	struct host *h;
	const struct rootdir *root; /* NULL: a host without descriptors; it is asked by path */
	char path[FOLDER_PATH_MAX];
	int fd;			   /* of the folder; negative: in none */
	int held[FOLDER_HELD_MAX]; /* opened here and of no more use: closed in one call */
	unsigned n_held;
};

/*
 * For a thread that does nothing else until its end: descriptors of its own, numbered one after
 * another whatever the others open. Without it, closing takes more calls.
 */
void folder_thread_begin(void);
void folder_init(struct folder *f, struct host *h);
/* Leaves the folder that it was in. On failure it is in none, and asking is -ENOENT. */
int folder_enter(struct folder *f, const char *path);
void folder_done(struct folder *f);
#define autofolder CLEANUP(folder_done) struct folder

/* As the operations of the same names in struct host_ops. */
ssize_t folder_read(struct folder *f, const char *name, void *buf, size_t size);
int folder_read_link(struct folder *f, const char *name, char *buf, size_t size);
/* At most once for each time that it is entered. */
int folder_list(struct folder *f, char ***ret_names);
/* The same names in no order, each for as long as the call; a negative result ends it. */
int folder_each(struct folder *f, int (*each)(void *arg, const char *name), void *arg);

/* A short attribute as text, one final newline cut; -EMSGSIZE when it does not fit. */
int folder_read_text(struct folder *f, const char *name, char *buf, size_t size);
/* A number, decimal or 0x…; -EINVAL when the attribute holds none. */
int folder_read_u64(struct folder *f, const char *name, uint64_t *ret);
/* The last component of a link's target; -EINVAL for a link that ends in "..". */
int folder_link_name(struct folder *f, const char *name, char *buf, size_t size);
