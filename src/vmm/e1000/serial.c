/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is behind serial lines: the EEPROM (5, 13.4.3) and the PHY (8.4.7, 13.4.7). */
#include "nic.h"

#include <string.h>

enum {
	EECD_CLOCK = 1 << 0,
	EECD_SELECT = 1 << 1,
	EECD_IN = 1 << 2,
	EECD_OUT = 1 << 3,
	EECD_NO_FLASH = 1 << 4,
	EECD_REQUEST = 1 << 6,
	EECD_GRANT = 1 << 7,
	EECD_PRESENT = 1 << 8,
	EECD_LINES = EECD_CLOCK | EECD_SELECT | EECD_IN | EECD_REQUEST,
	OPCODE_READ = 6, /* start bit and 10 */
	OPCODE_BITS = 3,
	ADDRESS_BITS = 6,
	EEPROM_SUM = 0xbaba,
	EEPROM_SUM_WORD = 0x3f,

	EERD_START = 1 << 0,
	EERD_DONE = 1 << 4,

	MDIC_WRITE = 1 << 26,
	MDIC_READ = 2 << 26,
	MDIC_OPERATION = 3 << 26,
	MDIC_READY = 1 << 28,
	MDIC_INTERRUPT = 1 << 29,
	MDIC_ERROR = 1 << 30,
	PHY_ADDRESS = 1,

	PHY_CONTROL = 0,
	PHY_STATUS = 1,
	PHY_ID1 = 2,
	PHY_ID2 = 3,
	PHY_PARTNER = 5,
	PHY_PARTNER_1000 = 10,
	PHY_SPECIFIC_STATUS = 17,
	CONTROL_RESET = 1 << 15,
	CONTROL_RESTART = 1 << 9,
	STATUS_NEGOTIATED = 1 << 5,
	STATUS_PHY_LINK = 1 << 2,
};

void nic_eeprom_init(struct nic *n)
{
	static const struct {
		unsigned at;
		uint16_t v;
	} fixed[] = {
		{ 0x03, 0x0420 }, /* compatibility */
		{ 0x0a, 0x4408 }, /* initialisation control 1 */
		{ 0x0b, 0x1100 }, /* subsystem, its vendor, device, vendor */
		{ 0x0c, 0x1af4 }, { 0x0d, 0x100e }, { 0x0e, 0x8086 },
		{ 0x0f, 0x3040 },		    /* initialisation control 2 */
		{ 0x21, 0x7061 }, { 0x24, 0x0000 }, /* initialisation control 3: no wake-up */
	};
	uint16_t *w = n->eeprom.words, sum = 0;

	for (unsigned i = 0; i < 3; i++)
		w[i] = (uint16_t)(n->params.mac.b[2 * i] | n->params.mac.b[2 * i + 1] << 8);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		w[fixed[i].at] = fixed[i].v;
	for (unsigned i = 0; i < EEPROM_SUM_WORD; i++)
		sum = (uint16_t)(sum + w[i]);
	w[EEPROM_SUM_WORD] = (uint16_t)(EEPROM_SUM - sum);
}

uint32_t nic_eecd_read(const struct nic *n)
{
	uint32_t v = n->eeprom.lines | EECD_NO_FLASH | EECD_PRESENT;

	if (v & EECD_REQUEST)
		v |= EECD_GRANT;
	return n->eeprom.out ? v | EECD_OUT : v;
}

/* One bit in, at the clock's rising edge: opcode and address, then a bit out for each. */
static void clock_in(struct nic_eeprom *e, bool bit)
{
	if (e->reading) {
		e->out = e->words[e->word] >> (15 - e->bits_out % 16) & 1;
		if (++e->bits_out % 16 == 0)
			e->word = (e->word + 1) % NIC_EEPROM_WORDS;
		return;
	}
	e->in = e->in << 1 | bit;
	/* The start bit is the first 1. */
	e->bits_in += e->bits_in || bit;
	if (e->bits_in == OPCODE_BITS + ADDRESS_BITS) {
		e->reading = (e->in >> ADDRESS_BITS & 7) == OPCODE_READ;
		e->word = e->in % NIC_EEPROM_WORDS;
		e->bits_in = e->bits_out = 0;
		e->out = !e->reading; /* a zero goes first; else: ready, with nothing done */
	}
}

