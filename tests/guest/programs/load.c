/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk under load, while the host changes how it is served: rounds of writes and of reads that
 * must find what was written, until the power button is pressed, and at least `requests`. A request
 * that is lost on the way ends the program.
 *
 * Arguments: depth=N event_idx=0|1 mode=interrupt|poll requests=N button=yes|no.
 */
#include "disk.h"

enum { VECTOR = 82, TICK = 83, CHUNK = 4096, DEPTH_MAX = 64 };

static struct disk disk;
static struct request *requests;
static uint64_t *words;

static uint64_t expected(uint64_t round, uint64_t slot, uint64_t i)
{
	uint64_t x = (round << 40) + (slot << 32) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

static uint64_t *words_of(uint64_t slot)
{
	return words + slot * (CHUNK / 8);
}

static void all(uint32_t type, uint64_t depth)
{
	for (uint64_t k = 0; k < depth; k++)
		if (!disk_submit(&disk, &requests[k], type, k * (CHUNK / DISK_SECTOR), words_of(k),
			    CHUNK))
			give_up("the ring is full");
	disk_kick(&disk);
	for (uint64_t k = 0; k < depth; k++)
		if (ring_wait(&disk.ring, NULL) < 0)
			give_up("a request of type %u is lost", type);
	for (uint64_t k = 0; k < depth; k++)
		if (requests[k].status != DISK_OK)
			give_up("a request of type %u fails", type);
}

static uint64_t one_round(uint64_t round, uint64_t depth)
{
	uint64_t bad = 0;

	for (uint64_t k = 0; k < depth; k++)
		for (uint64_t i = 0; i < CHUNK / 8; i++)
			words_of(k)[i] = expected(round, k, i);
	all(DISK_WRITE, depth);
	memset(words, 0, depth * CHUNK);
	all(DISK_READ, depth);
	for (uint64_t k = 0; k < depth; k++)
		for (uint64_t i = 0; i < CHUNK / 8; i++)
			bad += words_of(k)[i] != expected(round, k, i);
	return bad;
}

PROGRAM(blk_load)
{
	bool waits = strcmp(arg_text("button", "yes"), "no");
	uint64_t depth = arg_number("depth", 1), least = arg_number("requests", 1000);
	bool polls = !strcmp(arg_text("mode", "interrupt"), "poll");
	uint64_t bad = 0, done = 0;

	if (depth > DEPTH_MAX)
		give_up("depth is at most %d", DEPTH_MAX);
	disk_open(&disk, 0, arg_number("event_idx", 0) ? FEATURE(RING_EVENT_IDX) : 0,
		polls ? 0 : VECTOR);
	requests = memory_take(sizeof(*requests) * depth, 64);
	words = memory_take(CHUNK * depth, 4096);
	cpu_tick(TICK);
	print("ok loading\n");
	for (uint64_t round = 1; done < least || (waits && !in32(0x610)); round++) {
		bad += one_round(round, depth);
		done += 2 * depth;
	}
	check_equal(bad, 0, "reads-what-it-wrote");
	count("requests", done);
}

/* Requests with pauses in between, and then none at all for as long as the host likes. */
PROGRAM(blk_idle)
{
	disk_open(&disk, 0, FEATURE(RING_EVENT_IDX), VECTOR);
	requests = memory_take(sizeof(*requests), 64);
	words = memory_take(CHUNK, 4096);
	for (uint64_t i = 0; i < 100; i++)
		all(DISK_READ, 1);
	print("ok idle\n");
	while (!in32(0x610))
		cpu_pause_us(10000);
	check(true, "was-idle", "-");
}

/*
 * Requests to each of many disks, and then nothing at all: no timer, no look at anything, for as
 * long as the host likes, who ends it.
 */
PROGRAM(blk_sleep)
{
	uint64_t n = arg_number("disks", 1), each = arg_number("requests", 20);

	requests = memory_take(sizeof(*requests), 64);
	words = memory_take(CHUNK, 4096);
	for (unsigned i = 0; i < n; i++) {
		disk_open(&disk, i, FEATURE(RING_EVENT_IDX), VECTOR);
		for (uint64_t k = 0; k < each; k++)
			all(DISK_READ, 1);
	}
	print("ok asleep\n");
	for (;;)
		cpu_wait(&interrupts[TICK], UINT64_MAX);
}
