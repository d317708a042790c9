/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IDE by ports and by bus master: what is read is what the host wrote and the other way round, and
 * what each request costs. The host fills disk n with the pattern of seed 1 + n and looks for seed
 * 2 in the second half of the first.
 *
 * Arguments: requests=N drives=N serial=TEXT mode=interrupt|poll.
 */
#include "ide.h"

enum { VECTOR = 90, CHUNK_SECTORS = 8, CHUNK = CHUNK_SECTORS * ATA_SECTOR };

static struct ide disk;
static uint64_t sectors;

static uint64_t pattern(uint64_t seed, uint64_t i)
{
	uint64_t x = (seed << 56) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

static void fill(uint64_t *words, uint64_t lba, uint64_t seed)
{
	for (unsigned i = 0; i < CHUNK / 8; i++)
		words[i] = pattern(seed, lba * (ATA_SECTOR / 8) + i);
}

static bool holds(const uint64_t *words, uint64_t lba, uint64_t seed, unsigned n)
{
	for (unsigned i = 0; i < n * ATA_SECTOR / 8; i++)
		if (words[i] != pattern(seed, lba * (ATA_SECTOR / 8) + i))
			return false;
	return true;
}

static uint8_t vector(void)
{
	return strcmp(arg_text("mode", "interrupt"), "poll") ? VECTOR : 0;
}

/* The text at `word`, its blanks cut. */
static const char *text(const uint16_t *words, unsigned word, unsigned chars)
{
	static char s[41];
	unsigned n = 0;

	for (unsigned i = 0; i < chars; i++)
		s[i] = (char)(words[word + i / 2] >> (i % 2 ? 0 : 8));
	for (unsigned i = 0; i < chars; i++)
		if (s[i] != ' ')
			n = i + 1;
	s[n] = 0;
	return s;
}

static void meet(unsigned channel, unsigned drive)
{
	uint16_t *words = memory_take(ATA_SECTOR, 4096);
	uint8_t sum = 0;

	if (!ide_open(&disk, 0, channel, drive, vector()))
		give_up("no IDE controller");
	if (!ide_identify(&disk, words))
		give_up("no answer to IDENTIFY");
	for (unsigned i = 0; i < ATA_SECTOR; i++)
		sum = (uint8_t)(sum + ((uint8_t *)words)[i]);
	check_equal(sum, 0, "identity-checksum");
	check(!strcmp(text(words, 27, 40), "VFCTL IDE DISK"), "model", "'%s'", text(words, 27, 40));
	check(!strcmp(text(words, 10, 20), arg_text("serial", "")), "serial", "'%s'",
		text(words, 10, 20));
	sectors = words[100] | (uint64_t)words[101] << 16 | (uint64_t)words[102] << 32;
	check_equal(words[60] | (uint32_t)words[61] << 16, sectors, "both-sizes-agree");
}

/* A chunk by each way of reading in turn. */
static int read_some(uint64_t lba, void *to, unsigned way)
{
	switch (way % 5) {
	case 0:
		return ide_dma(&disk, ATA_READ_DMA, lba, to, CHUNK_SECTORS);
	case 1:
		return ide_dma(&disk, ATA_READ_DMA_EXT, lba, to, CHUNK_SECTORS);
	case 2:
		return ide_pio(&disk, ATA_READ, lba, to, CHUNK_SECTORS, 1);
	case 3:
		return ide_pio(&disk, ATA_READ_EXT, lba, to, CHUNK_SECTORS, 1);
	default:
		return ide_pio(&disk, ATA_READ_MULTIPLE, lba, to, CHUNK_SECTORS, 4);
	}
}

static int write_some(uint64_t lba, void *from, unsigned way)
{
	switch (way % 4) {
	case 0:
		return ide_dma(&disk, ATA_WRITE_DMA, lba, from, CHUNK_SECTORS);
	case 1:
		return ide_dma(&disk, ATA_WRITE_DMA_EXT, lba, from, CHUNK_SECTORS);
	case 2:
		return ide_pio(&disk, ATA_WRITE, lba, from, CHUNK_SECTORS, 1);
	default:
		return ide_pio(&disk, ATA_WRITE_MULTIPLE, lba, from, CHUNK_SECTORS, 4);
	}
}

static void set_multiple(unsigned n)
{
	ide_issue(&disk, ATA_SET_MULTIPLE, 0, n);
	if (disk.vector)
		cpu_wait(&interrupts[VECTOR], ++disk.expected);
	check(!(ide_wait(&disk) & ATA_FAILED), "sets-multiple-mode", "-");
}

static void read_all(uint64_t *words, uint64_t from, uint64_t seed, const char *what)
{
	uint64_t failed = 0, bad = 0;

	for (uint64_t s = from; s < sectors; s += CHUNK_SECTORS) {
		memset(words, 0, CHUNK);
		failed += read_some(s, words, (unsigned)(s / CHUNK_SECTORS)) != 0;
		bad += !holds(words, s, seed, CHUNK_SECTORS);
	}
	check_equal(failed, 0, "reads-succeed");
	check_equal(bad, 0, what);
}

PROGRAM(ide)
{
	uint64_t *words = memory_take(CHUNK, 4096), failed = 0;

	meet(0, 0);
	count("sectors", sectors);
	set_multiple(4);
	read_all(words, 0, 1, "reads-what-the-host-wrote");
	for (uint64_t s = sectors / 2; s < sectors; s += CHUNK_SECTORS) {
		fill(words, s, 2);
		failed += write_some(s, words, (unsigned)(s / CHUNK_SECTORS)) != 0;
	}
	check_equal(failed, 0, "writes-succeed");
	check_equal((uint64_t)ide_plain(&disk, ATA_FLUSH), 0, "flush");
	read_all(words, sectors / 2, 2, "reads-back-what-it-wrote");
	ide_dma(&disk, ATA_READ_DMA, 0, words, CHUNK_SECTORS);
	check(holds(words, 0, 1, CHUNK_SECTORS), "left-the-first-half-alone", "-");
}

/* Each drive has its own data; who is not there says nothing. */
PROGRAM(ide_drives)
{
	uint64_t *words = memory_take(CHUNK, 4096), n = arg_number("drives", 4);

	for (unsigned i = 0; i < 4; i++) {
		if (i < n) {
			meet(i / 2, i % 2);
			check_equal(
				(uint64_t)ide_dma(&disk, ATA_READ_DMA, 16, words, 1), 0, "read");
			check(holds(words, 16, 1 + i, 1), "its-own-data", "drive %u", i);
		} else if (ide_open(&disk, 0, i / 2, i % 2, 0)) {
			out8((uint16_t)(disk.command + ATA_DEVICE), (uint8_t)(0xa0 | (i % 2) << 4));
			check_equal(in8((uint16_t)(disk.command + ATA_COMMAND)),
				i < n + n % 2 ? 0 : 0xff, "nobody-there");
		}
	}
}

/* Nothing but the requests happens between the marks, and no register is touched without need. */
PROGRAM(ide_cost)
{
	uint64_t n = arg_number("requests", 100), failed = 0, came;
	uint8_t *data = memory_take(CHUNK, 4096);

	if (!ide_open(&disk, 0, 0, 0, VECTOR))
		give_up("no IDE controller");
	ide_list(&disk, data, CHUNK, CHUNK);
	out32((uint16_t)(disk.master + MASTER_TABLE), (uint32_t)(uintptr_t)disk.table);
	cpu_route_edge(pci_read(disk.slot, 0x3c, 1), VECTOR);
	came = interrupts[VECTOR];
	for (uint64_t i = 0; i < n; i++) {
		ide_issue(&disk, ATA_READ_DMA, i % 100 * CHUNK_SECTORS, CHUNK_SECTORS);
		out8(disk.master, MASTER_START | MASTER_TO_MEMORY);
		if (!cpu_wait(&interrupts[VECTOR], ++came))
			give_up("interrupt %lu does not come", came);
		failed += (in8((uint16_t)(disk.master + MASTER_STATUS)) &
				  (MASTER_ERROR | MASTER_INTERRUPT)) != MASTER_INTERRUPT;
		out8(disk.master, 0);
		out8((uint16_t)(disk.master + MASTER_STATUS), MASTER_INTERRUPT);
	}
	check_equal(failed, 0, "requests");
	check(holds((uint64_t *)(void *)data, (n - 1) % 100 * CHUNK_SECTORS, 1, CHUNK_SECTORS),
		"data", "-");
	count("requests", n);
	count("interrupts", interrupts[VECTOR]);
}

/* The bus master's list cuts sectors as it likes. */
static void odd_lists(uint8_t *data)
{
	static const uint32_t pieces[] = { 2, 6, 510, 514, 4094, 65536 };

	for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++) {
		memset(data, 0, CHUNK);
		ide_list(&disk, data, CHUNK, pieces[i]);
		check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, 8, NULL, CHUNK_SECTORS), 0,
			"odd-list");
		check(holds((uint64_t *)(void *)data, 8, 1, CHUNK_SECTORS), "odd-list-data",
			"pieces of %u", pieces[i]);
	}
}

