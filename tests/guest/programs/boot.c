/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the loader and the machine promise: boot_params, the memory map, the initial RAM disk, ACPI,
 * what Linux expects of CPUID and MSRs.
 *
 * Arguments: memory=BYTES cpus=N initrd_bytes=N initrd_sum=FNV-1a.
 */
#include "guest.h"

extern uint64_t boot_params;
extern char image_start[], memory_start[];

enum { E820_RAM = 1 };

struct e820 {
	uint64_t at, bytes;
	uint32_t type;
} __attribute__((packed));

static const struct e820 *map(unsigned i)
{
	return (const struct e820 *)(uintptr_t)(boot_params + 0x2d0 + i * 20u);
}

static unsigned map_entries(void)
{
	return read8(boot_params + 0x1e8);
}

/* The type of memory at an address, 0 when the map does not know it. */
static uint32_t type_at(uint64_t at)
{
	for (unsigned i = 0; i < map_entries(); i++)
		if (at >= map(i)->at && at - map(i)->at < map(i)->bytes)
			return map(i)->type;
	return 0;
}

static bool overlap(const struct e820 *a, const struct e820 *b)
{
	return a->at < b->at + b->bytes && b->at < a->at + a->bytes;
}

static void check_map(void)
{
	uint64_t ram = 0;
	bool apart = true, vga_free = true;

	for (unsigned i = 0; i < map_entries(); i++) {
		apart = apart && map(i)->bytes;
		for (unsigned j = 0; j < i; j++)
			apart = apart && !overlap(map(i), map(j));
		if (map(i)->type != E820_RAM)
			continue;
		ram += map(i)->bytes;
		if (map(i)->at < 0x100000 && map(i)->at + map(i)->bytes > 0xa0000)
			vga_free = false;
	}
	check(apart, "e820-apart", "entries overlap or are empty");
	check(vga_free, "e820-legacy-hole", "RAM between 640 KiB and 1 MiB");
	count("e820_ram_bytes", ram);
	check(type_at((uint64_t)(uintptr_t)image_start) == E820_RAM &&
			type_at((uint64_t)(uintptr_t)memory_start) == E820_RAM,
		"e820-covers-image", "the image is outside RAM");
	/* Up to 1 MiB may be missing: the hole and what ACPI and the loader took. */
	check(ram <= arg_number("memory", 0) && ram + (1 << 20) >= arg_number("memory", 0),
		"e820-amount", "%lu bytes of RAM, the machine has %lu", ram,
		arg_number("memory", 0));
}

static void check_header(void)
{
	check(read32(boot_params + 0x202) == 0x53726448, "header-magic", "0x%x",
		read32(boot_params + 0x202));
	check(read8(boot_params + 0x210) == 0xff, "loader-type", "0x%x, undefined loaders are 0xff",
		read8(boot_params + 0x210));
	check(read8(boot_params + 0x211) & 1, "loaded-high", "0x%x", read8(boot_params + 0x211));
	check(!strcmp(arg_text("last", ""), "word"), "command-line", "its last word is missing");
}

static void check_initrd(void)
{
	uint64_t at = read32(boot_params + 0x218), bytes = read32(boot_params + 0x21c);
	uint64_t sum = 0xcbf29ce484222325;

	check_equal(bytes, arg_number("initrd_bytes", 0), "initrd-size");
	if (!bytes)
		return;
	for (uint64_t i = 0; i < bytes; i++)
		sum = (sum ^ read8(at + i)) * 0x100000001b3;
	check_equal(sum, arg_number("initrd_sum", 0), "initrd-content");
	check(type_at(at) == E820_RAM && type_at(at + bytes - 1) == E820_RAM, "initrd-place",
		"0x%lx is outside RAM", at);
	check(at >= (uint64_t)(uintptr_t)memory_start + 0x800000, "initrd-above-kernel",
		"0x%lx runs into the kernel's memory", at);
}

static unsigned tables, bad_tables, exposed_tables;

static void check_table(const struct acpi_table *t)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < t->length; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)t)[i]);
	tables++;
	if (sum)
		bad_tables++;
	if (type_at((uint64_t)(uintptr_t)t) == E820_RAM)
		exposed_tables++;
}

/* The entries of the MADT that describe usable CPUs, and the I/O APIC. */
static void check_madt(void)
{
	const struct acpi_table *madt = acpi_find("APIC");
	const uint8_t *b = (const void *)madt;
	unsigned cpus = 0;
	uint32_t ioapic = 0;

	if (!check(madt, "madt", "there is none, or its checksum is wrong"))
		return;
	for (uint32_t i = 44; i + 1 < madt->length && b[i + 1]; i += b[i + 1]) {
		if (b[i] == 0 && b[i + 4] & 1)
			cpus++;
		if (b[i] == 9 && b[i + 8] & 1)
			cpus++;
		if (b[i] == 1)
			memcpy(&ioapic, b + i + 4, 4);
	}
	check_equal(cpus, arg_number("cpus", 1), "madt-cpus");
	check_equal(ioapic, 0xfec00000, "madt-ioapic");
}

static void check_acpi(void)
{
	const struct acpi_table *fadt = acpi_find("FACP"), *dsdt = acpi_find("DSDT");

	acpi_each(check_table);
	count("acpi_tables", tables);
	check_equal(bad_tables, 0, "acpi-checksums");
	check_equal(exposed_tables, 0, "acpi-outside-ram");
	check(fadt && read32((uint64_t)(uintptr_t)fadt + 112) & 1 << 20, "fadt-hardware-reduced",
		"-");
	check(dsdt && !memcmp(dsdt->signature, "DSDT", 4), "dsdt", "-");
	if (dsdt) {
		bad_tables = 0;
		check_table(dsdt);
		check_equal(bad_tables, 0, "dsdt-checksum");
	}
	check(acpi_find("MCFG"), "mcfg", "there is none, or its checksum is wrong");
	check_madt();
}

static uint64_t cpuid_text(uint64_t leaf, uint64_t to)
{
	uint32_t a = (uint32_t)leaf, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	write32(to, b);
	write32(to + 4, c);
	write32(to + 8, d);
	return a;
}

static void check_cpu(void)
{
	char name[16] = "";
	uint64_t mtrr = cpu_read_msr(0x2ff);

	cpu_ring0(cpuid_text, 0x40000000, (uint64_t)(uintptr_t)name);
	check(!strcmp(name, "KVMKVMKVM"), "cpuid-kvm", "the hypervisor calls itself '%s'", name);
	/* Else a kernel that trusts it runs uncached as soon as a device is assigned. */
	check((mtrr & 0x8ff) == 0x806, "mtrr-write-back", "MTRRdefType is 0x%lx", mtrr);
}

static void check_nothing_there(void)
{
	check_equal(in8(0x1234), 0xff, "unclaimed-port-8");
	check_equal(in32(0x1234), 0xffffffff, "unclaimed-port-32");
	out32(0x1234, 0);
	check_equal(read32(0xfed50000), 0xffffffff, "unclaimed-memory-32");
	check_equal(read64(0xfed50000), ~0ULL, "unclaimed-memory-64");
	write64(0xfed50000, 0);
}

PROGRAM(boot)
{
	check_header();
	check_map();
	check_initrd();
	check_acpi();
	check_cpu();
	check_nothing_there();
}
