// SPDX-License-Identifier: GPL-2.0-or-later
#include "mac.h"
#include "str.h"

#include <ctype.h>
#include <stdio.h>

int mac_parse(const char *s, struct mac *ret)
{
	struct mac m;

	if (strlen(s) != 17)
		return -EINVAL;
	for (int i = 0; i < 6; i++) {
		const char digits[3] = { s[3 * i], s[3 * i + 1], '\0' };
		uint64_t v;

		if (!isxdigit((unsigned char)digits[0]) || parse_hex(digits, &v) < 0)
			return -EINVAL;
		if (i < 5 && s[3 * i + 2] != ':')
			return -EINVAL;
		m.b[i] = (uint8_t)v;
	}
	*ret = m;
	return 0;
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
