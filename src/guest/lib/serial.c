/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 16550 at 0x3f8, driven by polling: the transmitter's FIFO takes 16 bytes once it is empty. */
#include "guest.h"

enum {
	DATA = 0x3f8,
	INTERRUPTS = 0x3f9,
	FIFO = 0x3fa,
	LINE = 0x3fb,
	MODEM = 0x3fc,
	STATUS = 0x3fd,
};

void serial_start(void)
{
	out8(INTERRUPTS, 0);
	out8(LINE, 0x80);
	out8(DATA, 1); /* 115200 */
	out8(INTERRUPTS, 0);
	out8(LINE, 3);
	out8(FIFO, 7);
	out8(MODEM, 3);
}

void serial_write(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i % 16 == 0)
			while (!(in8(STATUS) & 0x20))
				relax();
		out8(DATA, (uint8_t)s[i]);
	}
}

int serial_read(void)
{
	return in8(STATUS) & 1 ? in8(DATA) : -1;
}
