/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A write, or a read, that may block for ever, done by a helper process so that the caller never
 * does. */
#pragma once

#include "rootdir.h"

/* Helpers that wait for work, of any number of threads; they end with this. NULL: no memory. */
struct writers *writers_new(void);
void writers_free(struct writers *ws);

/*
 * As struct host_ops.write_file_within; `r` is the same root each time. -E2BIG: a path of a
 * kilobyte or eight of data, which no attribute takes.
 */
int blocking_write(struct writers *ws, const struct rootdir *r, const char *path, const void *data,
	size_t len, const struct host_wait *wait);
/*
 * One small read by one of them: what a helper of its own for many (blocking_read.h) would be too
 * much for. `data` is of BLOCKING_READ_MAX bytes. Negative: there is no helper; else *ret_n is the
 * number of bytes, or what reading gave, -ETIMEDOUT after `stall_ms`.
 */
int blocking_read_one(struct writers *ws, const struct rootdir *r, const char *path,
	unsigned stall_ms, char *data, ssize_t *ret_n);
