/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An expansion ROM, as the PCI Firmware Specification 3.x has it: images one after another, each
 * with the signature 0x55 0xaa, a pointer to "PCIR" at 0x18, and there the ids that it is for and
 * its length in units of 512 bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ROM_BYTES_MAX = 16 << 20 };

struct rom_facts {
	unsigned images;
	size_t bytes;	 /* that the images say they have; may be more than there are */
	bool for_others; /* no image is for these ids */
};

/* NULL, or what is wrong with it so that nobody could use it. Looks at nothing behind `len`. */
const char *rom_look(
	const uint8_t *rom, size_t len, uint16_t vendor, uint16_t device, struct rom_facts *ret);
/* Of the BAR that shows so many bytes: a power of two, 2 KiB at least. */
uint64_t rom_bar_bytes(size_t len);
