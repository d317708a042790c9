/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk: what is read is what the host wrote and the other way round, and what each request
 * costs. The host fills disk 0 with the pattern of seed 1 and looks for seed 2 in the second half.
 *
 * Arguments: requests=N batch=N bytes=N mode=interrupt|poll size=N, and those of ring_wishes().
 */
#include "disk.h"

enum { VECTOR = 80, CHUNK = 4096 };

static struct disk disk;

/* Word `i` of the disk, as the host computes it too. */
static uint64_t pattern(uint64_t seed, uint64_t i)
{
	uint64_t x = (seed << 56) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

static void fill(uint64_t *words, uint64_t sector, uint64_t seed)
{
	for (unsigned i = 0; i < CHUNK / 8; i++)
		words[i] = pattern(seed, sector * (DISK_SECTOR / 8) + i);
}

static bool holds(const uint64_t *words, uint64_t sector, uint64_t seed)
{
	for (unsigned i = 0; i < CHUNK / 8; i++)
		if (words[i] != pattern(seed, sector * (DISK_SECTOR / 8) + i))
			return false;
	return true;
}

static uint8_t vector(void)
{
	return strcmp(arg_text("mode", "interrupt"), "poll") ? VECTOR : 0;
}

PROGRAM(blk)
{
	uint64_t *words = memory_take(CHUNK, 4096), bad = 0, half, failed = 0;

	disk_open(&disk, 0, ring_wishes(), vector());
	count("sectors", disk.sectors);
	half = disk.sectors / 2;
	for (uint64_t s = 0; s < disk.sectors; s += CHUNK / DISK_SECTOR) {
		failed += disk_do(&disk, DISK_READ, s, words, CHUNK) != DISK_OK;
		bad += !holds(words, s, 1);
	}
	check_equal(failed, 0, "reads-succeed");
	check_equal(bad, 0, "reads-what-the-host-wrote");
	for (uint64_t s = half; s < disk.sectors; s += CHUNK / DISK_SECTOR) {
		fill(words, s, 2);
		failed += disk_do(&disk, DISK_WRITE, s, words, CHUNK) != DISK_OK;
	}
	check_equal(failed, 0, "writes-succeed");
	check(disk.virtio.features & FEATURE(DISK_CAN_FLUSH), "offers-flush", "-");
	check_equal((uint64_t)disk_do(&disk, DISK_FLUSH, 0, NULL, 0), DISK_OK, "flush");
	for (uint64_t s = half; s < disk.sectors; s += CHUNK / DISK_SECTOR) {
		failed += disk_do(&disk, DISK_READ, s, words, CHUNK) != DISK_OK;
		bad += !holds(words, s, 2);
	}
	check_equal(failed + bad, 0, "reads-back-what-it-wrote");
	disk_do(&disk, DISK_READ, 0, words, CHUNK);
	check(holds(words, 0, 1), "left-the-first-half-alone", "-");
}

/* What a driver gets wrong: the device says so and goes on. */
PROGRAM(blk_refuses)
{
	char *data = memory_take(CHUNK, 4096), id[21] = "";

	disk_open(&disk, 0, 0, VECTOR);
	check_equal((uint64_t)disk_do(&disk, DISK_READ, disk.sectors, data, 512), DISK_IO_ERROR,
		"read-behind-the-end");
	check_equal((uint64_t)disk_do(&disk, DISK_READ, disk.sectors - 1, data, 1024),
		DISK_IO_ERROR, "read-across-the-end");
	check_equal((uint64_t)disk_do(&disk, DISK_WRITE, disk.sectors, data, 512), DISK_IO_ERROR,
		"write-behind-the-end");
	check_equal((uint64_t)disk_do(&disk, DISK_READ, ~0ULL, data, 512), DISK_IO_ERROR,
		"read-at-the-last-sector-number");
	check_equal((uint64_t)disk_do(&disk, DISK_READ, ~0ULL / 512, data, 4096), DISK_IO_ERROR,
		"read-that-wraps");
	check_equal((uint64_t)disk_do(&disk, 0x7777, 0, data, 512), DISK_UNSUPPORTED,
		"unknown-request");
	check(disk_do(&disk, DISK_READ, 0, data, 100) != -1, "odd-length-is-answered", "-");
	check_equal((uint64_t)disk_do(&disk, DISK_ID, 0, id, 20), DISK_OK, "asks-for-serial");
	check(!strcmp(id, arg_text("serial", "")), "serial", "'%s'", id);
	check_equal((uint64_t)disk_do(&disk, DISK_READ, 0, data, 512), DISK_OK, "still-works");
}

PROGRAM(blk_read_only)
{
	char *data = memory_take(CHUNK, 4096);

	disk_open(&disk, 0, 0, VECTOR);
	check(disk.virtio.offered & FEATURE(DISK_READ_ONLY), "says-it-is-read-only", "-");
	check_equal((uint64_t)disk_do(&disk, DISK_WRITE, 0, data, 512), DISK_IO_ERROR,
		"write-is-refused");
	check_equal((uint64_t)disk_do(&disk, DISK_READ, 0, data, 512), DISK_OK, "read-works");
}

static struct request *requests;
static char *data;
static uint32_t bytes;

/*
 * `batch` requests with one ring of the bell, then all of their completions. The interrupt is
 * waited for even when the completion can be seen before it: one that was still on its way would
 * merge with the next.
 */
static void one_batch(uint64_t batch, uint64_t sector)
{
	static uint64_t expected;

	for (uint64_t i = 0; i < batch; i++)
		disk_submit(&disk, &requests[i], DISK_READ, sector, data + i * bytes, bytes);
	if (disk.ring.event_idx && disk.ring.vector)
		ring_interrupt_after(&disk.ring, (uint16_t)(disk.ring.next_used + batch - 1));
	ring_kick(&disk.ring);
	if (disk.ring.vector && !cpu_wait(&interrupts[VECTOR], ++expected))
		give_up("interrupt %lu does not come", expected);
	for (uint64_t i = 0; i < batch; i++)
		if (ring_wait(&disk.ring, NULL) < 0)
			give_up("the disk does not answer");
}

/*
 * Costs: the counts of this run are compared by the host's side with what the VMM counted. Nothing
 * but the requests happens between the two marks.
 */
PROGRAM(blk_cost)
{
	uint64_t n = arg_number("requests", 100), batch = arg_number("batch", 1), before;
	uint64_t failed = 0, kicks;

	disk_open(&disk, 0, ring_wishes(), vector());
	requests = memory_take(sizeof(*requests) * batch, 64);
	bytes = (uint32_t)arg_number("bytes", 512);
	data = memory_take(bytes * batch, 4096);
	one_batch(batch, 0);
	before = interrupts[VECTOR];
	kicks = disk.ring.kicks;
	for (uint64_t i = 0; i < n; i += batch)
		one_batch(batch, i * (bytes / DISK_SECTOR) % disk.sectors);
	for (uint64_t i = 0; i < batch; i++)
		failed += requests[i].status != DISK_OK;
	cpu_pause_us(3000);
	check_equal(failed, 0, "all-succeed");
	count("requests", n + batch);
	count("kicks", disk.ring.kicks);
	count("kicks_measured", disk.ring.kicks - kicks);
	count("interrupts", interrupts[VECTOR]);
	count("interrupts_measured", interrupts[VECTOR] - before);
}

/* ---- in order ---- */

/* Takes all of a batch; what is wrong in it. */
static uint64_t take_batch(uint64_t n, uint32_t wanted, uint64_t every, uint32_t instead)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < n; i++) {
		uint32_t length;
		int head = ring_wait(&disk.ring, &length);
		bool other = every && i % every == every - 1;

		if (head < 0)
			give_up("the disk does not answer");
		wrong += head != requests[i].head || length != (other ? instead : wanted) ||
			 requests[i].status != (other ? DISK_IO_ERROR : DISK_OK);
	}
	return wrong;
}

