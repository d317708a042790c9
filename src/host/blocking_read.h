/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small reads that may block for ever, done by a helper process so that the caller never does. */
#pragma once

#include "rootdir.h"

/* Longer files are cut. */
enum { BLOCKING_READ_MAX = 128 };

/* As struct host_ops.read_files_within. */
int blocking_read(const struct rootdir *r, char *const *paths, unsigned stall_ms,
	void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg);
