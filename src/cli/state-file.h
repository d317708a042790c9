/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that hold the state of a function (vfio/saved.h), as a user names them. */
#pragma once

#include "base/problem.h"
#include "vfio/saved.h"

struct state_file {
	int fd; /* -1: none */
	const char *path;
	bool is_new;
	struct vfio_saved_file file;
};

/*
 * path NULL: nothing is opened. With `create` a new one, for its owner alone; -EEXIST, since what
 * is there would be lost. Otherwise what is in it is checked first.
 */
int state_file_open(struct state_file *f, const char *path, bool create, struct problem **reterr);
/* A new one in which nothing complete is goes. */
void state_file_close(struct state_file *f);
/* For proof_opts; NULL when none was named. */
const struct vfio_saved_file *state_file_in(const struct state_file *f);
