/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACPI 6.5, chapter 5.2: from the RSDP that the loader names to the tables, and off or again. */
#include "guest.h"

extern uint64_t boot_params;

static uint8_t sum(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *b++);
	return s;
}

static const struct acpi_table *xsdt(void)
{
	uint64_t rsdp = read64(boot_params + 0x70); /* acpi_rsdp_addr */

	if (!rsdp || memcmp((void *)(uintptr_t)rsdp, "RSD PTR ", 8) != 0 ||
		sum((void *)(uintptr_t)rsdp, 20) || sum((void *)(uintptr_t)rsdp, 36))
		return NULL;
	return (void *)(uintptr_t)read64(rsdp + 24);
}

void acpi_each(void (*fn)(const struct acpi_table *t))
{
	const struct acpi_table *x = xsdt();

	for (uint32_t i = sizeof(*x); x && i + 8 <= x->length; i += 8)
		fn((void *)(uintptr_t)read64((uint64_t)(uintptr_t)x + i));
}

static const struct acpi_table *dsdt(void)
{
	const struct acpi_table *fadt = acpi_find("FACP");

	return fadt ? (void *)(uintptr_t)read64((uint64_t)(uintptr_t)fadt + 140) : NULL;
}

const struct acpi_table *acpi_find(const char *signature)
{
	const struct acpi_table *x = xsdt(), *t = NULL;

	if (!strcmp(signature, "XSDT"))
		return x;
	if (!strcmp(signature, "DSDT"))
		return dsdt();
	for (uint32_t i = sizeof(*x); x && i + 8 <= x->length; i += 8) {
		t = (void *)(uintptr_t)read64((uint64_t)(uintptr_t)x + i);
		if (!memcmp(t->signature, signature, 4))
			return sum(t, t->length) ? NULL : t;
	}
	return NULL;
}

/* A generic address structure of the FADT; register spaces 0 memory and 1 I/O ports. */
static bool write_register(const struct acpi_table *fadt, uint32_t offset, uint8_t value)
{
	uint64_t gas = (uint64_t)(uintptr_t)fadt + offset, at = read64(gas + 4);

	if (!at)
		return false;
	if (read8(gas) == 1)
		out8((uint16_t)at, value);
	else
		write8(at, value);
	return true;
}

/* SLP_TYP of \_S5 in the DSDT: NameOp, "_S5_", PackageOp, length, count, then the first number. */
static int s5_type(void)
{
	const struct acpi_table *d = dsdt();
	const uint8_t *b = (const void *)d;

	for (uint32_t i = sizeof(*d); d && i + 9 < d->length; i++) {
		if (memcmp(b + i, "_S5_", 4) != 0 || b[i + 4] != 0x12)
			continue;
		i += 5;
		i += (b[i] >> 6) + 2u;
		return b[i] == 0x0a ? b[i + 1] : b[i] == 0x01 ? 1 : b[i] == 0x00 ? 0 : -1;
	}
	return -1;
}

static _Noreturn void hang(const char *why)
{
	print("not ok end-of-machine: %s\n", why);
	for (;;)
		cpu_pause_us(1000000);
}

void acpi_power_off(void)
{
	const struct acpi_table *fadt = acpi_find("FACP");
	int type = s5_type();

	if (!fadt || fadt->length < 268 || type < 0)
		hang("no usable FADT or _S5");
	if (!write_register(fadt, 244, (uint8_t)(0x20 | type << 2)))
		hang("no sleep control register");
	cpu_pause_us(1000000);
	hang("the sleep control register did nothing");
}

void acpi_reset(void)
{
	const struct acpi_table *fadt = acpi_find("FACP");

	if (!fadt || !(read32((uint64_t)(uintptr_t)fadt + 112) & 1 << 10))
		hang("no reset register");
	write_register(fadt, 116, read8((uint64_t)(uintptr_t)fadt + 128));
	cpu_pause_us(1000000);
	hang("the reset register did nothing");
}
