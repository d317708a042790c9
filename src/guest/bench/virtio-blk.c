/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"
#include "virtio.h"

enum { READ = 0, WRITE = 1, SECTOR = 512, RING = 256 };

struct request {
	uint32_t type, zero;
	uint64_t sector;
	volatile uint8_t status;
};

static struct virtio virtio;
static struct ring ring;
static struct request *requests; /* by tag */
static uint16_t tags[RING];	 /* by head */

static bool start(uint8_t vector, unsigned depth, uint64_t *ret_bytes)
{
	uint64_t want = FEATURE(RING_EVENT_IDX) | FEATURE(RING_INDIRECT);

	if (!virtio_find(VIRTIO_BLK, 0, &virtio))
		return false;
	if (!virtio_begin(&virtio, want) || !ring_start(&ring, &virtio, 0, RING, vector))
		give_up("virtio-blk does not start");
	if (ring.size < 3 * depth)
		give_up("the ring has %u entries, too few for %u requests", ring.size, depth);
	requests = memory_take(sizeof(*requests) * depth, 64);
	virtio_set_status(&virtio, VIRTIO_DRIVER_OK);
	*ret_bytes = (read32(virtio.device) | (uint64_t)read32(virtio.device + 4) << 32) * SECTOR;
	return true;
}

static void submit(unsigned tag, bool write, uint64_t offset, void *data, uint32_t bytes)
{
	struct request *r = &requests[tag];
	const struct buffer parts[3] = { { r, 16, false }, { data, bytes, !write },
		{ (void *)(uintptr_t)&r->status, 1, true } };
	int head;

	*r = (struct request) {
		.type = write ? WRITE : READ, .sector = offset / SECTOR, .status = 0xff
	};
	head = ring_add(&ring, parts, 3);
	if (head < 0 || head >= RING)
		give_up("no room in the ring");
	tags[head] = (uint16_t)tag;
}

static void kick(void)
{
	ring_kick(&ring);
}

static void arm(void)
{
	if (ring.event_idx)
		ring_interrupt_after(&ring, ring.next_used);
}

static int reap(bool *failed)
{
	int head = ring_take(&ring, NULL);

	if (head < 0)
		return -1;
	*failed = requests[tags[head]].status != 0;
	return tags[head];
}

const struct bench_disk bench_virtio_blk = {
	.name = "virtio-blk",
	.start = start,
	.submit = submit,
	.kick = kick,
	.arm = arm,
	.reap = reap,
};
