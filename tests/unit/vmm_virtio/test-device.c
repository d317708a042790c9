// SPDX-License-Identifier: GPL-2.0-or-later
/* What any virtio device does, seen on one that has nothing of its own: an entropy source. */
#include "cm.h"
#include "harness.h"
#include "vmm/virtio/rng.h"

enum { SIZE = 8 };

#define BIT(feature) VIRTIO_FEATURE(VIRTIO_F_##feature)

struct fixture {
	struct drv_ram ram;
	struct virtio_device *dev;
	struct drv_transport transport;
	struct drv drv;
};

static struct fixture *open_device(void)
{
	struct fixture *f = calloc(1, sizeof(*f));

	drv_ram_open(&f->ram);
	assert_int_equal(virtio_rng_device_new(f->ram.memory, "rng", &f->dev), 0);
	harness_attach(f->dev, &f->transport);
	return f;
}

static void close_device(struct fixture *f)
{
	harness_free(f->dev);
	drv_ram_close(&f->ram);
	free(f);
}

static void rings_are_as_wished(void **state UNUSED)
{
	struct fixture *f = open_device();
	const uint64_t kinds = BIT(RING_PACKED) | BIT(IN_ORDER) | BIT(RING_RESET);

	assert_true((f->dev->offered & kinds) == kinds);
	virtio_device_set_rings(f->dev, &(struct virtio_rings) { 0 });
	assert_true((f->dev->offered & kinds) == kinds);
	virtio_device_set_rings(f->dev, &(struct virtio_rings) { true, -1, 1024 });
	assert_true((f->dev->offered & kinds) == BIT(RING_RESET));
	assert_int_equal(f->dev->queues[0].size, 1024);
	virtio_device_reset(f->dev);
	assert_int_equal(f->dev->queues[0].size, 1024);
	assert_false(harness_negotiate(f->dev, BIT(RING_PACKED)));
	virtio_device_set_rings(f->dev, &(struct virtio_rings) { false, 1, 0 });
	assert_true(f->dev->offered & BIT(IN_ORDER));
	close_device(f);
}

static unsigned ask(struct fixture *f, unsigned n)
{
	static const struct drv_piece in = { DRV_BUFFERS, 64, true };
	struct vring_used_elem e;
	unsigned answers = 0;

	for (unsigned i = 0; i < n; i++)
		drv_chain(&f->drv, &in, 1);
	drv_publish(&f->drv);
	virtio_device_ring(f->dev, &f->dev->queues[0], 1, false);
	while (drv_used(&f->drv, &e))
		answers++;
	return answers;
}

/* A queue that was reset is as it was at first; the device and what was negotiated stay. */
static void a_queue_is_reset_alone(void **state UNUSED)
{
	struct fixture *f = open_device();
	struct virtq *q = &f->dev->queues[0];

	assert_true(harness_negotiate(f->dev, BIT(RING_RESET)));
	harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
	harness_ready(f->dev);
	for (unsigned i = 1; i < 100; i++) {
		assert_int_equal(ask(f, 1 + i % SIZE), 1 + i % SIZE);
		virtio_device_reset_queue(f->dev, q);
		assert_false(q->enabled);
		assert_int_equal(q->size, q->size_max);
		assert_int_equal(q->vector, 0xffff);
		virtio_device_ring(f->dev, q, 1, false);
		assert_true(virtio_device_runs(f->dev));
		harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
	}
	/* One that broke needs the whole device reset all the same. */
	f->drv.avail_idx = 0x7fff;
	assert_int_equal(ask(f, 1), 0);
	assert_false(virtio_device_runs(f->dev));
	virtio_device_reset_queue(f->dev, q);
	assert_false(virtio_device_runs(f->dev));
	close_device(f);
}

static void nobody_resets_a_queue_unasked(void **state UNUSED)
{
	struct fixture *f = open_device();

	assert_true(harness_negotiate(f->dev, 0));
	harness_queue(f->dev, f->ram.memory, 0, &f->drv, SIZE);
	harness_ready(f->dev);
	virtio_device_reset_queue(f->dev, &f->dev->queues[0]);
	assert_true(f->dev->queues[0].enabled);
	assert_int_equal(ask(f, 3), 3);
	close_device(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_are_as_wished),
		cmocka_unit_test(a_queue_is_reset_alone),
		cmocka_unit_test(nobody_resets_a_queue_unasked),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