void nic_eecd_write(struct nic *n, uint32_t v)
{
	struct nic_eeprom *e = &n->eeprom;
	uint32_t before = e->lines;

	e->lines = v & EECD_LINES;
	if (!(v & EECD_SELECT) || !(before & EECD_SELECT)) {
		e->in = e->bits_in = e->bits_out = 0;
		e->reading = false;
		e->out = true;
	}
	if ((v & EECD_SELECT) && (v & EECD_CLOCK) && !(before & EECD_CLOCK))
		clock_in(e, v & EECD_IN);
}

uint32_t nic_eerd(const struct nic *n, uint32_t v)
{
	unsigned word = v >> 8 & 0xff;

	if (!(v & EERD_START))
		return v;
	return (uint32_t)(word < NIC_EEPROM_WORDS ? n->eeprom.words[word] : 0xffff) << 16 |
	       (v & 0xff00) | EERD_DONE;
}

void nic_phy_reset(struct nic *n)
{
	static const uint16_t start[NIC_PHY_REGISTERS] = {
		[PHY_CONTROL] = 0x1140,
		[PHY_STATUS] = 0x7949,
		[PHY_ID1] = 0x0141,
		[PHY_ID2] = 0x0c20,
		[4] = 0x0de1,
		[PHY_PARTNER] = 0x4de1,
		[6] = 0x000f,
		[9] = 0x0e00,
		[PHY_PARTNER_1000] = 0x7c00,
		[15] = 0x3000,
		[16] = 0x0360,
		[20] = 0x0d60,
	};

	memcpy(n->phy, start, sizeof(start));
}

/* Negotiation is over at once. */
static uint16_t phy_read(const struct nic *n, unsigned reg)
{
	bool link = nic_has_link(n);

	if (reg == PHY_STATUS && link)
		return n->phy[reg] | STATUS_NEGOTIATED | STATUS_PHY_LINK;
	if (reg == PHY_SPECIFIC_STATUS)
		return link ? 0xac00 : 0; /* 1000 Mbit/s, full duplex, resolved, link */
	if ((reg == PHY_PARTNER || reg == PHY_PARTNER_1000) && !link)
		return 0;
	return n->phy[reg];
}

static void phy_write(struct nic *n, unsigned reg, uint16_t v)
{
	if (reg == PHY_CONTROL) {
		if (v & CONTROL_RESET)
			nic_phy_reset(n);
		else
			n->phy[reg] = v & (uint16_t)~CONTROL_RESTART;
		if (nic_has_link(n) && (v & (CONTROL_RESET | CONTROL_RESTART)))
			nic_cause(n, I_LSC);
	} else if (reg != PHY_STATUS && reg != PHY_ID1 && reg != PHY_ID2 && reg != PHY_PARTNER &&
		   reg != PHY_PARTNER_1000 && reg != PHY_SPECIFIC_STATUS) {
		n->phy[reg] = v;
	}
}

uint32_t nic_mdic(struct nic *n, uint32_t v)
{
	unsigned reg = v >> 16 & 31, address = v >> 21 & 31;
	uint32_t operation = v & MDIC_OPERATION;

	v &= ~(uint32_t)(MDIC_ERROR | MDIC_READY);
	if (address != PHY_ADDRESS || (operation != MDIC_READ && operation != MDIC_WRITE))
		v |= MDIC_ERROR;
	else if (operation == MDIC_READ)
		v = (v & 0xffff0000) | phy_read(n, reg);
	else
		phy_write(n, reg, (uint16_t)v);
	if (v & MDIC_INTERRUPT)
		nic_cause(n, I_MDAC);
	return v | MDIC_READY;
}
