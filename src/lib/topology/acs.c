// SPDX-License-Identifier: GPL-2.0-or-later
#include "acs.h"

#include "base/str.h"

enum {
	REG_HEADER_TYPE = 0x0e,
	HEADER_LAYOUT = 0x7f,
	PCIE_FLAGS = 2,
	ACS_CAPABILITY = 4,
	ACS_CONTROL = 6,
	CLASS_HOST_BRIDGE = 0x0600,
};

static const char *const bit_names[ACS_BITS] = { "SV", "TB", "RR", "CR", "UF", "EC", "DT" };

static const struct {
	const char *text, *name;
} types[PORT_TYPES] = {
	[PORT_ENDPOINT] = { "endpoint", "endpoint" },
	[PORT_LEGACY_ENDPOINT] = { "legacy endpoint", "legacy-endpoint" },
	[PORT_ROOT] = { "root port", "root-port" },
	[PORT_UPSTREAM] = { "upstream port", "upstream-port" },
	[PORT_DOWNSTREAM] = { "downstream port", "downstream-port" },
	[PORT_PCIE_TO_PCI] = { "PCIe-to-PCI bridge", "pcie-to-pci-bridge" },
	[PORT_PCI_TO_PCIE] = { "PCI-to-PCIe bridge", "pci-to-pcie-bridge" },
	[PORT_INTEGRATED] = { "integrated endpoint", "integrated-endpoint" },
	[PORT_EVENT_COLLECTOR] = { "event collector", "event-collector" },
	[PORT_CONVENTIONAL] = { "conventional function", "conventional" },
	[PORT_CONVENTIONAL_BRIDGE] = { "PCI bridge", "pci-bridge" },
	[PORT_HOST_BRIDGE] = { "host bridge", "host-bridge" },
	[PORT_UNKNOWN_BRIDGE] = { "bridge", "bridge" },
	[PORT_UNKNOWN] = { "function", "unknown" },
};

const char *port_type_text(enum port_type t)
{
	return types[t].text;
}

const char *port_type_name(enum port_type t)
{
	return types[t].name;
}

const char *acs_bit_name(unsigned bit)
{
	return bit < ACS_BITS ? bit_names[bit] : NULL;
}

char *acs_text(uint16_t bits, char buf[ACS_TEXT_MAX])
{
	char *p = buf;

	*p = '\0';
	for (unsigned i = 0; i < ACS_BITS; i++) {
		if (!(bits & 1U << i))
			continue;
		if (p > buf)
			*p++ = ' ';
		p = stpcpy(p, bit_names[i]);
	}
	return buf;
}

/*
 * The whole chain has been seen when all of it is there, or when the kernel itself knows no more
 * than the conventional 256 bytes: it then finds no extended capability either.
 */
static bool is_whole(const struct config_space *c)
{
	return c->len == CONFIG_LEGACY_BYTES || c->len >= CONFIG_BYTES;
}

struct acs acs_decode(const struct config_space *c)
{
	unsigned at = config_find_extended(c, ECAP_ACS);
	struct acs acs = { .state = ACS_PRESENT };

	if (!at)
		return (struct acs) { .state = is_whole(c) ? ACS_ABSENT : ACS_UNKNOWN };
	if (!config_u16(c, at + ACS_CAPABILITY, &acs.capability) ||
		!config_u16(c, at + ACS_CONTROL, &acs.control))
		return (struct acs) { .state = ACS_UNKNOWN };
	return acs;
}

/* Values that the specification reserves are endpoints to the kernel too: not subject to ACS. */
static enum port_type from_flags(uint16_t flags)
{
	static const enum port_type by_value[16] = {
		[0x0] = PORT_ENDPOINT,
		[0x1] = PORT_LEGACY_ENDPOINT,
		[0x4] = PORT_ROOT,
		[0x5] = PORT_UPSTREAM,
		[0x6] = PORT_DOWNSTREAM,
		[0x7] = PORT_PCIE_TO_PCI,
		[0x8] = PORT_PCI_TO_PCIE,
		[0x9] = PORT_INTEGRATED,
		[0xa] = PORT_EVENT_COLLECTOR,
	};

	return by_value[flags >> 4 & 0xf];
}

enum port_type port_type_decode(const struct config_space *c, uint32_t class_code)
{
	unsigned at = config_find(c, CAP_PCIE);
	uint8_t header;
	uint16_t flags;
	bool bridge;

	config_u8(c, REG_HEADER_TYPE, &header);
	bridge = (header & HEADER_LAYOUT) != 0;
	if (class_code >> 8 == CLASS_HOST_BRIDGE && !bridge)
		return PORT_HOST_BRIDGE;
	if (at && config_u16(c, at + PCIE_FLAGS, &flags))
		return from_flags(flags);
	if (at || c->len < CONFIG_LEGACY_BYTES)
		return bridge ? PORT_UNKNOWN_BRIDGE : PORT_UNKNOWN;
	return bridge ? PORT_CONVENTIONAL_BRIDGE : PORT_CONVENTIONAL;
}

static int by_registers(struct acs acs, uint16_t *ret_missing)
{
	uint16_t required = ACS_REQUIRED & acs.capability;

	if (acs.state != ACS_PRESENT)
		return acs.state == ACS_UNKNOWN ? -1 : 0;
	*ret_missing = (uint16_t)(required & ~acs.control);
	return *ret_missing == 0;
}

int acs_isolates(struct acs acs, enum port_type t, bool multifunction, uint16_t *ret_missing)
{
	*ret_missing = 0;
	switch (t) {
	case PORT_PCIE_TO_PCI:
	case PORT_PCI_TO_PCIE:
	case PORT_CONVENTIONAL_BRIDGE:
		return 0;
	case PORT_ROOT:
	case PORT_DOWNSTREAM:
		return by_registers(acs, ret_missing);
	case PORT_UNKNOWN_BRIDGE:
		return -1;
	case PORT_CONVENTIONAL:
	case PORT_HOST_BRIDGE:
	case PORT_EVENT_COLLECTOR:
		return !multifunction;
	default:
		return multifunction ? by_registers(acs, ret_missing) : 1;
	}
}
