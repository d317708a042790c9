/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings a virtio device up without a transport, as a driver would through one. */
#pragma once

#include "driver.h"
#include "vmm/virtio/device.h"

#include <linux/virtio_config.h>

static bool harness_interrupt(void *t, uint16_t vector)
{
	struct drv_transport *h = t;

	__atomic_store_n(&h->last_vector, vector, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&h->interrupts, 1, __ATOMIC_SEQ_CST);
	return true;
}

static void harness_config_interrupt(void *t)
{
	__atomic_fetch_add(&((struct drv_transport *)t)->config_interrupts, 1, __ATOMIC_SEQ_CST);
}

static void harness_reset(void *t)
{
	((struct drv_transport *)t)->resets++;
}

static void harness_note(void *t, const char *text UNUSED)
{
	__atomic_fetch_add(&((struct drv_transport *)t)->notes, 1, __ATOMIC_SEQ_CST);
}

static const struct virtio_transport_ops harness_ops = {
	.interrupt = harness_interrupt,
	.config_interrupt = harness_config_interrupt,
	.reset = harness_reset,
	.note = harness_note,
};

static inline void harness_attach(struct virtio_device *d, struct drv_transport *t)
{
	d->transport = t;
	d->transport_ops = &harness_ops;
}

/* With an I/O thread, as it usually has. */
static inline void harness_serve(struct virtio_device *d)
{
	const struct virtio_serve how = { .threads = VIRTIO_THREADS_IO };

	if (virtio_device_serve(d, &how) < 0)
		abort();
}

static inline bool harness_negotiate(struct virtio_device *d, uint64_t features)
{
	features |= VIRTIO_FEATURE(VIRTIO_F_VERSION_1);
	virtio_device_set_status(d, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER);
	virtio_device_want(d, 0, (uint32_t)features);
	virtio_device_want(d, 1, (uint32_t)(features >> 32));
	virtio_device_set_status(d, virtio_device_status(d) | VIRTIO_CONFIG_S_FEATURES_OK);
	return virtio_device_status(d) & VIRTIO_CONFIG_S_FEATURES_OK;
}

/* Sets queue `i` up for the driver `drv`, `size` entries. */
static inline void harness_queue(
	struct virtio_device *d, struct guest_memory *m, unsigned i, struct drv *drv, uint16_t size)
{
	struct virtq *q = &d->queues[i];

	drv_init(drv, m, i, size, virtio_has(d, VIRTIO_RING_F_EVENT_IDX));
	pthread_mutex_lock(&q->lock);
	q->size = size;
	q->desc = GPA(drv->desc_at);
	q->driver = GPA(drv->avail_at);
	q->device = GPA(drv->used_at);
	q->vector = (uint16_t)(i + 1);
	if (virtq_enable(q, d->features) < 0)
		abort();
	pthread_mutex_unlock(&q->lock);
}

static inline void harness_ready(struct virtio_device *d)
{
	virtio_device_set_status(d, virtio_device_status(d) | VIRTIO_CONFIG_S_DRIVER_OK);
}

static inline void harness_free(struct virtio_device *d)
{
	virtio_device_stop(d);
	d->ops->free(d);
}
