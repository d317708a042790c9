/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space from every side, kind and unkind; BARs sized, moved, switched off. */
#include "pci.h"

static unsigned devices(void)
{
	unsigned n = 0;

	for (unsigned slot = 0; slot < 32; slot++)
		n += pci_exists(slot);
	return n;
}

static void both_ways_agree(void)
{
	unsigned wrong = 0;

	for (unsigned slot = 0; slot < 32; slot++)
		for (unsigned at = 0; at < (pci_exists(slot) ? 256 : 4u); at += 4)
			wrong += pci_read(slot, at, 4) != pci_port_read(slot, at, 4);
	check_equal(wrong, 0, "ecam-and-ports-agree");
}

static void widths_agree(unsigned slot)
{
	unsigned wrong = 0;
	uint32_t whole, parts;

	for (unsigned at = 0; at < 256; at += 4) {
		whole = pci_read(slot, at, 4);
		parts = pci_read(slot, at, 2) | pci_read(slot, at + 2, 2) << 16;
		wrong += whole != parts;
		parts = 0;
		for (unsigned i = 0; i < 4; i++)
			parts |= pci_port_read(slot, at + i, 1) << 8 * i;
		wrong += whole != parts;
	}
	check_equal(wrong, 0, "widths-agree");
}

/* Accesses that straddle registers, devices or the window: any answer, no harm. */
static void odd_accesses(unsigned slot)
{
	uint32_t id = pci_read(slot, 0, 4);

	for (unsigned at = 1; at < 256; at += 2) {
		pci_read(slot, at, 2);
		pci_read(slot, at, 4);
	}
	pci_read(slot, 0xffe, 4);
	read64(pci_ecam() + slot * 0x8000);
	read64(pci_ecam() + slot * 0x8000 + 0xffc);
	read64(pci_ecam() + 0xffffc);
	out32(0xcf8, 0x80000000 | slot << 11);
	in32(0xcfd);
	in32(0xcff);
	in16(0xcff);
	out8(0xcf8, 0x12);
	out16(0xcfa, 0xffff);
	in8(0xcfb);
	out32(0xcf8, 0);
	check_equal(in32(0xcfc), 0xffffffff, "ports-disabled-read-ones");
	check_equal(pci_read(slot, 0, 4), id, "survives-odd-accesses");
}

static void nobody_home(void)
{
	check_equal(pci_read(31, 0, 4), 0xffffffff, "absent-slot");
	check_equal(read32(pci_ecam() + 0x8000 + 0x1000), 0xffffffff, "absent-function");
	out32(0xcf8, 0x80010000);
	check_equal(in32(0xcfc), 0xffffffff, "absent-bus");
	pci_write(31, 0, 4, 0);
	pci_write(31, PCI_BAR0, 4, 0xffffffff);
}

