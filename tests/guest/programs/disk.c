/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk.h"

void disk_open(struct disk *d, unsigned nth, uint64_t features, uint8_t vector)
{
	*d = (struct disk) { 0 };
	if (!virtio_find(VIRTIO_BLK, nth, &d->virtio))
		give_up("there is no disk %u", nth);
	if (!virtio_begin(&d->virtio, features | FEATURE(DISK_READ_ONLY) | FEATURE(DISK_CAN_FLUSH)))
		give_up("the disk does not accept its own features");
	if (!ring_start(&d->ring, &d->virtio, 0, (uint16_t)arg_number("size", 128), vector))
		give_up("the disk's queue does not start");
	virtio_set_status(&d->virtio, VIRTIO_DRIVER_OK);
	d->sectors = read32(d->virtio.device) | (uint64_t)read32(d->virtio.device + 4) << 32;
}

bool disk_submit(struct disk *d, struct request *r, uint32_t type, uint64_t sector, void *data,
	uint32_t bytes)
{
	bool reads = type != DISK_WRITE && type != DISK_DISCARD && type != DISK_WRITE_ZEROES;
	struct buffer parts[3] = { { r, 16, false }, { data, bytes, reads },
		{ (void *)(uintptr_t)&r->status, 1, true } };

	r->type = type;
	r->zero = 0;
	r->sector = sector;
	r->status = 0xff;
	if (!bytes)
		parts[1] = parts[2];
	r->head = ring_add(&d->ring, parts, bytes ? 3 : 2);
	return r->head >= 0;
}

bool disk_kick(struct disk *d)
{
	if (d->ring.event_idx && d->ring.vector)
		ring_interrupt_after(&d->ring, d->ring.next_used);
	return ring_kick(&d->ring);
}

int disk_do(struct disk *d, uint32_t type, uint64_t sector, void *data, uint32_t bytes)
{
	static struct request r;

	if (!disk_submit(d, &r, type, sector, data, bytes))
		give_up("the ring is full");
	disk_kick(d);
	if (ring_wait(&d->ring, NULL) != r.head)
		return -1;
	return r.status;
}

int disk_write_list(struct disk *d, uint32_t type, void *list, uint32_t bytes)
{
	return disk_do(d, type, 0, list, bytes);
}
