/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet addresses (IEEE 802 EUI-48) and InfiniBand's GUIDs (EUI-64). */
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

/* "00:11:22:33:44:55:66:77", its first byte the highest. -EINVAL for anything else. */
enum { GUID_TEXT_MAX = 24 };
int guid_parse(const char *s, uint64_t *ret);
char *guid_format(uint64_t guid, char buf[GUID_TEXT_MAX]);
#define GUID_TEXT(g) guid_format((g), (char[GUID_TEXT_MAX]) { 0 })

#define MAC_TEXT(m) mac_format((m), (char[MAC_TEXT_MAX]) { 0 })
