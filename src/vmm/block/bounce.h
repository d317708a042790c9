/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transfer that the file does not take as it is (disk_is_aligned()), in steps that an engine can
 * carry out without waiting: whole blocks, by way of memory of ours, a piece at a time.
 *
 * A block that is written in part is read first, and nobody else may write a part of it meanwhile:
 * that is one request's right at a time, for all of the disk (disk.partial). Who does not get it
 * reads until it does, so that no thread waits for another, which might be itself.
 */
#pragma once

#include "engine.h"

struct disk_bounce;

/* What is to be done next, with the file. */
struct disk_bounce_io {
	bool write;
	void *buf;
	size_t len;
	uint64_t at;
};

/* For DISK_READ, DISK_WRITE, and DISK_ZERO by writing; sets r->bounce. */
int disk_bounce_begin(struct disk *d, struct disk_request *r);
struct disk_bounce_io disk_bounce_next(const struct disk_request *r);
/* That came back with `res`, as of preadv(2). True: all is done, r->result says how. */
bool disk_bounce_did(struct disk *d, struct disk_request *r, int res);
/* Also in the middle; the kernel has nothing of it. */
void disk_bounce_end(struct disk *d, struct disk_request *r);
