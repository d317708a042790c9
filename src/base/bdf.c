// SPDX-License-Identifier: GPL-2.0-or-later
#include "bdf.h"
#include "str.h"

#include <ctype.h>
#include <stdio.h>

/* Reads 1..max hex digits at *s and steps over them. */
static int hex_field(const char **s, int min, int max, uint32_t *ret)
{
	uint32_t v = 0;
	int n = 0;

	for (; n < max && isxdigit((unsigned char)**s); n++, (*s)++) {
		int c = tolower((unsigned char)**s);

		v = v << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	if (n < min)
		return -EINVAL;
	*ret = v;
	return 0;
}

int bdf_parse(const char *s, struct bdf *ret)
{
	const char *second = strchr(s, ':');
	uint32_t domain = 0, bus, dev, fn;

	second = second ? strchr(second + 1, ':') : NULL;
	if (second && (hex_field(&s, 4, 8, &domain) < 0 || *s++ != ':'))
		return -EINVAL;
	if (hex_field(&s, 2, 2, &bus) < 0 || *s++ != ':')
		return -EINVAL;
	if (hex_field(&s, 2, 2, &dev) < 0 || *s++ != '.' || dev > 31)
		return -EINVAL;
	if (hex_field(&s, 1, 1, &fn) < 0 || *s || fn > 7)
		return -EINVAL;
	*ret = (struct bdf) { domain, (uint8_t)bus, (uint8_t)dev, (uint8_t)fn };
	return 0;
}

char *bdf_format(struct bdf a, char buf[BDF_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *s = buf;

	/* Not by printf: every function of a machine of thousands is named a few times. */
	for (int shift = a.domain >> 16 ? 28 : 12; shift >= 0; shift -= 4)
		if (shift < 16 || a.domain >> shift)
			*s++ = digits[a.domain >> shift & 15U];
	*s++ = ':';
	*s++ = digits[a.bus >> 4];
	*s++ = digits[a.bus & 15U];
	*s++ = ':';
	*s++ = digits[a.dev >> 4 & 1U];
	*s++ = digits[a.dev & 15U];
	*s++ = '.';
	*s++ = digits[a.fn & 7U];
	*s = '\0';
	return buf;
}

int bdf_cmp(struct bdf a, struct bdf b)
{
	if (a.domain != b.domain)
		return a.domain < b.domain ? -1 : 1;
	if (a.bus != b.bus)
		return a.bus < b.bus ? -1 : 1;
	if (a.dev != b.dev)
		return a.dev < b.dev ? -1 : 1;
	return (a.fn > b.fn) - (a.fn < b.fn);
}
