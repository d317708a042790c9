/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The few structures of the NVM Express base specification (1.4 and 2.0) that virtualisation
 * enhancements need. Little-endian on the wire; offsets are checked at compile time.
 */
#pragma once

#include "base/attr.h"

#include <stdint.h>

/* Admin commands and what they are told. */
enum {
	SPEC_IDENTIFY = 0x06,
	SPEC_VIRTUALIZATION_MANAGEMENT = 0x1c,

	SPEC_CNS_PRIMARY_CAPS = 0x14,
	SPEC_CNS_SECONDARY_LIST = 0x15,

	SPEC_ACT_PRIMARY_FLEXIBLE = 0x1,  /* takes effect at the primary's next reset */
	SPEC_ACT_SECONDARY_OFFLINE = 0x7, /* also takes its flexible resources away */
	SPEC_ACT_SECONDARY_ASSIGN = 0x8,
	SPEC_ACT_SECONDARY_ONLINE = 0x9,

	SPEC_RT_VQ = 0, /* queue pairs, the admin one counted */
	SPEC_RT_VI = 1, /* interrupt vectors */
};

/* Status code type and status code, as Linux gives them without the "more" and "retry" bits. */
enum {
	SPEC_SC_MASK = 0x7ff,
	SPEC_SC_INVALID_OPCODE = 0x001,
	SPEC_SC_INVALID_FIELD = 0x002,
	SPEC_SC_INVALID_CONTROLLER_ID = 0x11f,
	SPEC_SC_INVALID_SECONDARY_STATE = 0x120,
	SPEC_SC_INVALID_RESOURCE_NUMBER = 0x121,
	SPEC_SC_INVALID_RESOURCE_ID = 0x122,
};

/* Primary Controller Capabilities, Identify CNS 14h. */
struct spec_primary_caps {
	uint16_t cntlid;
	uint16_t portid;
	uint8_t crt; /* bit 0: VQ resources, bit 1: VI resources */
	uint8_t reserved1[27];
	uint32_t vqfrt;	 /* flexible VQ resources in all */
	uint32_t vqrfa;	 /* of which secondary controllers have */
	uint16_t vqrfap; /* of which the primary has */
	uint16_t vqprt;	 /* private to the primary */
	uint16_t vqfrsm; /* at most per secondary controller */
	uint16_t vqgran;
	uint8_t reserved2[16];
	uint32_t vifrt;
	uint32_t virfa;
	uint16_t virfap;
	uint16_t viprt;
	uint16_t vifrsm;
	uint16_t vigran;
	uint8_t reserved3[4016];
} PACKED;

struct spec_secondary {
	uint16_t scid, pcid;
	uint8_t scs; /* bit 0: online */
	uint8_t reserved1[3];
	uint16_t vfn; /* 1 for the first VF, 0 when it is none */
	uint16_t nvq, nvi;
	uint8_t reserved2[18];
} PACKED;

enum { SPEC_SECONDARIES = 127 };

/* Secondary Controller List, Identify CNS 15h. */
struct spec_secondary_list {
	uint8_t numid;
	uint8_t reserved[31];
	struct spec_secondary entries[SPEC_SECONDARIES];
} PACKED;

_Static_assert(sizeof(struct spec_primary_caps) == 4096, "one page");
_Static_assert(offsetof(struct spec_primary_caps, vqfrt) == 32, "byte 32");
_Static_assert(offsetof(struct spec_primary_caps, vifrt) == 64, "byte 64");
_Static_assert(sizeof(struct spec_secondary) == 32, "32 bytes each");
_Static_assert(sizeof(struct spec_secondary_list) == 4096, "one page");
