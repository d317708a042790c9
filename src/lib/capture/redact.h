/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudonyms: HMAC-SHA256 of what they stand for under a key that is made for one capture and then
 * forgotten, so that nobody can try all numbers of a manufacturer. MAC addresses keep their vendor,
 * IP addresses their common prefixes, so that routes still lead where they led.
 */
#pragma once

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

struct redactor {
	const uint8_t *key; /* NULL: all of this changes nothing */
};

/* In place: MAC addresses, as 52:54:00:… and in interfaces' names (enx525400…). */
void redact_text(const struct redactor *r, char *text);
/* In place, 6 bytes; zero, broadcast and multicast addresses stay. */
void redact_mac(const struct redactor *r, uint8_t mac[6]);
/* In place, network order, 4 or 16 bytes; none, loopback and the link-local prefix stay. */
void redact_ip(const struct redactor *r, uint8_t *address, size_t len);
/* "x1a2b3c4d" for a serial, a name, an UUID; "" stays. Allocated; a copy when nothing is redacted.
 */
char *redact_name(const struct redactor *r, const char *name) NODISCARD;
/* In place, as many letters and digits. */
void redact_bytes(const struct redactor *r, uint8_t *data, size_t len);
/* "/srv/x1a2b3c4d": folders below the first level are names, but for the usual ones. Allocated. */
char *redact_path(const struct redactor *r, const char *path) NODISCARD;
/* "UUID=…", "/dev/disk/by-id/…": the names that tell one disk from all others. Allocated. */
char *redact_disk(const struct redactor *r, const char *spec) NODISCARD;
/* The kernel's command line, without values of options that have nothing to do with devices, and
 * without what is meant for init. Allocated. */
char *redact_kernel_options(const struct redactor *r, const char *cmdline) NODISCARD;
/* In place: the serial numbers in a configuration space (device serial number) and in VPD. */
void redact_config(const struct redactor *r, uint8_t *config, size_t len);
void redact_vpd(const struct redactor *r, uint8_t *vpd, size_t len);
