/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "e1000.h"

enum {
	RESET = 1 << 26,
	RX_ON = 1 << 1 | 1 << 15 | 1 << 26, /* broadcasts, no checksum at the end */
	TX_ON = 1 << 1,
};

static unsigned clock(struct e1000 *e, uint32_t bit)
{
	uint32_t lines = 1 << 6 | 1 << 1 | bit << 2;

	write32(e->at + E1000_EECD, lines);
	write32(e->at + E1000_EECD, lines | 1);
	return read32(e->at + E1000_EECD) >> 3 & 1;
}

uint16_t e1000_eeprom(struct e1000 *e, unsigned word)
{
	uint32_t command = 6 << 6 | word;
	uint16_t v = 0;

	write32(e->at + E1000_EECD, 1 << 6);
	if (!(read32(e->at + E1000_EECD) & 1 << 7))
		give_up("the EEPROM is not granted");
	write32(e->at + E1000_EECD, 1 << 6 | 1 << 1);
	for (int i = 8; i >= 0; i--)
		clock(e, command >> i & 1);
	for (unsigned i = 0; i < 16; i++)
		v = (uint16_t)(v << 1 | clock(e, 0));
	write32(e->at + E1000_EECD, 0);
	return v;
}

uint16_t e1000_phy(struct e1000 *e, unsigned reg)
{
	write32(e->at + E1000_MDIC, 2u << 26 | 1 << 21 | reg << 16);
	return (uint16_t)read32(e->at + E1000_MDIC);
}

static void ring_at(struct e1000 *e, unsigned base, struct e1000_descriptor *ring, unsigned tail)
{
	write32(e->at + base, (uint32_t)(uintptr_t)ring);
	write32(e->at + base + E1000_BAH, 0);
	write32(e->at + base + E1000_LEN, e->size * sizeof(*ring));
	write32(e->at + base + E1000_HEAD, 0);
	write32(e->at + base + E1000_TAIL, tail);
}

void e1000_start(struct e1000 *e)
{
	write32(e->at + E1000_CTRL, RESET);
	e->rx_next = e->tx_next = 0;
	for (unsigned i = 0; i < e->size; i++)
		e->rx[i] = (struct e1000_descriptor) {
			(uint64_t)(uintptr_t)e->frames + i * E1000_BUFFER, 0, 0
		};
	memset(e->tx, 0, e->size * sizeof(*e->tx));
	ring_at(e, E1000_RDBA, e->rx, e->size - 1);
	ring_at(e, E1000_TDBA, e->tx, 0);
	write32(e->at + E1000_TCTL, TX_ON);
	write32(e->at + E1000_RCTL, RX_ON);
}

bool e1000_open(struct e1000 *e, unsigned size)
{
	int s = pci_find(0x8086, 0x100e, 0);

	if (s < 0)
		return false;
	e->slot = (unsigned)s;
	e->size = size;
	e->at = pci_bar(e->slot, 0).at;
	pci_command(e->slot, PCI_MEMORY | PCI_IO | PCI_MASTER, PCI_NO_INTX);
	e->rx = memory_take(size * sizeof(*e->rx), 4096);
	e->tx = memory_take(size * sizeof(*e->tx), 4096);
	e->frames = memory_take(size * E1000_BUFFER, 4096);
	e1000_start(e);
	return true;
}

void e1000_interrupt(struct e1000 *e, uint8_t vector)
{
	interrupt_quiet = e->at + E1000_IMC;
	interrupt_quiet_value = ~0u;
	interrupt_quiet_vector = vector;
	cpu_route_edge(pci_read(e->slot, 0x3c, 1), vector);
}

struct e1000_descriptor *e1000_next_tx(struct e1000 *e)
{
	struct e1000_descriptor *d = &e->tx[e->tx_next];

	e->tx_next = (e->tx_next + 1) % e->size;
	return d;
}
