/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function's configuration space as read from sysfs, and the walk along its capabilities.
 * It comes as 4096 bytes (PCIe), 256 (conventional), 64 (an unprivileged reader) or any other
 * length; what lies outside reads as absent. A device may hold garbage: every walk is bounded.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

enum { CONFIG_BYTES = 4096, CONFIG_LEGACY_BYTES = 256 };

struct config_space {
	uint8_t b[CONFIG_BYTES];
	size_t len;
};

/* The capabilities that this tool decodes (PCI code and ID assignment specification). */
enum {
	CAP_PM = 0x01,
	CAP_VPD = 0x03,
	CAP_MSI = 0x05,
	CAP_PCIE = 0x10,
	CAP_MSIX = 0x11,
	ECAP_AER = 0x01,
	ECAP_DSN = 0x03,
	ECAP_ACS = 0x0d,
	ECAP_ARI = 0x0e,
	ECAP_ATS = 0x0f,
	ECAP_SRIOV = 0x10,
	ECAP_PRI = 0x13,
	ECAP_REBAR = 0x15,
	ECAP_PASID = 0x1b,
};

struct capability {
	uint16_t id;
	uint16_t offset;
	uint8_t version; /* extended ones only */
	bool extended;
};

int config_space_read(struct host *h, struct bdf a, struct config_space *ret);
/*
 * The same for who looks for small capabilities alone: of the extended part no more than its first
 * quarter-KiB when all of them, and 64 bytes of each, are in it. Every 4 bytes are a read of the
 * device, of a microsecond or so.
 */
int config_space_read_chains(struct host *h, struct bdf a, struct config_space *ret);

/* Little-endian registers; false (and *ret = 0) when not all bytes were readable. */
bool config_u8(const struct config_space *c, unsigned offset, uint8_t *ret);
bool config_u16(const struct config_space *c, unsigned offset, uint16_t *ret);
bool config_u32(const struct config_space *c, unsigned offset, uint32_t *ret);

/* Fills at most `max` entries in chain order and returns how many there are. */
size_t config_capabilities(const struct config_space *c, struct capability *ret, size_t max);
/* Offset of the first such capability; 0 when there is none. */
unsigned config_find(const struct config_space *c, uint8_t id);
unsigned config_find_extended(const struct config_space *c, uint16_t id);
