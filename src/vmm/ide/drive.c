/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "drive.h"

#include <stdio.h>
#include <string.h>

enum {
	HEADS = 16,
	PER_TRACK = 63,
	CYLINDERS_MAX = 16383, /* what a larger disk says */

	FEATURE_CACHE_ON = 0x02,
	FEATURE_MODE = 0x03,
	FEATURE_LOOK_AHEAD_OFF = 0x55,
	FEATURE_KEEP_SETTINGS = 0x66,
	FEATURE_CACHE_OFF = 0x82,
	FEATURE_LOOK_AHEAD_ON = 0xaa,
	FEATURE_LOSE_SETTINGS = 0xcc,

	MODE_PIO = 0x08, /* + n, with flow control */
	MODE_MULTIWORD = 0x20,
	MODE_ULTRA = 0x40,
	PIO_MODES = 5,
	MULTIWORD_MODES = 3,
	ULTRA_MODES = 6,

	SET_1_CACHE = 1 << 5, /* words 82 and 85 */
	SET_2_LBA48 = 1 << 10,
	SET_2_FLUSH = 1 << 12,
	SET_2_FLUSH_EXT = 1 << 13,
	SET_3_FUA = 1 << 6,
	VALID = 1 << 14, /* bits 15 and 14 are 01 in words that say something */
};

void ata_drive_init(struct ata_drive *d, struct disk *disk, const char *serial)
{
	uint64_t cylinders = disk->bytes / ATA_SECTOR / (HEADS * PER_TRACK);

	*d = (struct ata_drive) {
		.disk = disk,
		.sectors = disk->bytes / ATA_SECTOR,
		.cylinders = (uint16_t)(cylinders ? MIN(cylinders, (uint64_t)CYLINDERS_MAX) : 1),
		.heads = HEADS,
		.per_track = PER_TRACK,
		.now_heads = HEADS,
		.now_per_track = PER_TRACK,
		.dma_mode = MODE_MULTIWORD + MULTIWORD_MODES - 1,
		.write_cache = true,
	};
	snprintf(d->serial, sizeof(d->serial), "%s", serial ? serial : "");
}

void ata_drive_done(struct ata_drive *d)
{
	disk_free(d->disk);
	d->disk = NULL;
}

static void put(uint8_t *page, unsigned word, uint64_t v, unsigned words)
{
	for (unsigned i = 0; i < 2 * words; i++)
		page[2 * word + i] = (uint8_t)(v >> (8 * i));
}

/* Texts are padded with blanks, and the first of two characters is in the upper byte. */
static void put_text(uint8_t *page, unsigned word, const char *text, unsigned chars)
{
	size_t len = strlen(text);

	for (unsigned i = 0; i < chars; i++)
		page[2 * word + (i ^ 1)] = (uint8_t)(i < len ? text[i] : ' ');
}

static void put_geometry(const struct ata_drive *d, uint8_t *page)
{
	uint32_t track = (uint32_t)d->now_heads * d->now_per_track;
	uint64_t cylinders = MIN(d->sectors / track, (uint64_t)CYLINDERS_MAX);

	put(page, 1, d->cylinders, 1);
	put(page, 3, d->heads, 1);
	put(page, 6, d->per_track, 1);
	put(page, 54, cylinders, 1);
	put(page, 55, d->now_heads, 1);
	put(page, 56, d->now_per_track, 1);
	put(page, 57, cylinders * track, 2);
	put(page, 60, MIN(d->sectors, (uint64_t)ATA_SECTORS_28), 2);
	put(page, 100, d->sectors, 4);
}

static void put_modes(const struct ata_drive *d, uint8_t *page)
{
	uint16_t chosen = (uint16_t)(0x100U << (d->dma_mode & 7));
	bool ultra = d->dma_mode >= MODE_ULTRA;

	put(page, 47, 0x8000 | ATA_MULTIPLE_MAX, 1);
	put(page, 49, 0x0f00, 1); /* LBA, DMA, IORDY, which can be switched off */
	put(page, 50, VALID, 1);
	put(page, 51, 0x0200, 1);
	put(page, 53, 7, 1); /* words 54–58, 64–70 and 88 hold something */
	put(page, 59, d->multiple ? 0x100U | d->multiple : 0, 1);
	put(page, 63, 7U | (ultra ? 0 : chosen), 1);
	put(page, 64, 3, 1); /* PIO 3 and 4 */
	for (unsigned i = 65; i < 69; i++)
		put(page, i, 120, 1); /* ns for a cycle */
	put(page, 88, 0x3fU | (ultra ? chosen : 0), 1);
	put(page, 93, VALID | 0x2001, 1); /* 80 wires, device 0 */
}

