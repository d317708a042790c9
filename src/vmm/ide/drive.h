/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ATA disk (ATA/ATAPI-6) as its host sees it: what it says of itself, its settings, where its
 * sectors are. It moves no data; the channel does.
 */
#pragma once

#include "vmm/block/disk.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	ATA_SECTOR = 512,
	ATA_SERIAL_CHARS = 20,
	ATA_MULTIPLE_MAX = 16,	    /* sectors per interrupt of READ and WRITE MULTIPLE */
	ATA_SECTORS_28 = 0xfffffff, /* what 28-bit commands reach at most */
	ATA_TRIM_SECTORS = 8,	    /* a list of ranges for TRIM has at most */
};

struct ata_drive {
	struct disk *disk; /* owned; NULL: no drive there */
	char serial[ATA_SERIAL_CHARS + 1];
	uint64_t sectors;
	uint16_t cylinders;		  /* of the geometry that it was made with … */
	uint8_t heads, per_track;	  /* … 16 × 63 */
	uint8_t now_heads, now_per_track; /* as the host has told it to count */
	uint8_t multiple;		  /* sectors; 0: it was not told */
	uint8_t dma_mode;		  /* 0x20 + n: multiword, 0x40 + n: ultra */
	bool write_cache;
};

/* `serial` may be NULL. Takes the disk over. */
void ata_drive_init(struct ata_drive *d, struct disk *disk, const char *serial);
void ata_drive_done(struct ata_drive *d);
/* IDENTIFY DEVICE's answer. */
void ata_drive_identify(const struct ata_drive *d, uint8_t page[ATA_SECTOR]);
/* SET FEATURES, SET MULTIPLE MODE, INITIALIZE DEVICE PARAMETERS; false: it does not have that. */
bool ata_drive_set_feature(struct ata_drive *d, uint8_t feature, uint8_t value);
bool ata_drive_set_multiple(struct ata_drive *d, uint8_t sectors);
bool ata_drive_set_geometry(struct ata_drive *d, uint8_t heads, uint8_t per_track);
/* Cylinder, head and sector (from 1) in the host's geometry; false: there is no such place. */
bool ata_drive_find(const struct ata_drive *d, uint16_t cylinder, uint8_t head, uint8_t sector,
	uint64_t *ret_lba);

static inline bool ata_drive_holds(const struct ata_drive *d, uint64_t lba, uint64_t sectors)
{
	return range_fits(lba, sectors, d->sectors);
}
