/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each command (ATA/ATAPI-6, chapter 8) asks for. */
#include "internal.h"

enum {
	TRIM_FEATURE = 1,
	MODE_ACTIVE = 0xff, /* CHECK POWER MODE: it is awake, and stays so */
	EXTENDED = 1 << 0,  /* 48-bit address, 16-bit count */
	MULTIPLE = 1 << 1,
	STABLE = 1 << 2,
	WRITES = 1 << 3,
};

/* ---- where ---- */

static uint64_t extended_lba(const struct ide_channel *c)
{
	const struct ide_file *n = &c->now, *b = &c->before;

	return n->low | (uint64_t)n->mid << 8 | (uint64_t)n->high << 16 | (uint64_t)b->low << 24 |
	       (uint64_t)b->mid << 32 | (uint64_t)b->high << 40;
}

static bool find_start(const struct ide_channel *c, bool extended, uint64_t *ret_lba)
{
	const struct ide_file *f = &c->now;
	uint8_t head = c->device & DEVICE_HEAD;

	if (extended)
		*ret_lba = extended_lba(c);
	else if (c->device & DEVICE_LBA)
		*ret_lba = f->low | (uint32_t)f->mid << 8 | (uint32_t)f->high << 16 |
			   (uint32_t)head << 24;
	else
		return ata_drive_find(&c->drives[ide_selected(c)],
			(uint16_t)(f->mid | f->high << 8), head, f->low, ret_lba);
	return true;
}

/* 0 stands for the most. */
static uint32_t sectors_wanted(const struct ide_channel *c, bool extended)
{
	uint32_t n = extended ? (uint32_t)c->before.count << 8 | c->now.count : c->now.count;

	return n ? n : extended ? 0x10000 : 0x100;
}

/* ---- commands without sectors ---- */

static void answer(struct ide_channel *c, bool understood)
{
	if (understood)
		ide_done(c, ide_selected(c));
	else
		ide_fail(c, ide_selected(c), ATA_ABORTED);
}

static void ok(struct ide_channel *c, enum ide_work work UNUSED, unsigned how UNUSED)
{
	answer(c, true);
}

static void power_mode(struct ide_channel *c, enum ide_work work UNUSED, unsigned how UNUSED)
{
	c->now.count = MODE_ACTIVE;
	answer(c, true);
}

static void set_feature(struct ide_channel *c, enum ide_work work UNUSED, unsigned how UNUSED)
{
	answer(c, ata_drive_set_feature(&c->drives[ide_selected(c)], c->now.feature, c->now.count));
}

static void set_multiple(struct ide_channel *c, enum ide_work work UNUSED, unsigned how UNUSED)
{
	answer(c, ata_drive_set_multiple(&c->drives[ide_selected(c)], c->now.count));
}

static void set_geometry(struct ide_channel *c, enum ide_work work UNUSED, unsigned how UNUSED)
{
	answer(c, ata_drive_set_geometry(&c->drives[ide_selected(c)],
			  (uint8_t)((c->device & DEVICE_HEAD) + 1), c->now.count));
}

/* Both drives are asked; the first answers. */
static void diagnose(struct ide_channel *c, enum ide_work work UNUSED, unsigned how UNUSED)
{
	ide_sign(c);
	ide_interrupt(c);
}

static void identify(struct ide_channel *c, enum ide_work work UNUSED, unsigned how UNUSED)
{
	unsigned drive = ide_selected(c);

	ata_drive_identify(&c->drives[drive], c->buffer);
	c->request = (struct ide_request) { .drive = drive };
	c->at = 0;
	c->end = ATA_SECTOR;
	c->phase = IDE_DATA_IN;
	c->status[drive] = ATA_GOOD | ATA_DATA;
	ide_interrupt(c);
}

static void flush(struct ide_channel *c, enum ide_work work, unsigned how UNUSED)
{
	c->request = (struct ide_request) { .work = work, .drive = ide_selected(c) };
	ide_work_start(c);
}

/* ---- commands with sectors ---- */

/* The guest fills the first block before anything can be done. */
static void take_data(struct ide_channel *c)
{
	struct ide_request *r = &c->request;

	r->now = MIN(r->left, r->block);
	c->at = 0;
	c->end = r->now * ATA_SECTOR;
	c->phase = IDE_DATA_OUT;
	c->status[r->drive] = ATA_GOOD | ATA_DATA;
}

static void begin(struct ide_channel *c)
{
	switch (c->request.work) {
	case IDE_PIO_WRITE:
		take_data(c);
		break;
	case IDE_DMA_READ:
	case IDE_DMA_WRITE:
	case IDE_TRIM:
		c->phase = IDE_DMA_WAIT;
		c->status[c->request.drive] = ATA_GOOD | ATA_DATA;
		ide_master_go(c);
		break;
	default:
		ide_work_start(c);
	}
}

