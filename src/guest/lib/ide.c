/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ide.h"

enum { LIST_MAX = 4096 };

bool ide_open(struct ide *d, unsigned nth, unsigned channel, unsigned drive, uint8_t vector)
{
	int slot = pci_find(0x8086, 0x7010, nth);

	if (slot < 0)
		return false;
	*d = (struct ide) { .slot = (unsigned)slot, .drive = drive, .vector = vector };
	d->command = (uint16_t)pci_bar(d->slot, 2 * channel).at;
	d->control = (uint16_t)pci_bar(d->slot, 2 * channel + 1).at;
	d->master = (uint16_t)(pci_bar(d->slot, 4).at + 8 * channel);
	d->table = memory_take(LIST_MAX * 8, 65536);
	pci_command(d->slot, PCI_IO | PCI_MASTER, PCI_NO_INTX);
	if (vector) {
		interrupt_quiet = d->command + ATA_COMMAND;
		interrupt_quiet_vector = vector;
		d->expected = interrupts[vector];
		cpu_route_pin(pci_read(d->slot, 0x3c, 1), vector);
	}
	out8((uint16_t)(d->control + ATA_CONTROL), vector ? 0 : 2);
	return true;
}

static uint8_t status(struct ide *d)
{
	return in8((uint16_t)(d->control + ATA_CONTROL));
}

int ide_wait(struct ide *d)
{
	uint64_t start = cpu_cycles();

	while (status(d) & ATA_BUSY) {
		if (cpu_cycles() - start > 10000000000)
			return -1;
		relax();
	}
	return in8((uint16_t)(d->command + ATA_COMMAND));
}

/* An interrupt's handler has read the status already: what comes then is looked at again. */
static int settled(struct ide *d)
{
	if (d->vector && !cpu_wait(&interrupts[d->vector], ++d->expected))
		return -1;
	return ide_wait(d);
}

static bool is_extended(uint8_t command)
{
	return command == ATA_READ_EXT || command == ATA_READ_DMA_EXT ||
	       command == ATA_WRITE_DMA_EXT || command == ATA_TRIM;
}

static void put(struct ide *d, unsigned reg, uint64_t v)
{
	out8((uint16_t)(d->command + reg), (uint8_t)v);
}

void ide_issue(struct ide *d, uint8_t command, uint64_t lba, unsigned sectors)
{
	if (is_extended(command)) {
		put(d, ATA_COUNT, sectors >> 8);
		put(d, ATA_LOW, lba >> 24);
		put(d, ATA_MID, lba >> 32);
		put(d, ATA_HIGH, lba >> 40);
	}
	put(d, ATA_COUNT, sectors);
	put(d, ATA_LOW, lba);
	put(d, ATA_MID, lba >> 8);
	put(d, ATA_HIGH, lba >> 16);
	put(d, ATA_DEVICE, 0xe0 | d->drive << 4 | (is_extended(command) ? 0 : (lba >> 24 & 15)));
	put(d, ATA_COMMAND, command);
}

static int error_of(struct ide *d, int s)
{
	if (s < 0)
		give_up("the drive stays busy, or no interrupt comes");
	return s & ATA_FAILED ? in8((uint16_t)(d->command + ATA_FEATURE)) : 0;
}

static void string(struct ide *d, bool in, void *data, unsigned bytes)
{
	uint64_t words = bytes / 2;

	if (in)
		__asm__ volatile("rep insw" : "+D"(data), "+c"(words) : "d"(d->command) : "memory");
	else
		__asm__ volatile("rep outsw"
				 : "+S"(data), "+c"(words)
				 : "d"(d->command)
				 : "memory");
}

int ide_pio(
	struct ide *d, uint8_t command, uint64_t lba, void *data, unsigned sectors, unsigned block)
{
	bool write = command == ATA_WRITE || command == ATA_WRITE_MULTIPLE;
	uint8_t *p = data;

	ide_issue(d, command, lba, sectors);
	if (write && !(ide_wait(d) & ATA_DATA))
		return error_of(d, settled(d));
	while (sectors) {
		unsigned now = sectors < block ? sectors : block;
		int s;

		if (write)
			string(d, false, p, now * ATA_SECTOR);
		s = settled(d);
		if (s < 0 || s & ATA_FAILED)
			return error_of(d, s);
		if (!write)
			string(d, true, p, now * ATA_SECTOR);
		sectors -= now;
		p += now * ATA_SECTOR;
	}
	return 0;
}

void ide_list(struct ide *d, const void *data, uint32_t bytes, uint32_t piece)
{
	uint32_t at = (uint32_t)(uintptr_t)data;
	unsigned n = 0;

	for (; bytes && n < LIST_MAX; n++) {
		uint32_t part = bytes < piece ? bytes : piece;

		d->table[2 * n] = at;
		d->table[2 * n + 1] = part & 0xffff;
		at += part;
		bytes -= part;
	}
	d->table[2 * n - 1] |= 0x80000000;
	barrier();
}

int ide_dma(struct ide *d, uint8_t command, uint64_t lba, void *data, unsigned sectors)
{
	bool read = command == ATA_READ_DMA || command == ATA_READ_DMA_EXT;
	int s;

	if (data)
		ide_list(d, data, sectors * ATA_SECTOR, 4096);
	out32((uint16_t)(d->master + MASTER_TABLE), (uint32_t)(uintptr_t)d->table);
	out8((uint16_t)(d->master + MASTER_STATUS), MASTER_ERROR | MASTER_INTERRUPT);
	ide_issue(d, command, lba, sectors);
	out8(d->master, read ? MASTER_START | MASTER_TO_MEMORY : MASTER_START);
	s = settled(d);
	out8(d->master, 0);
	return error_of(d, s);
}

int ide_plain(struct ide *d, uint8_t command)
{
	ide_issue(d, command, 0, 0);
	return error_of(d, settled(d));
}

bool ide_identify(struct ide *d, uint16_t *words)
{
	return ide_pio(d, ATA_IDENTIFY, 0, words, 1, 1) == 0;
}

void ide_reset(struct ide *d)
{
	out8((uint16_t)(d->control + ATA_CONTROL), 4);
	cpu_pause_us(10);
	out8((uint16_t)(d->control + ATA_CONTROL), d->vector ? 0 : 2);
	if (ide_wait(d) < 0)
		give_up("the drive does not come out of its reset");
}
