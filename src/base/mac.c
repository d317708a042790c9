// SPDX-License-Identifier: GPL-2.0-or-later
#include "mac.h"
#include "str.h"

#include <ctype.h>
#include <stdio.h>

/* Pairs of digits with colons between, and nothing else. */
static int parse_bytes_of(const char *s, size_t n, uint8_t *ret)
{
	if (strlen(s) != 3 * n - 1)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		const char digits[3] = { s[3 * i], s[3 * i + 1], '\0' };
		uint64_t v;

		if (!isxdigit((unsigned char)digits[0]) || parse_hex(digits, &v) < 0)
			return -EINVAL;
		if (i + 1 < n && s[3 * i + 2] != ':')
			return -EINVAL;
		ret[i] = (uint8_t)v;
	}
	return 0;
}

int mac_parse(const char *s, struct mac *ret)
{
	struct mac m;
	int r = parse_bytes_of(s, sizeof(m.b), m.b);

	if (r == 0)
		*ret = m;
	return r;
}

int guid_parse(const char *s, uint64_t *ret)
{
	uint8_t b[8];
	uint64_t v = 0;
	int r = parse_bytes_of(s, sizeof(b), b);

	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(b); i++)
		v = v << 8 | b[i];
	*ret = v;
	return 0;
}

char *guid_format(uint64_t guid, char buf[GUID_TEXT_MAX])
{
	uint8_t b[8];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(guid >> (56 - 8 * i));
	snprintf(buf, GUID_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2],
		b[3], b[4], b[5], b[6], b[7]);
	return buf;
}

char *mac_format(struct mac m, char buf[MAC_TEXT_MAX])
{
	snprintf(buf, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", m.b[0], m.b[1], m.b[2], m.b[3],
		m.b[4], m.b[5]);
	return buf;
}

bool mac_is_zero(struct mac m)
{
	static const struct mac zero;

	return memcmp(&m, &zero, sizeof(m)) == 0;
}

bool mac_is_multicast(struct mac m)
{
	return m.b[0] & 1;
}