/*
 * Requests that the device answers at once: one used entry for all of them, but one more for each
 * that was not written wholly, whose length would be lost. How many there were, and 1000 for each
 * wrong answer.
 */
static uint64_t answered_at_once(uint64_t n, uint64_t every)
{
	uint64_t before = disk.ring.used_writes, wrong;

	for (uint64_t i = 0; i < n; i++) {
		bool fails = every && i % every == every - 1;

		disk_submit(&disk, &requests[i], fails ? DISK_READ : DISK_ID,
			fails ? disk.sectors : 0, data + i * bytes, fails ? 512 : 20);
	}
	disk_kick(&disk);
	wrong = take_batch(n, 21, every, 1);
	return disk.ring.used_writes - before + 1000 * wrong;
}

/* Writes of the second half, or reads of all, `batch` at a time. */
static void transfers(uint64_t batch, uint32_t type, uint64_t seed_of_second)
{
	uint64_t half = disk.sectors / 2, step = CHUNK / DISK_SECTOR, wrong = 0, n;

	for (uint64_t s = type == DISK_READ ? 0 : half; s < disk.sectors; s += n * step) {
		n = (disk.sectors - s) / step < batch ? (disk.sectors - s) / step : batch;
		for (uint64_t i = 0; i < n; i++) {
			uint64_t at = s + i * step, *words = (uint64_t *)(data + i * bytes);

			if (type == DISK_WRITE)
				fill(words, at, seed_of_second);
			disk_submit(&disk, &requests[i], type, at, words, CHUNK);
		}
		disk_kick(&disk);
		wrong += take_batch(n, type == DISK_READ ? CHUNK + 1 : 1, 0, 0);
		for (uint64_t i = 0; i < n && type == DISK_READ; i++)
			wrong += !holds((uint64_t *)(data + i * bytes), s + i * step,
				s + i * step < half ? 1 : seed_of_second);
	}
	check_equal(wrong, 0, type == DISK_READ ? "reads" : "writes");
}

