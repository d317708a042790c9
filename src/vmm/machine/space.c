/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "space.h"

#include "base/checked.h"

/* Starts on a 4 GiB boundary, so that BARs of any usual size are aligned without loss. */
struct pci_window space_mem64(struct gpa ram_end, unsigned address_bits)
{
	uint64_t start = align_up(ram_end.v, 1ULL << 32);
	uint64_t reach = 1ULL << MIN(address_bits, 52U); /* the architecture's most */
	uint64_t end = MIN(SPACE_AMD_RESERVED, reach);

	return (struct pci_window) { start, end > start ? end - start : 0 };
}
