/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things are in the first MiB of the guest when it starts. All of it is ordinary RAM. */
#pragma once

enum {
	BOOT_GDT = 0x500,
	BOOT_PARAMS = 0x7000,
	BOOT_STACK = 0x8ff0,
	BOOT_PAGE_TABLES = 0x9000, /* PML4, PDPT, four page directories: 4 GiB as 2 MiB pages */
	BOOT_PAGE_TABLE_PAGES = 6,
	BOOT_CMDLINE = 0x20000,
	BOOT_CMDLINE_MAX = 0x10000,
	BOOT_LOW_END = 0x9fc00,	    /* e820: RAM up to here … */
	BOOT_ACPI = 0xe0000,	    /* … then reserved; the tables, the root pointer first */
	BOOT_ACPI_CONFIG = 0xe8000, /* struct acpi_config, which dsdt.asl reads */
	BOOT_ACPI_END = 0xf0000,
	BOOT_RESET_VECTOR = 0xffff0, /* see load.c */
	BOOT_HIGH_START = 0x100000,

	BOOT_CODE_SELECTOR = 0x10, /* __BOOT_CS and __BOOT_DS of the boot protocol */
	BOOT_DATA_SELECTOR = 0x18,
};
