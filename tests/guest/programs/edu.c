/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's educational device (docs/specs/edu.rst), assigned: whatever raises its interrupt is
 * counted here, and by the host's kernel, which counts the same function's line or message.
 */
#include "pci.h"

enum {
	VECTOR = 91,
	TICK = 64,
	IDENTITY = 0x00,
	INVERTER = 0x04,
	FACTORIAL = 0x08,
	STATUS = 0x20,
	INTERRUPT = 0x24,
	RAISE = 0x60,
	QUIET = 0x64,
	DMA_FROM = 0x80,
	DMA_TO = 0x88,
	DMA_BYTES = 0x90,
	DMA_COMMAND = 0x98,
	DMA_START = 1,
	DMA_TO_MEMORY = 2,
	DMA_INTERRUPT = 4,
	ITS_MEMORY = 0x40000,
	CAP_MSI = 5,
};

static unsigned slot;
static uint64_t edu;

static void by_message(void)
{
	unsigned msi = pci_capability(slot, CAP_MSI, 0);
	bool wide = pci_read(slot, msi + 2, 2) & 0x80;

	if (!msi)
		give_up("it has no MSI");
	pci_write(slot, msi + 4, 4, 0xfee00000 | cpu_apic_id() << 12);
	pci_write(slot, msi + (wide ? 12 : 8), 2, VECTOR);
	pci_write(slot, msi + 2, 2, 1);
}

static void by_line(void)
{
	check_equal(pci_read(slot, 0x3d, 1), 1, "interrupt-pin");
	cpu_route_pin(pci_read(slot, 0x3c, 1), VECTOR);
}

static void start(void)
{
	int found = pci_find(0x1234, 0x11e8, 0);

	if (found < 0)
		give_up("no edu");
	slot = (unsigned)found;
	edu = pci_bar(slot, 0).at;
	pci_command(slot, PCI_MEMORY | PCI_MASTER, PCI_NO_INTX);
	check_equal(read32(edu + IDENTITY) & 0xff, 0xed, "identity");
	write32(edu + INVERTER, 0x12345678);
	check_equal(read32(edu + INVERTER), 0xedcba987, "register");
	cpu_tick(TICK);
	interrupt_quiet_value = ~0u;
	interrupt_quiet = edu + QUIET;
	interrupt_quiet_vector = VECTOR;
	if (arg_number("message", 0))
		by_message();
	else
		by_line();
}

/* Each is quieted by its handler before it ends: one interrupt, neither lost nor twice. */
static void raise(uint64_t times)
{
	uint64_t before = interrupts[VECTOR];

	for (uint64_t i = 1; i <= times; i++) {
		write32(edu + RAISE, 1);
		if (!cpu_wait(&interrupts[VECTOR], before + i))
			give_up("raised %lu times, it came %lu times", i, interrupts[VECTOR]);
	}
	cpu_pause_us(20000);
	check_equal(interrupts[VECTOR] - before, times, "one-interrupt-each");
}

/* A line that nobody quiets comes again and again, as it must, and stops when somebody does. */
static void nobody_quiets(void)
{
	uint64_t before = interrupts[VECTOR], after;

	interrupt_quiet_vector = 0;
	write32(edu + RAISE, 1);
	check(cpu_spin(&interrupts[VECTOR], before + 5), "a-raised-line-comes-again", "-");
	write32(edu + QUIET, ~0u);
	cpu_pause_us(20000);
	after = interrupts[VECTOR];
	cpu_pause_us(50000);
	check_equal(interrupts[VECTOR], after, "a-quiet-line-is-quiet");
	interrupt_quiet_vector = VECTOR;
	count("more", after - before);
}

static void transfer(uint64_t from, uint64_t to, uint32_t command)
{
	uint64_t before = interrupts[VECTOR];

	write64(edu + DMA_FROM, from);
	write64(edu + DMA_TO, to);
	write64(edu + DMA_BYTES, 1024);
	write64(edu + DMA_COMMAND, DMA_START | DMA_INTERRUPT | command);
	if (!cpu_wait(&interrupts[VECTOR], before + 1))
		give_up("a transfer has no end");
}

/* Into its memory and back: by the IOMMU, for both are the guest's addresses. */
static void dma(void)
{
	uint8_t *page = memory_take(4096, 4096);

	for (unsigned i = 0; i < 1024; i++)
		page[i] = (uint8_t)(i * 7);
	transfer((uint64_t)(uintptr_t)page, ITS_MEMORY, 0);
	transfer(ITS_MEMORY, (uint64_t)(uintptr_t)page + 2048, DMA_TO_MEMORY);
	check(!memcmp(page, page + 2048, 1024), "there-and-back", "-");
}

PROGRAM(edu)
{
	start();
	raise(arg_number("times", 100));
	if (arg_number("unquiet", 0))
		nobody_quiets();
	dma();
	raise(arg_number("times", 100));
	interrupt_quiet_vector = 0;
	count("interrupts", interrupts[VECTOR]);
	print("waiting\n");
	while (serial_read() < 0)
		cpu_pause_us(1000);
	pci_command(slot, PCI_NO_INTX, PCI_MASTER);
}
