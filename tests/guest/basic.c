/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest programs: that a guest runs at all, and every way in which it can end. */
#include "guest.h"

PROGRAM(hello)
{
	count("apic_id", cpu_apic_id());
	check(true, "hello", "-");
}

PROGRAM(timer)
{
	cpu_write_msr(0x83e, 0xb);	    /* divide by 1 */
	cpu_write_msr(0x832, 0x20000 | 64); /* periodic, vector 64 */
	cpu_write_msr(0x838, 10000000);
	check(cpu_wait(&interrupts[64], 20), "timer-interrupts", "%lu", interrupts[64]);
	cpu_write_msr(0x838, 0);
}
