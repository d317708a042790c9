// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The common configuration structure (4.1.4.3). Reads take their bytes from an image of the whole
 * structure, so any access is answered; writes have an effect only with the field's own width, or
 * half of it for the 64-bit ones, as the specification has drivers do it.
 */
#include "transport.h"

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

typedef struct virtio_pci_common_cfg common_cfg;

/* The structure as of version 1.2; the kernel's header has the fields of 1.0. */
struct whole_cfg {
	common_cfg c;
	uint16_t queue_notify_data; /* what to notify with: the queue's number, as ever */
	uint16_t queue_reset;
};
_Static_assert(sizeof(struct whole_cfg) == VPCI_COMMON_BYTES, "as the capability says");

static uint32_t get(const uint32_t *reg)
{
	return __atomic_load_n(reg, __ATOMIC_RELAXED);
}

static struct virtq *selected(struct virtio_pci *v)
{
	uint32_t i = get(&v->queue_select);

	return i < v->dev->n_queues ? &v->dev->queues[i] : NULL;
}

/* 4.1.4.3.1: a queue that does not exist has size 0. */
static void read_queue(struct virtio_pci *v, struct whole_cfg *w)
{
	struct virtq *q = selected(v);
	common_cfg *c = &w->c;

	if (!q)
		return;
	w->queue_notify_data = (uint16_t)q->index;
	virtq_lock(q);
	c->queue_size = q->size;
	c->queue_msix_vector = q->vector;
	c->queue_enable = q->enabled;
	c->queue_notify_off = (uint16_t)q->index;
	c->queue_desc_lo = (uint32_t)q->desc.v;
	c->queue_desc_hi = (uint32_t)(q->desc.v >> 32);
	c->queue_avail_lo = (uint32_t)q->driver.v;
	c->queue_avail_hi = (uint32_t)(q->driver.v >> 32);
	c->queue_used_lo = (uint32_t)q->device.v;
	c->queue_used_hi = (uint32_t)(q->device.v >> 32);
	virtq_unlock(q);
}

uint64_t vpci_common_read(struct virtio_pci *v, uint64_t offset, unsigned len)
{
	struct whole_cfg w = { .c = {
				       .device_feature_select = get(&v->offered_select),
				       .guest_feature_select = get(&v->wanted_select),
				       .msix_config =
					       __atomic_load_n(&v->config_vector, __ATOMIC_RELAXED),
				       .num_queues = (uint16_t)v->dev->n_queues,
				       .device_status = virtio_device_status(v->dev),
				       .config_generation = (uint8_t)__atomic_load_n(
					       &v->dev->generation, __ATOMIC_SEQ_CST),
				       .queue_select = (uint16_t)get(&v->queue_select),
			       } };
	uint64_t value = 0;

	if (offset >= sizeof(w))
		return 0;
	w.c.device_feature = virtio_device_offered(v->dev, w.c.device_feature_select);
	w.c.guest_feature = virtio_device_wanted(v->dev, w.c.guest_feature_select);
	read_queue(v, &w);
	memcpy(&value, (const char *)&w + offset, MIN(len, sizeof(w) - offset));
	return value;
}

/* A vector beyond the table reads back as none: the driver sees that it cannot have it. */
static uint16_t valid_vector(const struct virtio_pci *v, uint64_t value)
{
	return value <= v->dev->n_queues ? (uint16_t)value : VIRTIO_MSI_NO_VECTOR;
}

static void set_low(struct gpa *a, uint64_t value)
{
	a->v = (a->v & ~0xffffffffULL) | (value & 0xffffffff);
}

static void set_high(struct gpa *a, uint64_t value)
{
	a->v = (a->v & 0xffffffff) | value << 32;
}

/* 2.1.2 and 4.1.4.3.2: a queue is enabled after the features are settled, once, and not changed
 * from then on. */
static void enable(struct virtio_pci *v, struct virtq *q, uint64_t value)
{
	if (value == 1 && (virtio_device_status(v->dev) & VIRTIO_CONFIG_S_FEATURES_OK))
		virtq_enable(q, v->dev->features);
}

static void set_address(struct virtq *q, uint64_t offset, unsigned len, uint64_t value)
{
	struct gpa *a = offset < offsetof(common_cfg, queue_avail_lo)  ? &q->desc
			: offset < offsetof(common_cfg, queue_used_lo) ? &q->driver
								       : &q->device;

	if (len == 8 && offset % 8 == 0)
		*a = GPA(value);
	else if (len == 4 && offset % 8 == 0)
		set_low(a, value);
	else if (len == 4 && offset % 8 == 4)
		set_high(a, value);
}

/*
 * 4.1.4.3.1: what was in the queue is over when the write has returned, so queue_reset is never
 * seen as 1.
 */
static void reset_queue(struct virtio_pci *v, uint64_t value)
{
	struct virtq *q = selected(v);

	if (q && value == 1)
		virtio_device_reset_queue(v->dev, q);
}

static void write_queue(struct virtio_pci *v, uint64_t offset, unsigned len, uint64_t value)
{
	struct virtq *q = selected(v);
	uint16_t before;
	bool rewire;

	if (!q)
		return;
	virtq_lock(q);
	before = q->vector;
	if (offset == offsetof(common_cfg, queue_msix_vector) && len == 2)
		q->vector = valid_vector(v, value);
	else if (q->enabled)
		; /* the rest is fixed now */
	else if (offset == offsetof(common_cfg, queue_size) && len == 2)
		q->size = (uint16_t)value;
	else if (offset == offsetof(common_cfg, queue_enable) && len == 2)
		enable(v, q, value);
	else if (offset >= offsetof(common_cfg, queue_desc_lo))
		set_address(q, offset, len, value);
	rewire = virtq_is_outside(q) && q->vector != before;
	virtq_unlock(q);
	if (rewire)
		virtio_device_rewire(v->dev);
}

_Static_assert(offsetof(common_cfg, queue_desc_lo) % 8 == 0, "set_address() counts on it");

void vpci_common_write(struct virtio_pci *v, uint64_t offset, unsigned len, uint64_t value)
{
	if (offset == offsetof(common_cfg, device_feature_select) && len == 4)
		__atomic_store_n(&v->offered_select, (uint32_t)value, __ATOMIC_RELAXED);
	else if (offset == offsetof(common_cfg, guest_feature_select) && len == 4)
		__atomic_store_n(&v->wanted_select, (uint32_t)value, __ATOMIC_RELAXED);
	else if (offset == offsetof(common_cfg, guest_feature) && len == 4)
		virtio_device_want(v->dev, get(&v->wanted_select), (uint32_t)value);
	else if (offset == offsetof(common_cfg, msix_config) && len == 2)
		__atomic_store_n(&v->config_vector, valid_vector(v, value), __ATOMIC_RELAXED);
	else if (offset == offsetof(common_cfg, device_status) && len == 1)
		virtio_device_set_status(v->dev, (uint8_t)value);
	else if (offset == offsetof(common_cfg, queue_select) && len == 2)
		__atomic_store_n(&v->queue_select, (uint32_t)(value & 0xffff), __ATOMIC_RELAXED);
	else if (offset == offsetof(struct whole_cfg, queue_reset) && len == 2)
		reset_queue(v, value);
	else if (offset >= offsetof(common_cfg, queue_size) && offset < sizeof(common_cfg))
		write_queue(v, offset, len, value);
}
