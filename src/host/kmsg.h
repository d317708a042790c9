/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's log by its records: "level,sequence,microseconds,flags;text", then lines that begin
 * with a blank and hold properties (kernel document dev-kmsg). As the operation of host_ops.
 */
#pragma once

#include "host.h"

struct rootdir;

int kmsg_read(const struct rootdir *root, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg);
int kmsg_mark(const struct rootdir *root);
int kmsg_since(struct host *h, int mark, void (*each)(void *arg, const struct host_log_line *line),
	void *arg);
/* One record, which is cut into its text in place; -EBADMSG when it is none. */
int kmsg_parse(char *record, struct host_log_line *ret);
