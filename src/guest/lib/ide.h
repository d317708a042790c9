/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A driver for one drive behind a PIIX IDE controller, as small as can be. */
#pragma once

#include "pci.h"

enum {
	ATA_FEATURE = 1, /* reading: the error */
	ATA_COUNT = 2,
	ATA_LOW = 3,
	ATA_MID = 4,
	ATA_HIGH = 5,
	ATA_DEVICE = 6,
	ATA_COMMAND = 7, /* reading: the status */
	ATA_CONTROL = 2, /* of the control block */

	ATA_BUSY = 0x80,
	ATA_DATA = 0x08,
	ATA_FAILED = 0x01,

	ATA_UNCORRECTABLE = 0x40,
	ATA_NOT_FOUND = 0x10,
	ATA_ABORTED = 0x04,

	ATA_READ = 0x20,
	ATA_READ_EXT = 0x24,
	ATA_READ_DMA_EXT = 0x25,
	ATA_WRITE = 0x30,
	ATA_WRITE_DMA_EXT = 0x35,
	ATA_READ_MULTIPLE = 0xc4,
	ATA_WRITE_MULTIPLE = 0xc5,
	ATA_SET_MULTIPLE = 0xc6,
	ATA_READ_DMA = 0xc8,
	ATA_WRITE_DMA = 0xca,
	ATA_FLUSH = 0xe7,
	ATA_IDENTIFY = 0xec,
	ATA_TRIM = 0x06,

	MASTER_STATUS = 2,
	MASTER_TABLE = 4,
	MASTER_START = 1,
	MASTER_TO_MEMORY = 8,
	MASTER_ACTIVE = 1,
	MASTER_ERROR = 2,
	MASTER_INTERRUPT = 4,

	ATA_SECTOR = 512,
	IDE_INTERFACE = 9, /* programming interface byte */
};

struct ide {
	unsigned slot, drive;
	uint16_t command, control, master; /* ports */
	uint8_t vector;			   /* 0: polled */
	uint64_t expected;		   /* interrupts */
	uint32_t *table;
};

/* The drive of a channel of the nth controller; its interrupts come to `vector`. */
bool ide_open(struct ide *d, unsigned nth, unsigned channel, unsigned drive, uint8_t vector);
/* Task file and command; LBA28, or LBA48 with the commands that have it. */
void ide_issue(struct ide *d, uint8_t command, uint64_t lba, unsigned sectors);
/* The status when it is not busy any more; -1: it stays so. */
int ide_wait(struct ide *d);
/* The error register; 0: it went well. */
int ide_pio(
	struct ide *d, uint8_t command, uint64_t lba, void *data, unsigned sectors, unsigned block);
int ide_dma(struct ide *d, uint8_t command, uint64_t lba, void *data, unsigned sectors);
int ide_plain(struct ide *d, uint8_t command);
bool ide_identify(struct ide *d, uint16_t *words);
void ide_reset(struct ide *d);
/* The bus master's list: pieces of `piece` bytes. */
void ide_list(struct ide *d, const void *data, uint32_t bytes, uint32_t piece);
