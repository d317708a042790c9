/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files below one directory, which is "/" for the paths given here: the live machine's root, or a
 * captured folder that nothing may lead out of.
 */
#pragma once

#include "host.h"

struct rootdir {
	int fd;
	/* Links stay inside and only regular files are read: a capture may hold FIFOs and nodes. */
	bool confined;
	bool no_devices; /* the kernel refuses to open nodes: there is no need to look first */
};

/*
 * Opens a folder as a confined root. Who may (root may) sees it through a mount of its own on which
 * device nodes cannot be opened: then files need not be looked at before they are opened.
 */
int rootdir_confine(const char *path, struct rootdir *ret);

/* An entry of the open folder `dir`, to be read; -ELOOP for a link, which is not followed. */
int rootdir_open_at(const struct rootdir *r, int dir, const char *name);
/* What rootdir_open_at() opened. From the beginning; the offset moves. */
ssize_t rootdir_read_fd(const struct rootdir *r, int fd, void *buf, size_t size);
int rootdir_list_fd(int dir, char ***ret_names);
/* As folder_each(). */
int rootdir_each_fd(int dir, int (*each)(void *arg, const char *name), void *arg);

/*
 * Absolute `path`; O_CLOEXEC is added. What O_CREAT makes is its owner's alone. The fd or a
 * negative errno.
 */
int rootdir_open(const struct rootdir *r, const char *path, int flags);
/* As the operations of the same names in struct host_ops. */
ssize_t rootdir_read(const struct rootdir *r, const char *path, void *buf, size_t size);
int rootdir_read_link(const struct rootdir *r, const char *path, char *buf, size_t size);
int rootdir_list(const struct rootdir *r, const char *path, char ***ret_names);
/* Of the entry itself: a link is not followed. */
int rootdir_set_owner(const struct rootdir *r, const char *path, uid_t uid, gid_t gid, mode_t mode);
int rootdir_stat(const struct rootdir *r, const char *path, struct stat *ret);
