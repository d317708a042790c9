// SPDX-License-Identifier: GPL-2.0-or-later
/* Vital product data: PCI 3.0, appendix I. Written by a device, so every length is distrusted. */
#include "detail.h"

#include "base/checked.h"
#include "base/str.h"

enum {
	TAG_LARGE = 0x80,
	TAG_READ_ONLY = 0x90,
	TAG_IDENTIFIER = 0x82,
	TAG_END = 0x78,
};

struct span {
	const uint8_t *b;
	size_t len;
};

/* The content of the first large resource with this tag; empty when there is none. */
static struct span find_resource(const uint8_t *vpd, size_t len, uint8_t tag)
{
	size_t at = 0;

	while (at < len && vpd[at] != TAG_END) {
		size_t head = vpd[at] & TAG_LARGE ? 3 : 1, body;

		if (!range_fits(at, head, len))
			break;
		body = head == 3 ? (size_t)(vpd[at + 1] | vpd[at + 2] << 8) : vpd[at] & 7u;
		if (!range_fits(at + head, body, len))
			break;
		if (vpd[at] == tag)
			return (struct span) { vpd + at + head, body };
		at += head + body;
	}
	return (struct span) { 0 };
}

static char *dup_text(struct span s)
{
	autofree char *raw = strndup((const char *)s.b, s.len);

	return raw ? str_printable(str_trim(raw)) : NULL;
}

char *vpd_identifier(const uint8_t *vpd, size_t len)
{
	struct span s = find_resource(vpd, len, TAG_IDENTIFIER);

	return s.len ? dup_text(s) : NULL;
}

char *vpd_keyword(const uint8_t *vpd, size_t len, const char key[2])
{
	struct span s = find_resource(vpd, len, TAG_READ_ONLY);
	size_t at = 0;

	while (range_fits(at, 3, s.len)) {
		size_t value = s.b[at + 2];

		if (!range_fits(at + 3, value, s.len))
			break;
		if (memcmp(s.b + at, key, 2) == 0)
			return dup_text((struct span) { s.b + at + 3, value });
		at += 3 + value;
	}
	return NULL;
}
