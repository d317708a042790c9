/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assigned functions, used and abused, on the VMM whose functions are played (tests/guest/vmm): two
 * victims, and a judge whose register tells whether the VMM's books are in order. It is read after
 * every step of an attack.
 */
#include "pci.h"

enum { VENDOR = 0x1b36, ONE = 0x0e01, TWO = 0x0e02, JUDGE = 0x0e03 };

/* The judge's registers: vmm/machine.h. */
enum {
	WRONG = 0x00,
	FIRE = 0x04,
	DMA_BARS = 0x08,
	SLOTS = 0x0c,
	FAIL_VFIO = 0x10,
	FAIL_SLOT = 0x14,
	DMA_LOW = 0x18,
	DMA_HIGH = 0x1c,
	DMA = 0x20,
	MSIX_INDEX = 2,
	ROM = 0x30,	/* register of the option ROM's BAR */
	WINDOWS = 3,	/* of a victim's BARs: before and behind the MSI-X table, and BAR 2 */
	TABLE = 0x1000, /* … which has 8 entries */
	VECTORS = 8,
	VECTOR = 80,
};

struct victim {
	unsigned slot, index;
	struct pci_bar wide, narrow; /* BARs 0 and 2 where they were at first */
};

static struct victim one, two;
static uint64_t judge;
static uint64_t wrong_steps, steps;

static void step(const char *what, uint64_t a, uint64_t b)
{
	uint32_t wrong = read32(judge + WRONG);

	steps++;
	if (wrong && wrong_steps++ < 5)
		print("wrong: %u after %s 0x%lx 0x%lx\n", wrong, what, a, b);
}

static void verdict(const char *name)
{
	check_equal(wrong_steps, 0, name);
	wrong_steps = 0;
}

static void find(uint16_t id, unsigned index, struct victim *v)
{
	int slot = pci_find(VENDOR, id, 0);

	if (slot < 0)
		give_up("no function 0x%x", id);
	v->slot = (unsigned)slot;
	v->index = index;
	v->wide = pci_bar(v->slot, 0);
	v->narrow = pci_bar(v->slot, 2);
	pci_command(v->slot, PCI_MEMORY | PCI_IO | PCI_MASTER, 0);
}

static void open_all(void)
{
	int slot = pci_find(VENDOR, JUDGE, 0);

	if (slot < 0)
		give_up("no judge");
	judge = pci_bar((unsigned)slot, 0).at;
	pci_command((unsigned)slot, PCI_MEMORY, 0);
	find(ONE, 0, &one);
	find(TWO, 1, &two);
	step("the start", 0, 0);
	verdict("in-order-at-first");
}

static void set_bar(unsigned slot, unsigned bar, uint64_t at)
{
	pci_write(slot, PCI_BAR0 + 4 * bar, 4, (uint32_t)at);
	if (bar == 0)
		pci_write(slot, PCI_BAR0 + 4, 4, (uint32_t)(at >> 32));
}

static void fire(const struct victim *v, unsigned vector)
{
	write32(judge + FIRE, v->index << 16 | MSIX_INDEX << 8 | vector);
}

/* As a driver finds it after a reset. */
static void restore(const struct victim *v)
{
	write32(judge + FAIL_VFIO, 0);
	write32(judge + FAIL_SLOT, 0);
	pci_write(v->slot, PCI_COMMAND, 2, 0);
	pci_write(v->slot, ROM, 4, pci_read(v->slot, ROM, 4) & ~1u);
	set_bar(v->slot, 0, v->wide.at);
	set_bar(v->slot, 2, v->narrow.at);
	pci_write(v->slot, PCI_COMMAND, 2, PCI_MEMORY | PCI_IO | PCI_MASTER);
	step("restoring", v->slot, 0);
}

