/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest programs: that a guest runs at all, and every way in which it can end. */
#include "guest.h"

PROGRAM(hello)
{
	count("apic_id", cpu_apic_id());
	check(true, "hello", "-");
}

/* 20 periodic interrupts of the local APIC's timer wake the halted CPU. */
PROGRAM(timer)
{
	cpu_write_msr(0x83e, 0xb);	    /* divide by 1 */
	cpu_write_msr(0x832, 0x20000 | 64); /* periodic, vector 64 */
	cpu_write_msr(0x838, 10000000);
	check(cpu_wait(&interrupts[64], 20), "timer-interrupts", "%lu", interrupts[64]);
	cpu_write_msr(0x838, 0);
}

PROGRAM(reset)
{
	acpi_reset();
}

/* The way that Linux tries first on a PC without ACPI: pulse the keyboard controller's line. */
PROGRAM(keyboard_reset)
{
	out8(0x64, 0xfe);
	cpu_pause_us(1000000);
	give_up("the keyboard controller did not reset");
}

PROGRAM(triple_fault)
{
	cpu_triple_fault();
}

static uint64_t run_nothing(uint64_t address, uint64_t b)
{
	(void)b;
	((void (*)(void))(uintptr_t)address)();
	return 0;
}

/* Ring 0 runs off into an address where no memory is: KVM can neither run nor emulate that. */
PROGRAM(internal_error)
{
	cpu_ring0(run_nothing, 0xfed50000, 0);
	give_up("came back from nowhere");
}

/* For those who stop machines: neither reports nor ends. */
PROGRAM(spin)
{
	print("ok spinning\n");
	for (;;)
		relax();
}

PROGRAM(halt)
{
	volatile uint64_t never = 0;

	print("ok halting\n");
	for (;;)
		cpu_wait(&never, 1);
}

/* Ends when the power button is pressed, as its ACPI would hear of it; see dsdt.asl. */
PROGRAM(button)
{
	uint32_t bits;

	print("ok waiting\n");
	while (!(bits = in32(0x610)))
		relax();
	check_equal(bits, 1, "the-button-alone");
	check_equal(in32(0x610), 0, "reading-empties");
}

/* Sends back what comes in on the serial line, a line at a time. */
PROGRAM(echo)
{
	char line[64];
	size_t n = 0;
	int c;

	print("ok listening\n");
	while (n + 1 < sizeof(line)) {
		c = serial_read();
		if (c < 0)
			relax();
		else if (c == '\n' || c == '\r')
			break;
		else
			line[n++] = (char)c;
	}
	line[n] = '\0';
	print("heard %s\n", line);
}
