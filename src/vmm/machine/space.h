/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fixed places of the guest's address space; see machine.h. */
#pragma once

#include "vmm/memory/guest_memory.h"
#include "vmm/pci/bus.h"

#define SPACE_MEM32_START GUEST_HOLE_START
#define SPACE_ECAM	  0xe0000000ULL
#define SPACE_IO_START	  0x1000ULL
#define SPACE_IO_END	  0x10000ULL
/* AMD's IOMMUs keep the last 12 GiB below 1 TiB for themselves. */
#define SPACE_AMD_RESERVED 0xfd00000000ULL

/* The window for 64-bit BARs: above RAM, below what the CPU (`address_bits`) can reach. */
struct pci_window space_mem64(struct gpa ram_end, unsigned address_bits);