/* Registers are the device's, and an interrupt comes, once. */
static void works(const struct victim *v, const char *name)
{
	struct msix m;
	uint64_t before;

	restore(v);
	write32(v->wide.at + 0x10, 0xcafe0000 | v->slot);
	write32(v->narrow.at + 0x1ffc, 0x5eed);
	check_equal(read32(v->wide.at + 0x10), 0xcafe0000 | v->slot, name);
	check_equal(read32(v->narrow.at + 0x1ffc), 0x5eed, name);
	pci_write(v->slot, pci_capability(v->slot, 5, 0) + 2, 2, 0);
	if (!msix_open(v->slot, &m))
		give_up("no MSI-X");
	msix_enable(&m, false, false);
	for (unsigned i = 0; i < VECTORS; i++)
		msix_mask(&m, i, true);
	msix_enable(&m, true, false);
	msix_route(&m, 3, VECTOR + 1, cpu_apic_id());
	cpu_pause_us(2000); /* what an attack left pending */
	before = interrupts[VECTOR + 1];
	fire(v, 3);
	cpu_spin(&interrupts[VECTOR + 1], before + 1);
	cpu_pause_us(2000);
	check_equal(interrupts[VECTOR + 1], before + 1, name);
	msix_mask(&m, 3, true);
	msix_enable(&m, false, false);
	step("working", v->slot, 0);
}

static bool dma_reaches(uint64_t at)
{
	write32(judge + DMA_LOW, (uint32_t)at);
	write32(judge + DMA_HIGH, (uint32_t)(at >> 32));
	write32(judge + DMA, 0x0ddba11);
	return read32(judge + DMA);
}

/* It is there while its own bit is on, too, and nobody can write to it. */
static void option_rom(void)
{
	uint32_t at = pci_read(one.slot, ROM, 4);

	check(at && !(at & 1), "rom-is-off-at-first", "0x%x", at);
	pci_write(one.slot, ROM, 4, 0xfffff800);
	check_equal(pci_read(one.slot, ROM, 4), 0xffff0000, "rom-size");
	pci_write(one.slot, ROM, 4, at);
	check_equal(read32(at), 0xffffffff, "no-rom-without-its-bit");
	pci_write(one.slot, ROM, 4, at | 1);
	check_equal(read16(at), 0xaa55, "rom");
	write32(at, 0);
	check_equal(read32(at + 0x40), 0x52494350, "rom-structure");
	check_equal(read16(at), 0xaa55, "rom-cannot-be-written");
	pci_command(one.slot, 0, PCI_MEMORY);
	check_equal(read32(at), 0xffffffff, "no-rom-without-decoding");
	pci_command(one.slot, PCI_MEMORY, 0);
	pci_write(one.slot, ROM, 4, at);
	step("looking at the ROM", at, 0);
	check_equal(pci_read(two.slot, ROM, 4), 0, "the-other-has-none");
}

PROGRAM(assigned)
{
	static volatile uint32_t ram;

	open_all();
	check_equal(read32(judge + DMA_BARS), 2 * WINDOWS, "bars-in-the-iommu");
	works(&one, "one-works");
	works(&two, "two-works");
	check(dma_reaches((uint64_t)(uintptr_t)&ram) && ram == 0x0ddba11, "dma-to-memory", "-");
	check(dma_reaches(two.wide.at + 0x2010), "dma-to-a-peer", "-");
	check_equal(read32(two.wide.at + 0x2010), 0x0ddba11, "the-peer-has-it");
	check(!dma_reaches(two.wide.at + TABLE), "no-dma-to-the-table", "-");
	set_bar(two.slot, 0, two.wide.at + 0x1000000);
	memory_map(two.wide.at + 0x1000000, 0x4000);
	check(!dma_reaches(two.wide.at + 0x2010), "no-dma-to-where-it-was", "-");
	check(dma_reaches(two.wide.at + 0x1002010), "dma-to-where-it-is", "-");
	pci_command(two.slot, 0, PCI_MEMORY);
	check(!dma_reaches(two.wide.at + 0x1002010), "no-dma-to-what-is-off", "-");
	check_equal(read32(judge + DMA_BARS), WINDOWS, "bars-left-in-the-iommu");
	works(&two, "two-works-again");
	option_rom();
	/* Where no exit is taken: the host's side counts. */
	for (unsigned i = 0; i < 1000; i++)
		write32(one.wide.at + 0x20, i);
	check_equal(read32(one.wide.at + 0x20), 999, "a-thousand-writes");
	verdict("in-order");
}

