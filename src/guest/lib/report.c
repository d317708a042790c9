/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guest.h"

static void print_list(const char *fmt, va_list ap)
{
	char line[256];
	int n = format(line, sizeof(line), fmt, ap);

	serial_write(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
}

void print(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_list(fmt, ap);
	va_end(ap);
}

bool check(bool held, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (held) {
		print("ok %s\n", name);
		return true;
	}
	print("not ok %s: ", name);
	va_start(ap, fmt);
	print_list(fmt, ap);
	va_end(ap);
	print("\n");
	return false;
}

bool check_equal(uint64_t got, uint64_t want, const char *name)
{
	return check(got == want, name, "0x%lx, expected 0x%lx", got, want);
}

void count(const char *key, uint64_t value)
{
	print("count %s %lu\n", key, value);
}

void give_up(const char *fmt, ...)
{
	va_list ap;

	print("not ok gave-up: ");
	va_start(ap, fmt);
	print_list(fmt, ap);
	va_end(ap);
	print("\n");
	acpi_power_off();
}
