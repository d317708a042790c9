/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI 6.5 tables of a hardware-reduced machine: RSDP, XSDT, FADT, MADT, MCFG, and the DSDT that
 * iasl made of dsdt.asl.
 */
#pragma once

#include "base/problem.h"
#include "vmm/memory/guest_memory.h"

#include <stddef.h>
#include <stdint.h>

struct acpi_params {
	unsigned cpus;
	uint64_t ecam;			  /* bus 0 only, 1 MiB */
	uint64_t mem32_start, mem32_size; /* windows for BARs */
	uint64_t mem64_start, mem64_size; /* size 0 = none */
	uint32_t hot_slots;		  /* a bit per slot of PCI where devices come and go */
};

/* Writes all tables from BOOT_ACPI on; the RSDP is at *ret_rsdp. */
int acpi_write(const struct guest_memory *m, const struct acpi_params *p, struct gpa *ret_rsdp);

/* The byte that makes the sum of all 0. */
uint8_t acpi_checksum(const void *data, size_t len);