static void put_abilities(const struct ata_drive *d, uint8_t *page)
{
	uint16_t set2 = SET_2_LBA48 | SET_2_FLUSH | SET_2_FLUSH_EXT;

	put(page, 80, 0x7e, 1); /* ATA-1 to ATA/ATAPI-6 */
	put(page, 82, SET_1_CACHE, 1);
	put(page, 83, VALID | set2, 1);
	put(page, 84, VALID | SET_3_FUA, 1);
	put(page, 85, d->write_cache ? SET_1_CACHE : 0, 1);
	put(page, 86, set2, 1);
	put(page, 87, VALID | SET_3_FUA, 1);
	put(page, 105, ATA_TRIM_SECTORS, 1);
	put(page, 106, VALID, 1);
	if (d->disk->physical_bytes > ATA_SECTOR)
		put(page, 106,
			VALID | 1U << 13 |
				(unsigned)__builtin_ctz(d->disk->physical_bytes / ATA_SECTOR),
			1);
	put(page, 169, !d->disk->read_only, 1); /* TRIM */
	put(page, 217, 1, 1);			/* nothing in it turns */
}

void ata_drive_identify(const struct ata_drive *d, uint8_t page[ATA_SECTOR])
{
	uint8_t sum = 0;

	memset(page, 0, ATA_SECTOR);
	put(page, 0, 0x0040, 1); /* not to be taken out */
	put_text(page, 10, d->serial, ATA_SERIAL_CHARS);
	put_text(page, 23, "1", 8);
	put_text(page, 27, "VFCTL IDE DISK", 40);
	put_geometry(d, page);
	put_modes(d, page);
	put_abilities(d, page);
	page[510] = 0xa5;
	for (unsigned i = 0; i < ATA_SECTOR - 1; i++)
		sum = (uint8_t)(sum + page[i]);
	page[511] = (uint8_t)-sum;
}

static bool set_mode(struct ata_drive *d, uint8_t mode)
{
	if (mode < 2 || (mode >= MODE_PIO && mode < MODE_PIO + PIO_MODES))
		return true; /* every speed is the same here */
	if ((mode >= MODE_MULTIWORD && mode < MODE_MULTIWORD + MULTIWORD_MODES) ||
		(mode >= MODE_ULTRA && mode < MODE_ULTRA + ULTRA_MODES)) {
		d->dma_mode = mode;
		return true;
	}
	return false;
}

bool ata_drive_set_feature(struct ata_drive *d, uint8_t feature, uint8_t value)
{
	switch (feature) {
	case FEATURE_MODE:
		return set_mode(d, value);
	case FEATURE_CACHE_ON:
	case FEATURE_CACHE_OFF:
		d->write_cache = feature == FEATURE_CACHE_ON;
		return true;
	case FEATURE_LOOK_AHEAD_ON:
	case FEATURE_LOOK_AHEAD_OFF:
	case FEATURE_KEEP_SETTINGS:
	case FEATURE_LOSE_SETTINGS:
		return true;
	default:
		return false;
	}
}

bool ata_drive_set_multiple(struct ata_drive *d, uint8_t sectors)
{
	if (sectors > ATA_MULTIPLE_MAX || (sectors & (sectors - 1)))
		return false;
	d->multiple = sectors;
	return true;
}

bool ata_drive_set_geometry(struct ata_drive *d, uint8_t heads, uint8_t per_track)
{
	if (!heads || heads > HEADS || !per_track)
		return false;
	d->now_heads = heads;
	d->now_per_track = per_track;
	return true;
}

bool ata_drive_find(const struct ata_drive *d, uint16_t cylinder, uint8_t head, uint8_t sector,
	uint64_t *ret_lba)
{
	if (!sector || sector > d->now_per_track || head >= d->now_heads)
		return false;
	*ret_lba = ((uint64_t)cylinder * d->now_heads + head) * d->now_per_track + sector - 1U;
	return true;
}
