/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sysfs.h and procfs.h have in common: formatted paths below a prefix. */
#pragma once

#include "host.h"

#include <stdarg.h>

enum { TEXT_MAX = 64 << 10, TEXT_LONG = 16 << 20 };

/* prefix + formatted path, allocated; NULL when memory is out. */
char *text_path(const char *prefix, const char *fmt, va_list ap) PRINTF(2, 0) NODISCARD;
/* The whole file as text, one final newline cut. */
int text_read(struct host *h, const char *path, char **ret);
/* The same of up to TEXT_LONG bytes: tables that grow with the machine (mounts, routes). */
int text_read_long(struct host *h, const char *path, char **ret);
/* The whole target of a link. */
int text_read_link(struct host *h, const char *path, char **ret);

/* Makes `autofree char *var` out of the prefix and the arguments after `fmt`. */
#define TEXT_PATH(var, prefix, fmt)                                                                \
	autofree char *var = NULL;                                                                 \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		var = text_path(prefix, fmt, ap_);                                                 \
		va_end(ap_);                                                                       \
	} while (0)
