/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the kernel's log as text: how a captured machine keeps them, in the file vfctl/log. One
 * line each, words apart by one blank, and the text last:
 *
 *   SEQ US LEVEL DEVICE|- TEXT
 *
 * What cannot be read as that is skipped.
 */
#pragma once

#include "base/str.h"
#include "host.h"

void logfacts_add(const struct host_log_line *line, struct strbuf *to);
/* As the operation kernel_log. */
int logfacts_each(const char *text, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg);
