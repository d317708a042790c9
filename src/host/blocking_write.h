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
 * As struct host_ops.read_files_within, by one of them: for so few files that a helper of their own
 * (blocking_read.h) would be too much. -E2BIG: they are more than can wait for it; some may have
 * been read.
 */
int blocking_read_few(struct writers *ws, const struct rootdir *r, char *const *paths,
	unsigned stall_ms, void (*got)(void *arg, size_t i, ssize_t n, const char *data),
	void *arg);
