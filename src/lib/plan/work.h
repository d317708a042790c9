/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work under way, for this room alone. */
#pragma once

#include "apply.h"

#include "store/lock.h"

struct work {
	struct host *h;
	char *lock_dir; /* NULL: no locks */
	struct lock *locks;
	struct bdf *bdfs; /* whose they are */
	size_t n;
};

/* Beside the functions that `w` has, also those that nobody else has at the moment. */
int recover_all(struct work *w, const struct apply_opts *opts, struct problem **reterr);