/* Used entries of batches (2.7.9, 2.8.9): how many are written, and what they stand for. */
PROGRAM(blk_order)
{
	uint64_t batch = arg_number("batch", 16), before, wrong = 0;

	bytes = CHUNK;
	requests = memory_take(sizeof(*requests) * batch, 64);
	data = memory_take(bytes * batch, 4096);
	disk_open(&disk, 0, ring_wishes(), vector());
	for (unsigned i = 0; i < 1000; i++)
		wrong += answered_at_once(batch, 0) != 1;
	check_equal(wrong, 0, "one-entry-for-all");
	check_equal(answered_at_once(batch, 1), batch, "each-has-its-length");
	for (uint64_t every = 2; every <= batch; every++)
		check_equal(answered_at_once(batch, every), batch / every + (batch % every ? 1 : 0),
			"entries-with-failures");
	before = disk.ring.used_writes;
	transfers(batch, DISK_READ, 1);
	transfers(batch, DISK_WRITE, 2);
	transfers(batch, DISK_READ, 2);
	count("requests", disk.sectors / (CHUNK / DISK_SECTOR) * 5 / 2);
	count("used_writes", disk.ring.used_writes - before);
}

/*
 * A queue is reset alone, with requests in it that nobody rang for, and is as new: the other side's
 * indices, wrap counters and event indices too, or the next request would not come back.
 */
PROGRAM(blk_queue_reset)
{
	uint64_t *words = memory_take(CHUNK, 4096), bad = 0, resets = arg_number("resets", 50);
	static struct request r;

	disk_open(&disk, 0, ring_wishes() | FEATURE(RING_RESET), vector());
	if (!(disk.virtio.features & FEATURE(RING_RESET)))
		give_up("queues cannot be reset alone");
	for (uint64_t i = 0; i < resets; i++) {
		for (uint64_t n = 0; n < 1 + i % 7; n++)
			bad += disk_do(&disk, DISK_READ, n * 8, words, CHUNK) != DISK_OK ||
			       !holds(words, n * 8, 1);
		disk_submit(&disk, &r, DISK_READ, 0, words, CHUNK);
		check(ring_reset(&disk.ring), "queue-reset", "reset %lu", i);
	}
	check_equal(bad, 0, "reads-after-resets");
	check(!(virtio_status(&disk.virtio) & VIRTIO_NEEDS_RESET), "device-is-well", "-");
	check_equal(read16(disk.virtio.common + COMMON_QUEUE_NOTIFY_DATA), 0, "notify-data");
}

