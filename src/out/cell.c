// SPDX-License-Identifier: GPL-2.0-or-later
#include "cell.h"

#include <stdio.h>

int cell_str(char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

int cell_fmt(char **ret, const char *fmt, ...)
{
	char brief[64], *s = NULL;
	va_list ap;
	int n;

	/* Nearly all are short, and vasprintf() allocates twice. */
	va_start(ap, fmt);
	n = vsnprintf(brief, sizeof(brief), fmt, ap);
	va_end(ap);
	if (n >= 0 && n < (int)sizeof(brief))
		return cell_str(ret, brief);
	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	*ret = n < 0 ? NULL : s;
	return n < 0 ? -ENOMEM : 0;
}

int cell_known(char **ret, int64_t v)
{
	char text[24], *s = text + sizeof(text);

	if (v < 0)
		return cell_str(ret, NULL);
	*--s = '\0';
	do
		*--s = (char)('0' + v % 10);
	while (v /= 10);
	return cell_str(ret, s);
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