/* Every byte of the 4 KiB overwritten with ones and zeros; what must not change does not. */
static void overwritten(unsigned slot)
{
	static uint32_t saved[1024];
	static const unsigned fixed[] = { 0, 8, 0x2c, 0x34 };
	static const char *const names[] = { "ids-fixed", "class-fixed", "subsystem-fixed",
		"capabilities-fixed" };
	unsigned wrong = 0;

	for (unsigned i = 0; i < 1024; i++)
		saved[i] = pci_read(slot, 4 * i, 4);
	for (unsigned at = 0; at < 4096; at++) {
		pci_write(slot, at, 1, 0xff);
		pci_write(slot, at, 1, 0);
	}
	for (unsigned at = 0; at < 4096; at += 4) {
		pci_write(slot, at, 4, 0xffffffff);
		pci_write(slot, at, 4, 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
		check_equal(pci_read(slot, fixed[i], 4), saved[fixed[i] / 4], names[i]);
	pci_write(slot, PCI_COMMAND, 2, 0);
	for (unsigned i = 2; i < 1024; i++)
		pci_write(slot, 4 * i, 4, saved[i]);
	pci_write(slot, PCI_COMMAND, 2, saved[1] & 0xffff);
	for (unsigned i = 4; i < 10; i++)
		wrong += pci_read(slot, 4 * i, 4) != saved[i];
	check_equal(wrong, 0, "bars-restored");
}

static struct pci_bar bars[32 * 6];
static unsigned n_bars;

static void collect_bars(void)
{
	struct pci_bar b;

	for (unsigned slot = 0; slot < 32; slot++) {
		if (!pci_exists(slot))
			continue;
		for (unsigned i = 0; i < 6; i++) {
			b = pci_bar(slot, i);
			if (b.size)
				bars[n_bars++] = b;
			i += b.wide;
		}
	}
	count("bars", n_bars);
}

static void bars_are_sane(void)
{
	unsigned odd = 0, misplaced = 0, overlapping = 0;

	for (unsigned i = 0; i < n_bars; i++) {
		odd += (bars[i].size & (bars[i].size - 1)) != 0;
		misplaced += !bars[i].at || bars[i].at % bars[i].size;
		for (unsigned j = 0; j < i; j++)
			overlapping += bars[i].io == bars[j].io &&
				       bars[i].at < bars[j].at + bars[j].size &&
				       bars[j].at < bars[i].at + bars[i].size;
	}
	check_equal(odd, 0, "bar-sizes");
	check_equal(misplaced, 0, "bar-alignment");
	check_equal(overlapping, 0, "bar-overlap");
}

/* The first memory BAR with something behind it: the virtio configuration of the device. */
static int living_bar(unsigned slot, struct pci_bar *ret)
{
	for (unsigned i = 0; i < 6; i++) {
		*ret = pci_bar(slot, i);
		if (ret->size && !ret->io && read32(ret->at) != 0xffffffff)
			return (int)i;
		i += ret->wide;
	}
	return -1;
}

/* Where nothing of ours is: behind all BARs of the same kind, in the same window. */
static uint64_t free_place(const struct pci_bar *b)
{
	uint64_t at = b->at;

	for (unsigned i = 0; i < n_bars; i++)
		if (!bars[i].io && bars[i].wide == b->wide && bars[i].at + bars[i].size > at)
			at = bars[i].at + bars[i].size;
	at += 16 * b->size;
	return at & ~(b->size - 1);
}

static void moved(unsigned slot)
{
	struct pci_bar b;
	int n = living_bar(slot, &b);
	uint64_t to;
	uint32_t value;

	if (!check(n >= 0, "living-bar", "slot %u has no memory BAR that answers", slot))
		return;
	value = read32(b.at);
	to = free_place(&b);
	pci_command(slot, 0, PCI_MEMORY);
	check_equal(read32(b.at), 0xffffffff, "decode-off");
	pci_command(slot, PCI_MEMORY, 0);
	check_equal(read32(b.at), value, "decode-on");

	pci_bar_move(slot, (unsigned)n, to);
	check_equal(read32(to), value, "bar-at-new-place");
	check_equal(read32(b.at), 0xffffffff, "bar-left-old-place");

	/* While decoding, half by half, as no sane driver would. */
	pci_write(slot, PCI_BAR0 + 4 * (unsigned)n, 4, (uint32_t)b.at);
	if (b.wide)
		pci_write(slot, PCI_BAR0 + 4 * (unsigned)n + 4, 4, (uint32_t)(b.at >> 32));
	check_equal(read32(b.at), value, "bar-moved-while-decoding");
}

/* On top of RAM, of the configuration window, of another BAR, of the APICs; out of all windows. */
static void misplaced_on_purpose(unsigned slot, unsigned other)
{
	struct pci_bar b, o;
	int n = living_bar(slot, &b);
	uint32_t value = read32(b.at), other_value;
	static volatile uint32_t canary = 0x600dcafe;

	living_bar(other, &o);
	other_value = read32(o.at);
	pci_bar_move(slot, (unsigned)n, (uint64_t)(uintptr_t)&canary);
	check_equal(canary, 0x600dcafe, "ram-wins-over-bar");
	canary = 0x600dcafe;
	pci_bar_move(slot, (unsigned)n, pci_ecam());
	pci_bar_move(slot, (unsigned)n, 0xfec00000);
	pci_bar_move(slot, (unsigned)n, 0xfee00000);
	pci_bar_move(slot, (unsigned)n, o.at);
	check_equal(read32(o.at), other_value, "first-bar-keeps-its-place");
	if (b.wide)
		pci_bar_move(slot, (unsigned)n, 0x000f000000000000);
	pci_bar_move(slot, (unsigned)n, 0);
	pci_bar_move(slot, (unsigned)n, b.at);
	check_equal(read32(b.at), value, "bar-back-from-bad-places");
	check_equal(read32(o.at), other_value, "other-bar-unharmed");
	check(pci_exists(slot), "configuration-unharmed", "-");
}

/* Wants two virtio-rng devices: arg slots are found by scanning. */
PROGRAM(pci)
{
	int one = pci_find(0x1af4, 0x1044, 0), two = pci_find(0x1af4, 0x1042, 0);

	count("devices", devices());
	check(pci_exists(0), "host-bridge", "-");
	if (one < 0 || two < 0)
		give_up("wants a virtio-rng and a virtio-blk");
	/* No firmware ran: nothing decodes yet. */
	pci_command((unsigned)one, PCI_MEMORY, 0);
	pci_command((unsigned)two, PCI_MEMORY, 0);
	both_ways_agree();
	widths_agree((unsigned)one);
	odd_accesses((unsigned)one);
	nobody_home();
	collect_bars();
	bars_are_sane();
	moved((unsigned)one);
	misplaced_on_purpose((unsigned)one, (unsigned)two);
	overwritten((unsigned)one);
	moved((unsigned)one);
}