static void bad_lists(uint8_t *data)
{
	disk.table[0] = 0xfee00000; /* no RAM */
	disk.table[1] = 0x80001000;
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, 0, NULL, CHUNK_SECTORS), ATA_ABORTED,
		"list-outside-of-memory");
	check(in8((uint16_t)(disk.master + MASTER_STATUS)) & MASTER_ERROR, "bus-master-error", "-");
	ide_list(&disk, data, 1024, 1024); /* too short: the drive waits for ever */
	out8((uint16_t)(disk.master + MASTER_STATUS), MASTER_ERROR | MASTER_INTERRUPT);
	ide_issue(&disk, ATA_READ_DMA, 0, CHUNK_SECTORS);
	out8(disk.master, MASTER_START | MASTER_TO_MEMORY);
	cpu_pause_us(100000);
	check_equal(in8((uint16_t)(disk.master + MASTER_STATUS)) & 7, 0, "short-list-ends-quietly");
	check(holds((uint64_t *)(void *)data, 0, 1, 2), "short-list-data", "-");
	out8(disk.master, 0);
	ide_reset(&disk);
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, 0, data, CHUNK_SECTORS), 0,
		"works-after-the-reset");
}

/* Cylinder, head, sector: 16 heads of 63. */
static void by_geometry(uint64_t *words)
{
	uint64_t lba = 63 * 3 + 16;

	out8((uint16_t)(disk.command + ATA_COUNT), 1);
	out8((uint16_t)(disk.command + ATA_LOW), 17);
	out8((uint16_t)(disk.command + ATA_MID), 0);
	out8((uint16_t)(disk.command + ATA_HIGH), 0);
	out8((uint16_t)(disk.command + ATA_DEVICE), 0xa3);
	out8((uint16_t)(disk.command + ATA_COMMAND), ATA_READ);
	check(ide_wait(&disk) & ATA_DATA, "geometry-read", "-");
	for (unsigned i = 0; i < ATA_SECTOR / 2; i++)
		((uint16_t *)words)[i] = in16(disk.command);
	check(holds(words, lba, 1, 1), "geometry", "-");
	check_equal(in16(disk.command), 0xffff, "no-data-left");
}

