/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A driver for the 82540EM, as small as can be (PCI/PCI-X Family of Gigabit Ethernet Controllers
 * Software Developer's Manual, 317453): two rings, the EEPROM, the PHY.
 */
#pragma once

#include "pci.h"

enum {
	E1000_BUFFER = 2048,

	E1000_CTRL = 0x0000,
	E1000_STATUS = 0x0008,
	E1000_EECD = 0x0010,
	E1000_MDIC = 0x0020,
	E1000_ICR = 0x00c0,
	E1000_ITR = 0x00c4,
	E1000_IMS = 0x00d0,
	E1000_IMC = 0x00d8,
	E1000_RCTL = 0x0100,
	E1000_TCTL = 0x0400,
	E1000_RDBA = 0x2800,
	E1000_TDBA = 0x3800,
	E1000_BAH = 4, /* from the ring's first register */
	E1000_LEN = 8,
	E1000_HEAD = 0x10,
	E1000_TAIL = 0x18,
	E1000_GPTC = 0x4080,

	E1000_LINK_UP = 2,
	E1000_CAUSE_TX = 1 << 0,
	E1000_CAUSE_RX = 1 << 7,

	/* Of descriptors. */
	E1000_END = 1 << 24,
	E1000_REPORT = 1 << 27,
	E1000_DONE = 1 << 0,
};

struct e1000_descriptor {
	uint64_t address;
	uint32_t lower, upper;
};

struct e1000 {
	unsigned slot, size; /* descriptors of each ring */
	uint64_t at;
	struct e1000_descriptor *rx, *tx;
	unsigned rx_next, tx_next;
	uint8_t *frames; /* a buffer for each descriptor that receives */
};

/* The first one, with rings of that size, started; false: there is none. */
bool e1000_open(struct e1000 *e, unsigned size);
/* Reset, all receive buffers offered, interrupts masked. */
void e1000_start(struct e1000 *e);
/* By the serial line, as drivers of this card do. */
uint16_t e1000_eeprom(struct e1000 *e, unsigned word);
uint16_t e1000_phy(struct e1000 *e, unsigned reg);
/* Masks all interrupts with each that comes to `vector`, so that the line falls. */
void e1000_interrupt(struct e1000 *e, uint8_t vector);
struct e1000_descriptor *e1000_next_tx(struct e1000 *e);
static inline bool e1000_is_done(const struct e1000_descriptor *d)
{
	return *(const volatile uint32_t *)&d->upper & E1000_DONE;
}
