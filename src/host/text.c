// SPDX-License-Identifier: GPL-2.0-or-later
#include "text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

char *text_path(const char *prefix, const char *fmt, va_list ap)
{
	autofree char *rest = NULL;
	char *path = NULL;

	if (vasprintf(&rest, fmt, ap) < 0) {
		rest = NULL;
		return NULL;
	}
	return asprintf(&path, "%s/%s", prefix, rest) < 0 ? NULL : path;
}

int text_read(struct host *h, const char *path, char **ret)
{
	autofree char *buf = malloc(TEXT_MAX + 1);
	char *fit;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	n = h->ops->read_file(h, path, buf, TEXT_MAX);
	if (n < 0)
		return (int)n;
	if (n && buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	fit = realloc(buf, (size_t)n + 1);
	if (fit)
		buf = fit;
	*ret = TAKE_PTR(buf);
	return 0;
}

int text_read_link(struct host *h, const char *path, char **ret)
{
	autofree char *buf = malloc(PATH_MAX);
	char *fit;
	int e;

	if (!buf)
		return -ENOMEM;
	e = host_read_link(h, path, buf, PATH_MAX);
	if (e < 0)
		return e;
	fit = realloc(buf, strlen(buf) + 1);
	if (fit)
		buf = fit;
	*ret = TAKE_PTR(buf);
	return 0;
}