/* A queue for each CPU, as the device says, and each does its own part of the disk. */
PROGRAM(blk_queues)
{
	uint64_t *words = memory_take(CHUNK, 4096), bad = 0, part;
	static struct ring rings[8];
	static struct disk one;
	unsigned n;

	if (!virtio_find(VIRTIO_BLK, 0, &disk.virtio) ||
		!virtio_begin(&disk.virtio, ring_wishes() | FEATURE(DISK_MANY_QUEUES)))
		give_up("there is no disk");
	n = read16(disk.virtio.device + 34);
	if (!n || n > sizeof(rings) / sizeof(rings[0]))
		give_up("a disk with %u queues", n);
	count("queues", n);
	check_equal(n, arg_number("queues", 1), "as-many-queues");
	check_equal(read16(disk.virtio.common + COMMON_QUEUES), n, "the-transport-has-them");
	for (unsigned i = 0; i < n; i++)
		if (!ring_start(&rings[i], &disk.virtio, i, 64, (uint8_t)(VECTOR + i)))
			give_up("queue %u does not start", i);
	virtio_set_status(&disk.virtio, VIRTIO_DRIVER_OK);
	disk.sectors = read32(disk.virtio.device);
	part = disk.sectors / n;
	for (unsigned i = 0; i < n; i++) {
		one = disk;
		one.ring = rings[i];
		for (uint64_t s = i * part; s + CHUNK / DISK_SECTOR <= (i + 1) * part;
			s += CHUNK / DISK_SECTOR)
			bad += disk_do(&one, DISK_READ, s, words, CHUNK) != DISK_OK ||
			       !holds(words, s, 1);
		rings[i] = one.ring;
		check(one.ring.kicks > 0, "queue-was-used", "queue %u", i);
	}
	check_equal(bad, 0, "reads-through-each");
}

/* The host takes away what lies behind the first half, and later gives it back: errors, no end. */
PROGRAM(blk_shrinks)
{
	uint64_t *words = memory_take(CHUNK, 4096), half, errors = 0;
	int r = DISK_OK;

	disk_open(&disk, 0, 0, VECTOR);
	half = disk.sectors / 2;
	check_equal((uint64_t)disk_do(&disk, DISK_READ, half, words, CHUNK), DISK_OK, "before");
	print("cut it\n");
	for (unsigned i = 0; i < 2000 && r == DISK_OK; i++) {
		r = disk_do(&disk, DISK_READ, half + 8 * (i % 64), words, CHUNK);
		cpu_pause_us(1000);
	}
	check_equal((uint64_t)r, DISK_IO_ERROR, "read-of-what-is-gone");
	for (unsigned i = 0; i < 50; i++)
		errors += disk_do(&disk, DISK_READ, half + i, words, 512) == DISK_IO_ERROR;
	check_equal(errors, 50, "each-is-an-error");
	check_equal(
		(uint64_t)disk_do(&disk, DISK_READ, 0, words, CHUNK), DISK_OK, "the-rest-works");
	check(holds(words, 0, 1), "the-rest-is-right", "-");
	check(!(virtio_status(&disk.virtio) & VIRTIO_NEEDS_RESET), "device-is-well", "-");
}

/* The host makes the disk twice as large while it is read: what is new is there as soon as it is
 * told. */
