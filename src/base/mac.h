/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet addresses (IEEE 802 EUI-48). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct mac {
	uint8_t b[6];
};

enum { MAC_TEXT_MAX = 18 };

/* "52:54:00:aa:00:01". -EINVAL for anything else. */
int mac_parse(const char *s, struct mac *ret);
char *mac_format(struct mac m, char buf[MAC_TEXT_MAX]);
bool mac_is_zero(struct mac m);
bool mac_is_multicast(struct mac m);

#define MAC_TEXT(m) mac_format((m), (char[MAC_TEXT_MAX]) { 0 })