/* What a driver gets wrong: the drive says so and goes on. */
PROGRAM(ide_refuses)
{
	uint8_t *data = memory_take(65536, 65536);
	uint64_t *words = (uint64_t *)(void *)data;

	meet(0, 0);
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, sectors, data, 1), ATA_NOT_FOUND,
		"read-behind-the-end");
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, sectors - 1, data, 2), ATA_NOT_FOUND,
		"read-across-the-end");
	check_equal((uint64_t)ide_dma(&disk, ATA_WRITE_DMA_EXT, 0xffffffffffff, data, 1),
		ATA_NOT_FOUND, "write-at-the-last-number");
	check_equal((uint64_t)ide_pio(&disk, ATA_WRITE, sectors, data, 1, 1), ATA_NOT_FOUND,
		"pio-behind-the-end");
	check_equal((uint64_t)ide_plain(&disk, 0xb0), ATA_ABORTED, "unknown-command");
	check_equal((uint64_t)ide_plain(&disk, 0xa1), ATA_ABORTED, "it-is-no-cd");
	check_equal((uint64_t)ide_pio(&disk, ATA_READ_MULTIPLE, 0, data, 4, 4), ATA_ABORTED,
		"multiple-without-a-mode");
	by_geometry(words);
	odd_lists(data);
	bad_lists(data);
}

PROGRAM(ide_read_only)
{
	uint8_t *data = memory_take(CHUNK, 4096);

	meet(0, 0);
	check_equal((uint64_t)ide_dma(&disk, ATA_WRITE_DMA, 0, data, 1), ATA_ABORTED, "dma-write");
	check_equal((uint64_t)ide_pio(&disk, ATA_WRITE, 0, data, 1, 1), ATA_ABORTED, "pio-write");
	check_equal((uint64_t)ide_dma(&disk, ATA_TRIM, 0, data, 1), ATA_ABORTED, "trim");
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, 0, data, 1), 0, "read");
}

