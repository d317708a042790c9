/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk whose back end may end and come back at any moment: every request is answered, once, and
 * what was written last is what is read.
 *
 * Each of `batch` places on the disk is written and read back again and again, all of them at the
 * same time; no place has two requests at once. At a third of the `rounds` the program says so, and
 * the host does what it likes. Other arguments: event_idx=0|1.
 */
#include "disk.h"

enum { VECTOR = 80, CHUNK = 4096, BATCH_MAX = 32 };

static struct disk disk;

static struct place {
	struct request request;
	uint64_t *data, sector;
	uint64_t round; /* that it is in; odd ones read */
} places[BATCH_MAX];

static uint64_t word(const struct place *p, uint64_t round, unsigned i)
{
	uint64_t x = (p->sector << 40) + (round << 16) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 31;
}

static void submit(struct place *p)
{
	bool reads = p->round % 2;

	for (unsigned i = 0; i < CHUNK / 8; i++)
		p->data[i] = reads ? 0 : word(p, p->round, i);
	if (!disk_submit(
		    &disk, &p->request, reads ? DISK_READ : DISK_WRITE, p->sector, p->data, CHUNK))
		give_up("the ring is full");
}

/* What came back is as it was written, one round ago. */
static bool is_right(const struct place *p)
{
	if (p->request.status != DISK_OK)
		return false;
	for (unsigned i = 0; i < CHUNK / 8 && p->round % 2; i++)
		if (p->data[i] != word(p, p->round - 1, i))
			return false;
	return true;
}

static struct place *place_of(int head, uint64_t batch)
{
	for (uint64_t i = 0; i < batch; i++)
		if (places[i].request.head == head)
			return &places[i];
	give_up("an answer to no request: %d", head);
}

PROGRAM(survive)
{
	uint64_t batch = arg_number("batch", 8), rounds = arg_number("rounds", 1000), done = 0;
	uint64_t wrong = 0, under_way = 0, all = batch * rounds;

	disk_open(&disk, 0, ring_wishes(), VECTOR);
	for (uint64_t i = 0; i < batch; i++) {
		places[i].data = memory_take(CHUNK, CHUNK);
		places[i].sector = i * CHUNK / DISK_SECTOR;
		submit(&places[i]);
		under_way++;
	}
	disk_kick(&disk);
	while (under_way) {
		int head = ring_wait(&disk.ring, NULL);
		struct place *p;

		if (head < 0)
			give_up("%lu of %lu requests were answered", done, all);
		p = place_of(head, batch);
		p->request.head = -1;
		wrong += !is_right(p);
		under_way--;
		if (++done == all / 3)
			print("a third is done\n");
		if (++p->round < rounds) {
			submit(p);
			under_way++;
			disk_kick(&disk);
		}
	}
	check_equal(wrong, 0, "every-answer-is-right");
	check_equal(done, all, "every-request-is-answered-once");
	count("requests", done);
}
