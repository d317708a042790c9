/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A write that may block for ever, done by a helper process so that the caller never does. */
#pragma once

#include "rootdir.h"

/* As struct host_ops.write_file_within. */
int blocking_write(const struct rootdir *r, const char *path, const void *data, size_t len,
	const struct host_wait *wait);
