// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver's memory in front of virtio-blk: the input is what the guest's RAM holds from
 * the descriptor table on, rings, indirect tables, headers and all. Whatever it says, the device
 * stays inside RAM and inside the disk, and a reset makes it work again.
 */
#include "vmm_virtio/harness.h"
#include "vmm/block/engine.h"
#include "vmm/virtio/blk.h"

#include <linux/virtio_blk.h>

enum { RAM = 64 << 10, DESC = 0, AVAIL = 0x200, USED = 0x300, SIZE = 16, DISK = 8192 };

struct fuzz_disk {
	struct disk disk;
	uint8_t bytes[DISK];
};

static struct {
	struct host *host;
	struct guest_memory *memory;
	struct disk_engine *engine;
	struct virtio_device *dev;
	struct drv_transport transport;
} f;

static uint8_t *range(struct disk *d, uint64_t offset, uint64_t len)
{
	if (!disk_holds(d, offset, len))
		abort();
	return container_of(d, struct fuzz_disk, disk)->bytes + offset;
}

static int disk_read(struct disk *d, struct sg *to, uint64_t offset)
{
	return sg_push(to, range(d, offset, to->len), to->len) ? 0 : -EIO;
}

static int disk_write(struct disk *d, struct sg *from, uint64_t offset)
{
	return sg_pull(from, range(d, offset, from->len), from->len) ? 0 : -EIO;
}

static int disk_flush(struct disk *d UNUSED)
{
	return 0;
}

static int disk_discard(struct disk *d, uint64_t offset, uint64_t len)
{
	range(d, offset, len);
	return 0;
}

static int disk_zero(struct disk *d, uint64_t offset, uint64_t len, bool may_unmap UNUSED)
{
	memset(range(d, offset, len), 0, len);
	return 0;
}

static void disk_gone(struct disk *d UNUSED)
{
}

static const struct disk_ops ops = { disk_read, disk_write, disk_flush, disk_discard, disk_zero,
	disk_gone, NULL };

static void once(void)
{
	static struct fuzz_disk disk = { .disk = { &ops, DISK, 512, 512, false } };
	struct guest_memory_params p = { .size = RAM };
	const struct disk_engine_params engine = {
		.kind = DISK_ENGINE_SYNC, .fd = -1, .channels = 1, .depth = VIRTIO_BLK_DEPTH
	};

	if (f.dev)
		return;
	if (host_new_fds_only(&f.host) < 0 || guest_memory_new(f.host, &p, &f.memory, NULL) < 0 ||
		disk_engine_new(&engine, &f.engine, NULL) < 0 ||
		virtio_blk_device_new(f.memory, "fuzz", &disk.disk, f.engine, "serial", &f.dev) < 0)
		abort();
	harness_attach(f.dev, &f.transport);
}

static void bring_up(uint64_t features)
{
	struct virtq *q = &f.dev->queues[0];

	virtio_device_reset(f.dev);
	if (!harness_negotiate(f.dev, f.dev->offered & features))
		abort();
	q->size = SIZE;
	q->desc = GPA(DESC);
	q->driver = GPA(AVAIL);
	q->device = GPA(USED);
	if (virtq_enable(q, f.dev->features) < 0)
		abort();
	harness_ready(f.dev);
}

/* After anything, an honest request works. */
static void works(void)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_IN };
	uint8_t *ram = drv_ptr(f.memory, 0);
	struct vring_desc *desc = (void *)ram;
	struct vring_avail *avail = (void *)(ram + AVAIL);

	memset(ram, 0, 0x1000);
	memcpy(ram + 0x400, &h, sizeof(h));
	ram[0xa00] = 0xff;
	desc[0] = (struct vring_desc) { 0x400, 16, VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc) { 0x800, 513, VRING_DESC_F_WRITE, 0 };
	bring_up(0);
	avail->idx = 1;
	virtio_device_ring(f.dev, &f.dev->queues[0], 1, false);
	if (ram[0xa00] != VIRTIO_BLK_S_OK || !virtio_device_runs(f.dev))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t packed = 1ULL << VIRTIO_F_RING_PACKED, all = ~packed;
	static const uint64_t kinds[] = { 1ULL << VIRTIO_RING_F_INDIRECT_DESC, all, ~0ULL, packed };
	uint8_t *ram;

	once();
	ram = drv_ptr(f.memory, 0);
	if (size < 2 || size > 8192)
		return -1;
	memset(ram, 0, 16384);
	bring_up(kinds[data[0] % ARRAY_SIZE(kinds)]);
	memcpy(ram, data + 2, size - 2);
	for (unsigned i = 0; i <= data[1] % 4; i++)
		virtio_device_ring(f.dev, &f.dev->queues[0], 1, false);
	works();
	return 0;
}