/* The file behind the drive is shorter than it was: the host's side cuts it. */
PROGRAM(ide_fails)
{
	uint8_t *data = memory_take(CHUNK, 4096);

	meet(0, 0);
	print("cut\n");
	while (serial_read() < 0)
		relax();
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, sectors - 8, data, 8), ATA_UNCORRECTABLE,
		"dma-tells-the-error");
	check_equal((uint64_t)ide_pio(&disk, ATA_READ, sectors - 8, data, 8, 1), ATA_UNCORRECTABLE,
		"pio-tells-the-error");
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, 0, data, 8), 0, "the-rest-works");
}

/* The old ports and interrupt 14, by the programming interface byte. */
PROGRAM(ide_compatible)
{
	uint64_t *words = memory_take(CHUNK, 4096);
	uint16_t native;

	meet(0, 0);
	native = disk.command;
	check_equal(in8(0x1f7), 0xff, "old-ports-are-silent");
	pci_write(disk.slot, IDE_INTERFACE, 1, 0x8e & ~4u);
	check_equal(pci_read(disk.slot, IDE_INTERFACE, 1), 0x8a, "switched");
	check_equal(in8((uint16_t)(native + ATA_COMMAND)), 0xff, "bars-are-silent");
	disk.command = 0x1f0;
	disk.control = 0x3f4;
	interrupt_quiet = 0x1f7;
	cpu_route_edge(14, VECTOR);
	disk.expected = interrupts[VECTOR];
	check_equal((uint64_t)ide_pio(&disk, ATA_READ, 3, words, 1, 1), 0, "pio");
	check(holds(words, 3, 1, 1), "pio-data", "-");
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, 8, words, 8), 0, "dma");
	check(holds(words, 8, 1, 8), "dma-data", "-");
	pci_write(disk.slot, IDE_INTERFACE, 1, 0x8f);
	check_equal(in8(0x1f7), 0xff, "and-back");
}

/* ---- noise ---- */

static uint64_t dice;

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void touch(uint64_t r, uint32_t list)
{
	uint16_t port = (uint16_t)((r & 1	   ? disk.command
					   : r & 2 ? disk.master
						   : disk.control) +
				   (r >> 8 & 7));
	uint32_t v = (uint32_t)(r >> 32);

	/* DMA goes only where nothing else is. */
	if (r & 2 && !(r & 1) && (r >> 8 & 7) >= 4)
		return out32((uint16_t)(disk.master + MASTER_TABLE), list + (v & 0xfff8));
	switch (r >> 4 & 7) {
	case 0:
		in8(port);
		break;
	case 1:
		in16(port);
		break;
	case 2:
		in32(port);
		break;
	case 3:
		out16(port, (uint16_t)v);
		break;
	default:
		out8(port, (uint8_t)v);
	}
}

static uint32_t noisy_list;
static volatile uint64_t rounds;

static void noise(void *arg)
{
	uint64_t state = (uint64_t)(uintptr_t)arg;

	for (uint64_t i = 0; i < rounds; i++)
		touch(next(&state), noisy_list);
}

/* Two CPUs write whatever comes to their minds; after a reset the drive is as good as new. */
PROGRAM(ide_hostile)
{
	uint32_t *list = memory_take(128 << 10, 65536);
	uint64_t *target = memory_take(1 << 20, 65536), *words = memory_take(CHUNK, 4096);
	int other = arg_number("cpus", 1) > 1 ? cpu_wake(1) : -1;

	meet(0, 0);
	dice = 88172645463325252;
	rounds = arg_number("rounds", 20000);
	noisy_list = (uint32_t)(uintptr_t)list;
	for (unsigned i = 0; i < 16384; i++) {
		uint64_t r = next(&dice);

		list[2 * i] = r % 16 ? (uint32_t)(uintptr_t)target + (uint32_t)(r >> 20 & 0xfffff)
				     : (uint32_t)(r >> 32);
		list[2 * i] &=
			r % 16 ? ~0u : 0xfe000000; /* or far away from RAM, or at its start */
		if (list[2 * i] < 0x4000000 && !(r % 16))
			list[2 * i] = 0xfe000000;
		list[2 * i + 1] = (uint32_t)(r & 0xfff) | (r & 0x70000 ? 0 : 0x80000000);
	}
	if (other >= 0)
		cpu_run(other, noise, (void *)0x123456789abcdef);
	noise((void *)0xfedcba987654321);
	while (other >= 0 && !cpu_idle(other))
		relax();
	out8(disk.master, 0);
	disk.vector = 0;
	ide_reset(&disk);
	check_equal((uint64_t)ide_dma(&disk, ATA_READ_DMA, 8, words, 8), 0, "works-after-a-reset");
	count("rounds", rounds);
}
