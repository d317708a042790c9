// SPDX-License-Identifier: GPL-2.0-or-later
#include "xml.h"

#include <stdio.h>

/* U+FFFE and U+FFFF are UTF-8, but no characters of XML. */
static bool is_no_character(const char *s)
{
	return strncmp(s, "\xef\xbf\xbe", 3) == 0 || strncmp(s, "\xef\xbf\xbf", 3) == 0;
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void xml_add(struct strbuf *b, const char *s)
{
	autofree char *printable = str_printable(s);

	if (!printable) {
		b->failed = true;
		return;
	}
	for (const char *p = printable; *p; p++) {
		const char *e = entity(*p);

		if (is_no_character(p)) {
			strbuf_add(b, "?");
			p += 2;
		} else if (e) {
			strbuf_add(b, "%s", e);
		} else {
			strbuf_add_bytes(b, p, 1);
		}
	}
}

void xml_addf(struct strbuf *b, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		b->failed = true;
	}
	va_end(ap);
	if (text)
		xml_add(b, text);
}