static void wild_write(uint64_t at, unsigned len, uint64_t v)
{
	switch (len) {
	case 1:
		write8(at, (uint8_t)v);
		break;
	case 2:
		write16(at, (uint16_t)v);
		break;
	case 4:
		write32(at, (uint32_t)v);
		break;
	default:
		write64(at, v);
	}
}

static uint64_t wild_read(uint64_t at, unsigned len)
{
	return len == 1 ? read8(at) : len == 2 ? read16(at) : len == 4 ? read32(at) : read64(at);
}

static uint64_t seed = 88172645463325252;

static uint64_t random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Every offset in every width, aligned or not, also across registers and the function's end. */
PROGRAM(attackconfig)
{
	uint64_t config;

	open_all();
	config = pci_ecam() + one.slot * 0x8000;
	for (unsigned len = 1; len <= 8; len *= 2)
		for (unsigned at = 0; at < 0x1000; at++) {
			bool near = at < 0x100 || at > 0xff0;

			if (!near && (at + len) % 8)
				continue; /* behind what there is: each eighth will do */
			for (unsigned k = 0; k < (near ? 3 : 1); k++) {
				wild_write(config + at, len,
					k == 0	 ? ~0ULL
					: k == 1 ? 0
						 : random());
				wild_read(config + at, len);
				if (near)
					step("a write to configuration", at, len);
			}
		}
	for (unsigned at = 0; at < 256; at++)
		for (unsigned len = 1; len <= 4; len *= 2) {
			pci_port_write(one.slot, at, len, (uint32_t)random());
			step("a write by ports", at, len);
		}
	verdict("in-order-under-attack");
	count("steps", steps);
	works(&one, "one-works-after-it");
	works(&two, "two-was-not-harmed");
	verdict("in-order-after-it");
}

static uint64_t places[20];
static unsigned n_places;

static void place(uint64_t at)
{
	places[n_places++] = at;
}

/* Good ones, and those where there is something else, or the end of a window, or nothing. */
static void make_places(void)
{
	place(one.wide.at + 0x10000000);
	place(0);
	place(0x1000000); /* the guest itself */
	place(arg_number("memory", 0) - 0x2000);
	place(one.wide.at + 0x4000);
	place(two.wide.at);
	place(two.wide.at + 0x2000);
	place(two.narrow.at);
	place(judge & ~0xfffULL);
	place(0xc0000000 - 0x4000);
	place(0xc0000000 - 0x2000);
	place(0xe0000000 - 0x4000); /* the last of the window */
	place(0xe0000000 - 0x2000); /* half out of it, into ECAM */
	place(pci_ecam() + one.slot * 0x8000);
	place(0xfec00000);
	place(0xfee00000);
	place(0xffffc000);
	place(0x100000000);
	place(0x7ffffffc000); /* behind what the IOMMU has */
	place(~0ULL);
}

/* Writes an address in one of the ways in which nobody should, or somebody may. */
static void move_wildly(const struct victim *v, uint64_t at, unsigned order)
{
	uint64_t config = pci_ecam() + v->slot * 0x8000 + PCI_BAR0;

	switch (order) {
	case 0: /* as it should be */
		pci_command(v->slot, 0, PCI_MEMORY);
		step("switching off", at, order);
		set_bar(v->slot, 0, at);
		step("moving what is off", at, order);
		pci_command(v->slot, PCI_MEMORY, 0);
		break;
	case 1: /* high half first, while it is on */
		write32(config + 4, (uint32_t)(at >> 32));
		step("the high half", at, order);
		write32(config, (uint32_t)at);
		break;
	case 2: /* all at once, across two registers */
		write64(config, at);
		break;
	default: /* by bytes, from behind, and the other BAR along with it */
		for (unsigned i = 8; i-- > 0;) {
			write8(config + i, (uint8_t)(at >> (8 * i)));
			step("a byte", at, i);
		}
		pci_write(v->slot, PCI_BAR0 + 8, 4, (uint32_t)at);
		step("the other BAR", at, order);
		pci_write(v->slot, ROM, 4, (uint32_t)at | 1);
	}
	step("a move", at, order);
}

