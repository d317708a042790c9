/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guest and host say to each other over the wire: Ethernet frames of a type for experiments,
 * 14 bytes of header, then this. For src/guest/bench, which has nothing else of the house, too.
 *
 * The guest asks for `n` frames of `bytes` bytes; the host sends them, WIRE_WINDOW ahead of what
 * the guest gives credit for, so that none is lost. A ping comes back as it is. Data is counted.
 */
#pragma once

#include <stdint.h>

enum {
	WIRE_TYPE = 0x88b5, /* IEEE 802, local experimental */
	WIRE_MAGIC = 0x62656e63,
	WIRE_HEADER = 14,
	WIRE_LEAST = 60,
	WIRE_MOST = 1514,
	WIRE_WINDOW = 128,
	WIRE_CREDIT = 32, /* frames that one credit is for */
};

enum wire_kind { WIRE_PROBE, WIRE_DATA, WIRE_ASK, WIRE_GRANT, WIRE_PING };

struct wire {
	uint32_t magic, kind;
	uint32_t n, bytes;
};
