/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A drive behind a PIIX: one request at a time by the bus master, whatever waits in here. */
#include "ide.h"
#include "bench.h"

enum { SMALL_BLOCKS = 1 << 28 };

struct waiting {
	uint64_t lba;
	void *data;
	uint32_t bytes;
	uint8_t tag;
	bool write;
};

static struct ide ide;
static struct waiting queue[BENCH_DEPTH_MAX]; /* in order; the first one is on its way */
static unsigned first, n_waiting;
static bool active;
static uint64_t came; /* interrupts that were for earlier ones */

static bool start(uint8_t vector, unsigned depth, uint64_t *ret_bytes)
{
	static uint16_t identity[ATA_SECTOR / 2] __attribute__((aligned(512)));

	(void)depth;
	if (pci_find(0x8086, 0x7010, 0) < 0)
		return false;
	if (!vector)
		give_up("the IDE drive interrupts, or nobody knows when it is done");
	if (!ide_open(&ide, 0, 0, 0, 0) || !ide_identify(&ide, identity))
		give_up("the IDE drive does not answer");
	*ret_bytes =
		(identity[100] | (uint64_t)identity[101] << 16 | (uint64_t)identity[102] << 32) *
		ATA_SECTOR;
	if (!ide_open(&ide, 0, 0, 0, vector))
		give_up("the IDE drive does not start");
	out32((uint16_t)(ide.master + MASTER_TABLE), (uint32_t)(uintptr_t)ide.table);
	/* By an edge, its end is said before anything exits, so for nothing (cpu_say_no_end()); the
	 * drive is quieted with what else is asked of it. */
	interrupt_quiet_vector = 0;
	cpu_route_edge(pci_read(ide.slot, 0x3c, 1), vector);
	came = interrupts[vector];
	return true;
}

/* No register is touched without need: each is an exit. */
static void go(void)
{
	const struct waiting *w = &queue[first];
	bool large = w->lba + w->bytes / ATA_SECTOR > SMALL_BLOCKS;
	uint8_t read = large ? ATA_READ_DMA_EXT : ATA_READ_DMA;
	uint8_t write = large ? ATA_WRITE_DMA_EXT : ATA_WRITE_DMA;

	ide_list(&ide, w->data, w->bytes, 4096);
	ide_issue(&ide, w->write ? write : read, w->lba, w->bytes / ATA_SECTOR);
	out8(ide.master, w->write ? MASTER_START : MASTER_START | MASTER_TO_MEMORY);
	active = true;
}

static void submit(unsigned tag, bool write, uint64_t offset, void *data, uint32_t bytes)
{
	if (n_waiting == BENCH_DEPTH_MAX)
		give_up("more requests than were promised");
	queue[(first + n_waiting++) % BENCH_DEPTH_MAX] = (struct waiting) {
		.lba = offset / ATA_SECTOR,
		.data = data,
		.bytes = bytes,
		.tag = (uint8_t)tag,
		.write = write,
	};
}

static void kick(void)
{
	if (!active && n_waiting)
		go();
}

static int reap(bool *failed)
{
	uint8_t master, drive;
	int tag;

	if (!active || interrupts[ide.vector] == came)
		return -1;
	came++;
	master = in8((uint16_t)(ide.master + MASTER_STATUS));
	drive = in8((uint16_t)(ide.command + ATA_COMMAND));
	/* It stops and forgets in one: registers of a PIIX's bus master go by double words, too. */
	out32(ide.master, (MASTER_INTERRUPT | MASTER_ERROR) << (8 * MASTER_STATUS));
	*failed = (master & (MASTER_ERROR | MASTER_INTERRUPT)) != MASTER_INTERRUPT ||
		  (drive & (ATA_BUSY | ATA_DATA | ATA_FAILED));
	tag = queue[first].tag;
	first = (first + 1) % BENCH_DEPTH_MAX;
	n_waiting--;
	active = false;
	kick();
	return tag;
}

const struct bench_disk bench_ide = {
	.name = "ide",
	.start = start,
	.submit = submit,
	.kick = kick,
	.reap = reap,
};
