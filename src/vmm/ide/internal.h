/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What channel.c, command.c and work.c share. The channel's lock is held where nothing else is
 * said. */
#pragma once

#include "channel.h"

enum {
	ATA_BUSY = 0x80,
	ATA_READY = 0x40,
	ATA_SEEKED = 0x10,
	ATA_DATA = 0x08, /* DRQ */
	ATA_FAILED = 0x01,
	ATA_GOOD = ATA_READY | ATA_SEEKED,

	/* The error register. */
	ATA_UNCORRECTABLE = 0x40, /* of a write: protected */
	ATA_NOT_FOUND = 0x10,
	ATA_ABORTED = 0x04,
	ATA_PASSED = 0x01, /* of diagnostics */

	DEVICE_LBA = 0x40,
	DEVICE_SECOND = 0x10,
	DEVICE_HEAD = 0x0f,
	CONTROL_SILENT = 0x02,
	CONTROL_RESET = 0x04,
	CONTROL_BEFORE = 0x80, /* reads show what was written before the last */

	MASTER_START = 0x01,
	MASTER_TO_MEMORY = 0x08,
	MASTER_ACTIVE = 0x01,
	MASTER_ERROR = 0x02,
	MASTER_INTERRUPT = 0x04,
	MASTER_CAPABLE = 0x60, /* software's own bits */
};

static inline unsigned ide_selected(const struct ide_channel *c)
{
	return c->device & DEVICE_SECOND ? 1 : 0;
}

static inline bool ide_has(const struct ide_channel *c, unsigned drive)
{
	return c->drives[drive].disk;
}

static inline void ide_count(atomic_uint_fast64_t *counter, uint64_t n)
{
	atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* channel.c: the interrupt line, and the end of a command. */
void ide_interrupt(struct ide_channel *c);
void ide_withdraw(struct ide_channel *c);
void ide_done(struct ide_channel *c, unsigned drive);
void ide_fail(struct ide_channel *c, unsigned drive, uint8_t error);
/* The registers of drives after a reset or a diagnosis. */
void ide_sign(struct ide_channel *c);

/* command.c */
void ide_command(struct ide_channel *c, uint8_t opcode);

/* work.c: the request begins, or goes on with its next block. */
void ide_work_start(struct ide_channel *c);
/* The bus master was started, or there is a command for it. */
void ide_master_go(struct ide_channel *c);
/* Returns when nothing goes on; with `forget` what went on has no consequences. Gives the lock away
 * meanwhile. */
void ide_settle(struct ide_channel *c, bool forget);
/* The buffer was read or written to its end by the guest. */
void ide_block_done(struct ide_channel *c);
/* loop_fn: of the I/O thread, without the lock. */
void ide_on_work(void *arg, uint32_t events);
