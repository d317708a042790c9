/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue of one disk for each CPU, all at once: random reads, `batch` with each doorbell, whose
 * data must be the one that lies there (as in blk.c, seed 1; verify=0 leaves that out: a bench's).
 *
 * Arguments: queues=N (as many CPUs) requests=N (of each) batch=N verify=0|1, and ring_wishes().
 */
#include "disk.h"

enum { VECTOR = 96, CHUNK = 4096, QUEUES_MAX = CPUS_MAX };

struct lane {
	struct disk disk; /* the same one, with this CPU's ring */
	struct request *requests;
	uint64_t *data, *sectors;
	uint64_t seed, wrong, took;
	volatile uint64_t ready, done;
	uint8_t vector;
	char apart[64];
};

static struct lane lanes[QUEUES_MAX];
static struct virtio virtio;
static uint64_t batch, requests, verify;
static volatile uint64_t go;

static uint64_t pattern(uint64_t i)
{
	uint64_t x = (1ULL << 56) + i * 0x9e3779b97f4a7c15;

	return x ^ x >> 29;
}

static uint64_t wrong_words(const uint64_t *words, uint64_t sector)
{
	uint64_t wrong = 0;

	for (unsigned i = 0; verify && i < CHUNK / 8; i++)
		wrong += words[i] != pattern(sector * (DISK_SECTOR / 8) + i);
	return wrong;
}

static uint64_t random_sector(struct lane *l)
{
	l->seed = l->seed * 6364136223846793005 + 1442695040888963407;
	return (l->seed >> 33) % (l->disk.sectors / (CHUNK / DISK_SECTOR)) * (CHUNK / DISK_SECTOR);
}

static void one_batch(struct lane *l, uint64_t number)
{
	struct ring *r = &l->disk.ring;

	for (uint64_t i = 0; i < batch; i++) {
		l->sectors[i] = random_sector(l);
		disk_submit(&l->disk, &l->requests[i], DISK_READ, l->sectors[i],
			l->data + i * (CHUNK / 8), CHUNK);
	}
	if (r->event_idx)
		ring_interrupt_after(r, (uint16_t)(r->next_used + batch - 1));
	ring_kick(r);
	if (r->event_idx && !cpu_wait(&interrupts[l->vector], number))
		give_up("queue %u: interrupt %lu does not come", r->index, number);
	for (uint64_t i = 0; i < batch; i++) {
		if (ring_wait(r, NULL) < 0)
			give_up("queue %u does not answer", r->index);
		l->wrong += l->requests[i].status != DISK_OK;
	}
	for (uint64_t i = 0; i < batch; i++)
		l->wrong += wrong_words(l->data + i * (CHUNK / 8), l->sectors[i]);
}

/* On the queue's CPU, whose interrupts its are. */
static void set_up(struct lane *l)
{
	unsigned index = (unsigned)(l - lanes);

	l->vector = (uint8_t)(VECTOR + index);
	if (!ring_start(&l->disk.ring, &virtio, index, 128, l->vector))
		give_up("queue %u does not start", index);
	l->ready = 1;
}

static void drive(struct lane *l)
{
	uint64_t start;

	while (!go)
		relax();
	start = cpu_cycles();
	for (uint64_t n = 0; n < requests / batch; n++)
		one_batch(l, n + 1);
	l->took = cpu_cycles() - start;
	l->done = 1;
}

static void on_another(void *arg)
{
	set_up(arg);
	drive(arg);
}

static void find_disk(unsigned queues)
{
	if (!virtio_find(VIRTIO_BLK, 0, &virtio) ||
		!virtio_begin(&virtio,
			ring_wishes() | FEATURE(RING_EVENT_IDX) | FEATURE(DISK_MANY_QUEUES)))
		give_up("there is no disk");
	if (read16(virtio.common + COMMON_QUEUES) < queues)
		give_up("the disk has %u queues", read16(virtio.common + COMMON_QUEUES));
}

PROGRAM(blk_scale)
{
	unsigned queues = (unsigned)arg_number("queues", 1);
	uint64_t wrong = 0, took = 0;

	batch = arg_number("batch", 1);
	requests = arg_number("requests", 1000);
	verify = arg_number("verify", 1);
	if (!queues || queues > QUEUES_MAX || !batch || batch > 128 / 3)
		give_up("1 to %d queues, batches of 1 to 42", QUEUES_MAX);
	find_disk(queues);
	for (unsigned i = 0; i < queues; i++) {
		struct lane *l = &lanes[i];

		l->disk.virtio = virtio;
		l->disk.sectors = read32(virtio.device);
		l->requests = memory_take(sizeof(*l->requests) * (batch + 1), 64);
		l->sectors = memory_take(8 * batch, 64);
		l->data = memory_take(CHUNK * batch, 4096);
		l->seed = i + 1;
		if (i && cpu_wake(i) != (int)i)
			give_up("CPU %u does not wake", i);
		if (i)
			cpu_run((int)i, on_another, l);
		else
			set_up(l);
		if (!cpu_spin(&l->ready, 1))
			give_up("queue %u is not ready", i);
	}
	virtio_set_status(&virtio, VIRTIO_DRIVER_OK);
	go = 1;
	drive(&lanes[0]);
	for (unsigned i = 0; i < queues; i++) {
		if (!cpu_spin(&lanes[i].done, 1))
			give_up("queue %u does not end", i);
		wrong += lanes[i].wrong;
		took = lanes[i].took > took ? lanes[i].took : took;
	}
	check_equal(wrong, 0, "reads-what-is-there");
	count("reads", requests / batch * batch * queues);
	count("cycles", took);
}