PROGRAM(blk_grows)
{
	uint64_t *words = memory_take(CHUNK, 4096), was, start, bad = 0;
	uint64_t sectors;

	disk_open(&disk, 0, ring_wishes(), VECTOR);
	was = disk.sectors;
	sectors = disk.virtio.device;
	check_equal(
		(uint64_t)disk_do(&disk, DISK_READ, was, words, CHUNK), DISK_IO_ERROR, "before");
	print("make it larger\n");
	start = cpu_cycles();
	while (read32(sectors) == was) {
		bad += disk_do(&disk, DISK_READ, 8, words, CHUNK) != DISK_OK || !holds(words, 8, 1);
		if (cpu_cycles() - start > 8000000000)
			give_up("it still has its size");
	}
	check_equal(read32(sectors), 2 * was, "it-has-grown");
	check_equal(bad, 0, "meanwhile-it-works");
	fill(words, 2 * was - 8, 2);
	check_equal((uint64_t)disk_do(&disk, DISK_WRITE, 2 * was - 8, words, CHUNK), DISK_OK,
		"writes-its-new-end");
	memset(words, 0, CHUNK);
	check_equal((uint64_t)disk_do(&disk, DISK_READ, 2 * was - 8, words, CHUNK), DISK_OK,
		"reads-it");
	check(holds(words, 2 * was - 8, 2), "reads-it-right", "-");
	check_equal((uint64_t)disk_do(&disk, DISK_READ, 2 * was, words, CHUNK), DISK_IO_ERROR,
		"and-no-further");
}

/* Discards and writes of zeroes, several ranges in one request. */
PROGRAM(blk_zeroes)
{
	static struct {
		uint64_t sector;
		uint32_t sectors, flags;
	} list[2] = { { 8, 8, 0 }, { 64, 2048 - 64, 0 } };
	uint64_t *words = memory_take(CHUNK, 4096), bad = 0;

	disk_open(&disk, 0,
		ring_wishes() | FEATURE(DISK_CAN_DISCARD) | FEATURE(DISK_CAN_WRITE_ZEROES), VECTOR);
	if (!(disk.virtio.features & FEATURE(DISK_CAN_WRITE_ZEROES)))
		give_up("it cannot write zeroes");
	list[1].sectors = (uint32_t)disk.sectors - 64;
	check_equal((uint64_t)disk_write_list(&disk, DISK_WRITE_ZEROES, list, sizeof(list)),
		DISK_OK, "zeroes");
	for (uint64_t s = 0; s < disk.sectors; s += 8) {
		bool zero = s == 8 || s >= 64;

		bad += disk_do(&disk, DISK_READ, s, words, CHUNK) != DISK_OK;
		bad += zero ? words[0] || words[CHUNK / 8 - 1] : !holds(words, s, 1);
	}
	check_equal(bad, 0, "there-and-nowhere-else");
	list[0].sector = disk.sectors;
	check_equal((uint64_t)disk_write_list(&disk, DISK_DISCARD, list, sizeof(list)),
		DISK_IO_ERROR, "not-behind-the-end");
	list[0].sector = 16;
	check_equal((uint64_t)disk_write_list(&disk, DISK_DISCARD, list, sizeof(list)), DISK_OK,
		"discard");
}

/* Counts its own starts in the last sector; resets until there were `boots`. */
PROGRAM(reboot)
{
	uint64_t *sector = memory_take(512, 512), boots = arg_number("boots", 3);

	disk_open(&disk, 0, 0, VECTOR);
	disk_do(&disk, DISK_READ, disk.sectors - 1, sector, 512);
	sector[0]++;
	count("boot", sector[0]);
	if (disk_do(&disk, DISK_WRITE, disk.sectors - 1, sector, 512) != DISK_OK ||
		disk_do(&disk, DISK_FLUSH, 0, NULL, 0) != DISK_OK)
		give_up("cannot write the counter");
	if (sector[0] >= boots) {
		check(true, "all-boots", "-");
		return;
	}
	if (sector[0] % 2)
		acpi_reset();
	out8(0x64, 0xfe);
	cpu_pause_us(1000000);
	give_up("still running after the reset");
}
