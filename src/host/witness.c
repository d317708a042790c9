// SPDX-License-Identifier: GPL-2.0-or-later
#include "witness.h"

#include <stdarg.h>
#include <stdio.h>

static void tell(struct host *h, void (*how)(struct host *h, const char *text), const char *fmt,
	va_list ap) PRINTF(3, 0);
static void tell(
	struct host *h, void (*how)(struct host *h, const char *text), const char *fmt, va_list ap)
{
	autofree char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	how(h, text ? text : "?");
}

void host_begin(struct host *h, const char *fmt, ...)
{
	va_list ap;

	if (!h->witness)
		return;
	va_start(ap, fmt);
	tell(h, h->witness->begin, fmt, ap);
	va_end(ap);
}

void host_end(struct host *h, const char *fmt, ...)
{
	va_list ap;

	if (!h->witness)
		return;
	va_start(ap, fmt);
	tell(h, h->witness->end, fmt, ap);
	va_end(ap);
}

const char *host_name_fd(struct host *h, int fd, const char *kind)
{
	return fd < 0 || !h->witness ? "-" : h->witness->name(h, fd, kind);
}
