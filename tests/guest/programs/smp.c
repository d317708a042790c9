/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All CPUs come up and use ports, configuration space and one device's registers at once. */
#include "pci.h"

enum { ROUNDS = 2000, VECTOR = 90 };

static volatile uint64_t done, agreed, wrong;
static uint32_t ids[32];

static void hammer(void *arg)
{
	unsigned cpu = (unsigned)(uintptr_t)arg;
	uint64_t mine = 0, bad = 0;

	for (unsigned i = 0; i < ROUNDS / 20; i++) {
		bad += pci_read(i % 32, 0, 4) != ids[i % 32];
		bad += in8(0x1234) != 0xff;
		/* The scratch register of the serial port: shared by all, so any CPU's value. */
		out8(0x3ff, (uint8_t)cpu);
		bad += in8(0x3ff) >= CPUS_MAX;
		mine++;
	}
	__atomic_fetch_add(&agreed, mine, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&wrong, bad, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void apic_id(void *arg)
{
	*(volatile uint64_t *)arg = cpu_apic_id() + 1;
}

/* One CPU moves a BAR to and fro while the others read through it. */
static struct pci_bar bar;
static unsigned bar_slot;
static volatile bool stop;

static void reader(void *arg)
{
	uint64_t n = 0;

	(void)arg;
	while (!stop) {
		read32(bar.at + 4);
		n++;
	}
	__atomic_fetch_add(&agreed, n, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
}

static void bar_dance(unsigned cpus)
{
	int slot = pci_find(0x1af4, 0x1044, 0);
	uint32_t value;

	if (slot < 0)
		give_up("wants a virtio-rng");
	bar_slot = (unsigned)slot;
	pci_command(bar_slot, PCI_MEMORY, 0);
	for (unsigned i = 0; i < 6 && !bar.size; i++)
		bar = pci_bar(bar_slot, i);
	value = read32(bar.at + 4);
	done = agreed = 0;
	for (unsigned i = 1; i < cpus; i++)
		cpu_run((int)i, reader, NULL);
	for (unsigned i = 0; i < 100; i++) {
		pci_command(bar_slot, 0, PCI_MEMORY);
		pci_command(bar_slot, PCI_MEMORY, 0);
	}
	stop = true;
	check(cpu_spin(&done, cpus - 1), "readers-end", "%lu of %u", done, cpus - 1);
	check_equal(read32(bar.at + 4), value, "bar-works-after-the-dance");
}

PROGRAM(smp)
{
	unsigned cpus = (unsigned)arg_number("cpus", 1);
	volatile uint64_t id;

	for (unsigned slot = 0; slot < 32; slot++)
		ids[slot] = pci_read(slot, 0, 4);
	for (unsigned i = 1; i < cpus; i++) {
		if (!check(cpu_wake(i) == (int)i, "cpu-wakes", "CPU %u does not", i))
			return;
		id = 0;
		cpu_run((int)i, apic_id, (void *)(uintptr_t)&id);
		check(cpu_spin(&id, 1) && id == i + 1, "apic-id", "CPU %u has %lu", i, id - 1);
	}
	for (unsigned i = 1; i < cpus; i++)
		while (!cpu_idle((int)i))
			relax();
	for (unsigned i = 1; i < cpus; i++)
		cpu_run((int)i, hammer, (void *)(uintptr_t)i);
	hammer(NULL);
	check(cpu_spin(&done, cpus), "all-cpus-finish", "%lu of %u", done, cpus);
	check_equal(agreed, cpus * (ROUNDS / 20), "rounds");
	check_equal(wrong, 0, "answers");
	for (unsigned i = 1; i < cpus; i++) {
		uint64_t before = interrupts[VECTOR];

		while (!cpu_idle((int)i))
			relax();
		cpu_write_msr(0x830, (uint64_t)i << 32 | VECTOR);
		check(cpu_spin(&interrupts[VECTOR], before + 1), "inter-processor-interrupt",
			"CPU %u did not take it", i);
	}
	if (cpus > 1)
		bar_dance(cpus);
}
