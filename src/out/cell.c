// SPDX-License-Identifier: GPL-2.0-or-later
#include "cell.h"

#include <inttypes.h>
#include <stdio.h>

int cell_str(char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

int cell_fmt(char **ret, const char *fmt, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	*ret = n < 0 ? NULL : s;
	return n < 0 ? -ENOMEM : 0;
}

int cell_known(char **ret, int64_t v)
{
	if (v < 0)
		return cell_str(ret, NULL);
	return cell_fmt(ret, "%" PRIi64, v);
}

int cell_take(char **ret, struct strbuf *b)
{
	*ret = NULL;
	if (b->failed)
		return -ENOMEM;
	if (!b->len)
		return 0;
	*ret = strbuf_take(b);
	return *ret ? 0 : -ENOMEM;
}
