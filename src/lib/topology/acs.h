/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access Control Services (PCIe 5.0, 6.12 and 7.7.8): whether a hop lets functions below it reach
 * each other without the IOMMU having a look. A kernel puts functions that it cannot keep apart
 * into one IOMMU group; these are its rules (pci_acs_enabled, Linux 6.12) without its quirks, which
 * only the kernel knows: where its group is smaller than what this file says, the group is right.
 */
#pragma once

#include "pci/config.h"

/* Of the capability and of the control register alike. */
enum acs_bit {
	ACS_SV = 1 << 0, /* source validation */
	ACS_TB = 1 << 1, /* translation blocking */
	ACS_RR = 1 << 2, /* P2P request redirect */
	ACS_CR = 1 << 3, /* P2P completion redirect */
	ACS_UF = 1 << 4, /* upstream forwarding */
	ACS_EC = 1 << 5, /* P2P egress control */
	ACS_DT = 1 << 6, /* direct translated P2P */
};
enum { ACS_BITS = 7, ACS_REQUIRED = ACS_SV | ACS_RR | ACS_CR | ACS_UF };

enum acs_state {
	ACS_UNKNOWN, /* configuration space could not be read so far (64 bytes without root) */
	ACS_ABSENT,
	ACS_PRESENT,
};

struct acs {
	enum acs_state state;
	uint16_t capability, control; /* enum acs_bit */
};

/* PCI Express capability, device/port type (PCIe 5.0, 7.5.3.2), and what has no such capability. */
enum port_type {
	PORT_ENDPOINT,
	PORT_LEGACY_ENDPOINT,
	PORT_ROOT,
	PORT_UPSTREAM,
	PORT_DOWNSTREAM,
	PORT_PCIE_TO_PCI,
	PORT_PCI_TO_PCIE,
	PORT_INTEGRATED,      /* endpoint in the root complex */
	PORT_EVENT_COLLECTOR, /* of the root complex */
	PORT_CONVENTIONAL,    /* a function without the capability */
	PORT_CONVENTIONAL_BRIDGE,
	PORT_HOST_BRIDGE,    /* by its class; conventional or integrated */
	PORT_UNKNOWN_BRIDGE, /* the capability could not be read */
	PORT_UNKNOWN,
	PORT_TYPES
};

/* "root port", "upstream port"; JSON: "root-port", "upstream-port". */
const char *port_type_text(enum port_type t);
const char *port_type_name(enum port_type t);

struct acs acs_decode(const struct config_space *c);
enum port_type port_type_decode(const struct config_space *c, uint32_t class_code);

/* "SV RR CR UF"; "" for none. Returns buf. */
enum { ACS_TEXT_MAX = 3 * ACS_BITS + 1 };
char *acs_text(uint16_t bits, char buf[ACS_TEXT_MAX]);
#define ACS_TEXT(bits) acs_text((bits), (char[ACS_TEXT_MAX]) { 0 })
/* "SV"; NULL when bit (0–6) is none. */
const char *acs_bit_name(unsigned bit);

/*
 * 1 the hop isolates, 0 it does not, -1 that cannot be known. *ret_missing: required bits that are
 * there but switched off. A bit which the capability register does not offer counts as hard-wired,
 * as it does for the kernel. A function that is alone in its slot isolates by itself.
 */
int acs_isolates(struct acs acs, enum port_type t, bool multifunction, uint16_t *ret_missing);