PROGRAM(attackbars)
{
	uint32_t slots;

	open_all();
	make_places();
	slots = read32(judge + SLOTS);
	/* Without a failure, then with each of the first calls refused in the middle of it. */
	for (unsigned fail = 0; fail < 13; fail++)
		for (unsigned i = 0; i < n_places; i++)
			for (unsigned order = 0; order < 4; order++) {
				restore(&one);
				write32(judge + FAIL_SLOT, fail > 0 && fail <= 6 ? fail : 0);
				write32(judge + FAIL_VFIO, fail > 6 ? fail - 6 : 0);
				move_wildly(&one, places[i], order);
				write32(judge + FAIL_SLOT, 0);
				write32(judge + FAIL_VFIO, 0);
				if (read32(two.wide.at + 0x10) == 0xffffffff)
					wrong_steps++;
			}
	verdict("in-order-wherever-they-go");
	count("steps", steps);
	works(&one, "one-works-after-it");
	works(&two, "two-was-not-harmed");
	check_equal(read32(judge + SLOTS), slots, "as-many-slots-as-before");
	check_equal(read32(judge + DMA_BARS), 2 * WINDOWS, "as-many-mappings-as-before");
	verdict("in-order-after-it");
}

/*
 * Any bytes, but for those of the messages' data: what it says is obeyed, and an NMI or INIT would
 * be the end of the attacker.
 */
static uint64_t message_bytes(unsigned at)
{
	uint64_t v = at % 5 ? random() : ~0ULL;

	for (unsigned i = 0; i < 8; i++)
		if ((at + i) % 16 >= 8 && (at + i) % 16 < 12) {
			v &= ~(0xffULL << (8 * i));
			v |= (uint64_t)((at + i) % 16 == 8 ? VECTOR + 4 : 0) << (8 * i);
		}
	return v;
}

static void wild_table(const struct msix *m, const char *what)
{
	for (unsigned len = 1; len <= 8; len *= 2)
		for (unsigned at = 0; at < VECTORS * 16 + 8; at += len == 8 ? 3 : 1) {
			wild_write(m->table + at, len, message_bytes(at));
			step(what, at, len);
			wild_read(m->table + at, len);
			if (at % 7 == 0)
				fire(&one, at % VECTORS);
			wild_write(m->pending + at % 16, len, ~0ULL);
		}
	step(what, 0, 0);
}

/* Nothing points at a CPU; what comes anyhow is nobody's. */
static void silence(const struct msix *m)
{
	for (unsigned i = 0; i < VECTORS; i++)
		msix_mask(m, i, true);
}