static void transfer(struct ide_channel *c, enum ide_work work, unsigned how)
{
	const struct ata_drive *d = &c->drives[ide_selected(c)];
	struct ide_request r = {
		.work = work,
		.drive = ide_selected(c),
		.extended = how & EXTENDED,
		.stable = (how & STABLE) || !d->write_cache,
		.left = sectors_wanted(c, how & EXTENDED),
		.block = how & MULTIPLE ? d->multiple : 1,
	};

	if (!r.block || ((how & WRITES) && d->disk->read_only)) {
		ide_fail(c, r.drive, ATA_ABORTED);
	} else if (!find_start(c, r.extended, &r.lba) || !ata_drive_holds(d, r.lba, r.left)) {
		ide_fail(c, r.drive, ATA_NOT_FOUND);
	} else {
		c->request = r;
		begin(c);
	}
}

/* DATA SET MANAGEMENT: a few sectors of ranges come first. */
static void trim(struct ide_channel *c, enum ide_work work, unsigned how)
{
	uint32_t n = sectors_wanted(c, how & EXTENDED);

	if (c->now.feature != TRIM_FEATURE || n > ATA_TRIM_SECTORS ||
		c->drives[ide_selected(c)].disk->read_only) {
		ide_fail(c, ide_selected(c), ATA_ABORTED);
		return;
	}
	c->request = (struct ide_request) { .work = work, .drive = ide_selected(c), .left = n };
	begin(c);
}

static const struct {
	uint8_t opcode;
	void (*run)(struct ide_channel *c, enum ide_work work, unsigned how);
	enum ide_work work;
	unsigned how;
} commands[] = {
	{ 0x06, trim, IDE_TRIM, EXTENDED | WRITES },
	{ 0x10, ok, IDE_NOTHING, 0 }, /* RECALIBRATE */
	{ 0x20, transfer, IDE_PIO_READ, 0 },
	{ 0x21, transfer, IDE_PIO_READ, 0 },
	{ 0x24, transfer, IDE_PIO_READ, EXTENDED },
	{ 0x25, transfer, IDE_DMA_READ, EXTENDED },
	{ 0x29, transfer, IDE_PIO_READ, EXTENDED | MULTIPLE },
	{ 0x30, transfer, IDE_PIO_WRITE, WRITES },
	{ 0x31, transfer, IDE_PIO_WRITE, WRITES },
	{ 0x34, transfer, IDE_PIO_WRITE, EXTENDED | WRITES },
	{ 0x35, transfer, IDE_DMA_WRITE, EXTENDED | WRITES },
	{ 0x39, transfer, IDE_PIO_WRITE, EXTENDED | MULTIPLE | WRITES },
	{ 0x3d, transfer, IDE_DMA_WRITE, EXTENDED | WRITES | STABLE },
	{ 0x40, transfer, IDE_VERIFY, 0 },
	{ 0x41, transfer, IDE_VERIFY, 0 },
	{ 0x42, transfer, IDE_VERIFY, EXTENDED },
	{ 0x90, diagnose, IDE_NOTHING, 0 },
	{ 0x91, set_geometry, IDE_NOTHING, 0 },
	{ 0xc4, transfer, IDE_PIO_READ, MULTIPLE },
	{ 0xc5, transfer, IDE_PIO_WRITE, MULTIPLE | WRITES },
	{ 0xc6, set_multiple, IDE_NOTHING, 0 },
	{ 0xc8, transfer, IDE_DMA_READ, 0 },
	{ 0xc9, transfer, IDE_DMA_READ, 0 },
	{ 0xca, transfer, IDE_DMA_WRITE, WRITES },
	{ 0xcb, transfer, IDE_DMA_WRITE, WRITES },
	{ 0xce, transfer, IDE_PIO_WRITE, EXTENDED | MULTIPLE | WRITES | STABLE },
	{ 0xe0, ok, IDE_NOTHING, 0 }, /* STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE */
	{ 0xe1, ok, IDE_NOTHING, 0 },
	{ 0xe2, ok, IDE_NOTHING, 0 },
	{ 0xe3, ok, IDE_NOTHING, 0 },
	{ 0xe5, power_mode, IDE_NOTHING, 0 },
	{ 0xe6, ok, IDE_NOTHING, 0 }, /* SLEEP */
	{ 0xe7, flush, IDE_FLUSH, 0 },
	{ 0xea, flush, IDE_FLUSH, 0 },
	{ 0xec, identify, IDE_NOTHING, 0 },
	{ 0xef, set_feature, IDE_NOTHING, 0 },
};

/* A transfer that has not begun, or is only half done, ends where the next command begins; the
 * drive that waited for it may be the other one. */
static void give_up(struct ide_channel *c)
{
	if (c->phase == IDE_IDLE)
		return;
	c->status[c->request.drive] = ATA_GOOD;
	c->phase = IDE_IDLE;
	c->request.work = IDE_NOTHING;
}

void ide_command(struct ide_channel *c, uint8_t opcode)
{
	size_t i = 0;

	ide_withdraw(c);
	if (!ide_has(c, ide_selected(c)))
		return;
	ide_count(&c->counts.requests, 1);
	give_up(c);
	while (i < ARRAY_SIZE(commands) && commands[i].opcode != opcode)
		i++;
	if (i == ARRAY_SIZE(commands)) {
		answer(c, false);
		return;
	}
	commands[i].run(c, commands[i].work, commands[i].how);
}
