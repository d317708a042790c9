/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's files that a guest is made of. Names are relative to the working directory; files are
 * opened through the live machine's door and checked before anything is started.
 */
#pragma once

#include "base/problem.h"
#include "host/host.h"

/* A bzImage with a 64-bit entry, whole. A descriptor, close-on-exec; BAD_IMAGE, NOT_FOUND … */
int image_open_kernel(struct host *h, const char *path, struct problem **reterr);
int image_open_initrd(struct host *h, const char *path, struct problem **reterr);
/* An option ROM: begins as one, 16 MiB at most. */
int image_open_rom(struct host *h, const char *path, struct problem **reterr);
/*
 * To be appended to, and empty. A file that is there must be a record or have nothing in it: what
 * is something else is not lost by a slip of the pen.
 */
int image_open_record(struct host *h, const char *path, struct problem **reterr);
/*
 * A regular file or block device of at least one sector; `direct`: without the page cache. It is
 * locked as long as the descriptor, or a copy of it, is open anywhere: for this guest alone, or, to
 * be read, for all who only read. IN_USE.
 */
int image_open_disk(
	struct host *h, const char *path, bool read_only, bool direct, struct problem **reterr);
/* A block device, or part of one, that the host's driver of a VF has made. */
bool image_lies_on_vf(struct host *h, int fd);
