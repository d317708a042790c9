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

/* Without one final newline; allocated. */
static int keep(const char *data, size_t n, char **ret)
{
	char *text;

	if (n && data[n - 1] == '\n')
		n--;
	text = malloc(n + 1);
	if (!text)
		return -ENOMEM;
	memcpy(text, data, n);
	text[n] = '\0';
	*ret = text;
	return 0;
}

/* Reads once more, with more room, for as long as the buffer comes back full. */
static int read_up_to(struct host *h, const char *path, size_t size, size_t most, char **ret)
{
	for (;; size = MIN(size * 16, most)) {
		autofree char *big = malloc(size);
		ssize_t n;

		if (!big)
			return -ENOMEM;
		n = h->ops->read_file(h, path, big, size);
		if (n < 0)
			return (int)n;
		if ((size_t)n < size || size == most)
			return keep(big, (size_t)n, ret);
	}
}

/* Nearly all attributes are short, and they are many: only a long one is worth a big buffer. */
static int read_text(struct host *h, const char *path, size_t most, char **ret)
{
	char small[1024];
	ssize_t n = h->ops->read_file(h, path, small, sizeof(small));

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(small))
		return keep(small, (size_t)n, ret);
	return read_up_to(h, path, TEXT_MAX, most, ret);
}

int text_read(struct host *h, const char *path, char **ret)
{
	return read_text(h, path, TEXT_MAX, ret);
}

int text_read_long(struct host *h, const char *path, char **ret)
{
	return read_text(h, path, TEXT_LONG, ret);
}

int text_read_link(struct host *h, const char *path, char **ret)
{
	char target[PATH_MAX];
	int e = host_read_link(h, path, target, sizeof(target));
	char *copy;

	if (e < 0)
		return e;
	copy = strdup(target);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}