PROGRAM(attackmsix)
{
	struct msix m;
	uint64_t before;

	open_all();
	if (!msix_open(one.slot, &m))
		give_up("no MSI-X");
	silence(&m);
	wild_table(&m, "a table write while it is off");
	silence(&m);
	msix_enable(&m, true, true);
	wild_table(&m, "a table write while all is masked");
	silence(&m);
	msix_enable(&m, true, false);
	wild_table(&m, "a table write while it is on");
	silence(&m);
	/* Storms: masks that come and go under interrupts; the switch itself; both kinds at once.
	 */
	for (unsigned i = 0; i < VECTORS; i++)
		msix_route(&m, i, VECTOR + 2, cpu_apic_id());
	for (unsigned i = 0; i < 400; i++) {
		msix_mask(&m, i % VECTORS, i / VECTORS % 2);
		fire(&one, i % VECTORS);
		if (i % 16 == 0)
			msix_enable(&m, i % 32, i % 3 == 0);
		if (i % 50 == 0)
			pci_write(one.slot, pci_capability(one.slot, 5, 0) + 2, 2, i % 100 ? 0 : 1);
		step("a storm of masks", i, 0);
	}
	/* Masked, it is kept, once; and the table may be somewhere else by then. */
	pci_write(one.slot, pci_capability(one.slot, 5, 0) + 2, 2, 0);
	msix_enable(&m, false, false);
	silence(&m);
	msix_enable(&m, true, false);
	msix_route(&m, 5, VECTOR + 3, cpu_apic_id());
	cpu_pause_us(3000);
	msix_mask(&m, 5, true);
	before = interrupts[VECTOR + 3];
	fire(&one, 5);
	fire(&one, 5);
	check(msix_pending(&m, 5), "what-is-masked-is-pending", "-");
	pci_command(one.slot, 0, PCI_MEMORY);
	step("switching off", 0, 0);
	pci_command(one.slot, PCI_MEMORY, 0);
	check_equal(interrupts[VECTOR + 3], before, "masked-is-silent");
	msix_mask(&m, 5, false);
	cpu_spin(&interrupts[VECTOR + 3], before + 1);
	cpu_pause_us(3000);
	check_equal(interrupts[VECTOR + 3], before + 1, "unmasked-it-comes-once");
	verdict("in-order-under-attack");
	count("steps", steps);
	works(&one, "one-works-after-it");
	works(&two, "two-was-not-harmed");
	verdict("in-order-after-it");
}

static volatile uint64_t busy, ended;
static volatile bool stop;

/* Never sees anything but registers, or all ones of nobody. */
static void hammer(void *arg)
{
	uint64_t odd = 0;

	(void)arg;
	while (!stop) {
		uint32_t v = read32(one.wide.at + 0x10);

		/* While the one does not decode, the other may be in its place. */
		odd += v != 0xcafe0001 && v != 0xcafe0002 && v != 0xffffffff;
		write32(one.wide.at + 0x2020, (uint32_t)busy);
		write32(one.wide.at + TABLE + 16 * (busy % VECTORS) + 12, 1);
		read32(one.narrow.at + 0x20);
		if (busy % 8 == 0) /* the other one's BAR, onto the first's and back */
			set_bar(two.slot, 0, busy % 16 ? two.wide.at : one.wide.at);
		busy++;
	}
	wrong_steps += odd;
	ended++;
}

PROGRAM(attacksmp)
{
	int cpu;

	open_all();
	write32(one.wide.at + 0x10, 0xcafe0001);
	write32(two.wide.at + 0x10, 0xcafe0002);
	cpu = cpu_wake(1);
	if (cpu < 0)
		give_up("no second CPU");
	cpu_run(cpu, hammer, NULL);
	while (!busy)
		relax();
	for (unsigned i = 0; i < 400; i++) {
		pci_command(one.slot, i % 2 ? PCI_MEMORY : 0, i % 2 ? 0 : PCI_MEMORY);
		step("a toggle", i, 0);
		set_bar(one.slot, 0, i % 3 ? one.wide.at : one.wide.at + 0x10000000);
		step("a move under fire", i, 0);
		fire(&one, i % VECTORS);
		if (i % 25 == 24) { /* it resets itself */
			pci_write(one.slot, pci_capability(one.slot, 0x10, 0) + 8, 2, 0x8000);
			step("a reset under fire", i, 0);
		}
	}
	stop = true;
	while (!ended)
		relax();
	verdict("in-order-under-fire");
	check(busy > 100, "it-was-under-fire", "%lu", busy);
	restore(&two);
	works(&one, "one-works-after-it");
	works(&two, "two-works-after-it");
	verdict("in-order-after-it");
}
