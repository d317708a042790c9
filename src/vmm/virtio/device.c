// SPDX-License-Identifier: GPL-2.0-or-later
#include "device.h"
#include "base/checked.h"
#include "base/str.h"
#include "vmm/count/syscalls.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

/*
 * IN_ORDER is a device's own to offer: one that finishes out of order, as a disk does, would have
 * to wait, and what it gains, an entry of the used ring for many requests, is less than that.
 */
#define RING_FEATURES                                                                              \
	(VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) |        \
		VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX) | VIRTIO_FEATURE(VIRTIO_F_RING_PACKED) |   \
		VIRTIO_FEATURE(VIRTIO_F_RING_RESET))

/* The driver's bits; NEEDS_RESET is ours. */
enum {
	DRIVER_STATUS = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK |
			VIRTIO_CONFIG_S_FAILED,
};

int virtio_device_init(struct virtio_device *d, const struct guest_memory *m,
	const struct virtio_device_params *params)
{
	int r;

	*d = (struct virtio_device) {
		.ops = params->ops,
		.name = strdup(params->name),
		.id = params->id,
		.queues = calloc(params->n_queues, sizeof(struct virtq)),
		.n_queues = params->n_queues,
		.doorbells = params->doorbells,
		.config = params->config,
		.config_bytes = params->config_bytes,
		.offered = (params->features | RING_FEATURES) & ~params->without,
		.needed = params->needed | VIRTIO_FEATURE(VIRTIO_F_VERSION_1),
	};
	pthread_mutex_init(&d->lock, NULL);
	pthread_mutex_init(&d->config_lock, NULL);
	if (!d->name || !d->queues) {
		d->n_queues = 0;
		virtio_device_done(d);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < d->n_queues; i++)
		virtq_init(&d->queues[i], m, i, params->queue_size);
	r = virtio_service_new(d);
	if (r < 0)
		virtio_device_done(d);
	return r;
}

void virtio_device_set_rings(struct virtio_device *d, const struct virtio_rings *r)
{
	if (r->no_packed)
		d->offered &= ~VIRTIO_FEATURE(VIRTIO_F_RING_PACKED);
	if (r->in_order > 0)
		d->offered |= VIRTIO_FEATURE(VIRTIO_F_IN_ORDER);
	if (r->in_order < 0)
		d->offered &= ~VIRTIO_FEATURE(VIRTIO_F_IN_ORDER);
	for (unsigned i = 0; r->size && i < d->n_queues; i++)
		d->queues[i].size = d->queues[i].size_max = r->size;
}

void virtio_device_stop(struct virtio_device *d)
{
	if (d->ops->stopping) {
		pthread_mutex_lock(&d->lock);
		d->ops->stopping(d);
		pthread_mutex_unlock(&d->lock);
	}
	if (d->ops->ending)
		d->ops->ending(d);
	virtio_device_unserve(d);
}

void virtio_device_done(struct virtio_device *d)
{
	virtio_service_free(d);
	for (unsigned i = 0; i < d->n_queues; i++)
		virtq_done(&d->queues[i]);
	free(d->queues);
	free((void *)(uintptr_t)d->name);
	pthread_mutex_destroy(&d->config_lock);
	pthread_mutex_destroy(&d->lock);
}

uint8_t virtio_device_status(const struct virtio_device *d)
{
	return __atomic_load_n(&d->status, __ATOMIC_SEQ_CST);
}

static void set_bits(struct virtio_device *d, uint8_t bits)
{
	__atomic_fetch_or(&d->status, bits, __ATOMIC_SEQ_CST);
}

void virtio_device_needs_reset(struct virtio_device *d)
{
	set_bits(d, VIRTIO_CONFIG_S_NEEDS_RESET);
	if (d->transport_ops)
		d->transport_ops->config_interrupt(d->transport);
}

/* ---- queues that are served elsewhere ---- */

int virtio_device_call_fd(struct virtio_device *d, struct virtq *q)
{
	uint16_t vector;

	virtq_lock(q);
	vector = q->vector;
	virtq_unlock(q);
	return d->transport_ops ? d->transport_ops->call_fd(d->transport, vector) : -ENOENT;
}

void virtio_device_relay(struct virtio_device *d, struct virtq *q)
{
	if (d->transport_ops && d->transport_ops->interrupt(d->transport, q->vector))
		virtq_count_injection(q);
}

void virtio_device_rewire(struct virtio_device *d)
{
	pthread_mutex_lock(&d->lock);
	if (d->ops->rewired && virtio_device_runs(d))
		d->ops->rewired(d);
	pthread_mutex_unlock(&d->lock);
}

bool virtio_device_runs(const struct virtio_device *d)
{
	return (virtio_device_status(d) &
		       (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET)) ==
	       VIRTIO_CONFIG_S_DRIVER_OK;
}

uint32_t virtio_device_offered(const struct virtio_device *d, uint32_t half)
{
	return half < 2 ? (uint32_t)(d->offered >> (32 * half)) : 0;
}

uint32_t virtio_device_wanted(struct virtio_device *d, uint32_t half)
{
	uint64_t wanted;

	pthread_mutex_lock(&d->lock);
	wanted = d->wanted;
	pthread_mutex_unlock(&d->lock);
	return half < 2 ? (uint32_t)(wanted >> (32 * half)) : 0;
}

/* Negotiation is over with FEATURES_OK: later writes change nothing. */
void virtio_device_want(struct virtio_device *d, uint32_t half, uint32_t bits)
{
	pthread_mutex_lock(&d->lock);
	if (half < 2 && !(virtio_device_status(d) & VIRTIO_CONFIG_S_FEATURES_OK)) {
		d->wanted &= ~(0xffffffffULL << (32 * half));
		d->wanted |= (uint64_t)bits << (32 * half);
	}
	pthread_mutex_unlock(&d->lock);
}

void virtio_device_read_config(struct virtio_device *d, uint64_t offset, void *buf, size_t len)
{
	memset(buf, 0, len);
	if (offset >= d->config_bytes)
		return;
	pthread_mutex_lock(&d->config_lock);
	memcpy(buf, (const char *)d->config + offset, MIN(len, d->config_bytes - offset));
	pthread_mutex_unlock(&d->config_lock);
}

void virtio_device_change_config(
	struct virtio_device *d, void *field, const void *value, size_t len, bool tell)
{
	bool changed;

	pthread_mutex_lock(&d->config_lock);
	changed = memcmp(field, value, len) != 0;
	memcpy(field, value, len);
	if (changed)
		__atomic_fetch_add(&d->generation, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&d->config_lock);
	if (changed && tell)
		virtio_device_tell_config(d);
}

void virtio_device_tell_config(struct virtio_device *d)
{
	if (virtio_device_runs(d) && d->transport_ops)
		d->transport_ops->config_interrupt(d->transport);
}

void virtio_device_write_config(
	struct virtio_device *d, uint64_t offset, const void *data, size_t len)
{
	if (!d->ops->config_written || !range_fits(offset, len, d->config_bytes))
		return;
	pthread_mutex_lock(&d->lock);
	d->ops->config_written(d, offset, data, len);
	pthread_mutex_unlock(&d->lock);
}

/*
 * 3.1.1: a driver that wants what was not offered, or does without VERSION_1 (there is no legacy
 * interface here), does not find FEATURES_OK set when it looks.
 */
static void accept_features(struct virtio_device *d)
{
	if ((d->wanted & ~d->offered) || (d->needed & ~d->wanted))
		return;
	d->features = d->wanted;
	set_bits(d, VIRTIO_CONFIG_S_FEATURES_OK);
	if (d->ops->negotiated)
		d->ops->negotiated(d);
}

static void start(struct virtio_device *d)
{
	set_bits(d, VIRTIO_CONFIG_S_DRIVER_OK);
	if (d->ops->started && d->ops->started(d) < 0)
		virtio_device_needs_reset(d);
	virtio_service_started(d);
}

/* Whoever works on the queue finishes first; nobody starts again. */
static void reset_queue(struct virtio_device *d, struct virtq *q)
{
	virtq_lock(q);
	virtq_reset(q);
	if (d->ops->queue_reset)
		d->ops->queue_reset(d, q);
	virtq_unlock(q);
}

void virtio_device_reset_queue(struct virtio_device *d, struct virtq *q)
{
	pthread_mutex_lock(&d->lock);
	if (virtio_has(d, VIRTIO_F_RING_RESET))
		reset_queue(d, q);
	pthread_mutex_unlock(&d->lock);
}

static void reset_locked(struct virtio_device *d)
{
	if (d->ops->stopping)
		d->ops->stopping(d);
	for (unsigned i = 0; i < d->n_queues; i++)
		reset_queue(d, &d->queues[i]);
	if (d->ops->reset)
		d->ops->reset(d);
	d->wanted = d->features = 0;
	__atomic_store_n(&d->status, 0, __ATOMIC_SEQ_CST);
	if (d->transport_ops)
		d->transport_ops->reset(d->transport);
}

void virtio_device_reset(struct virtio_device *d)
{
	pthread_mutex_lock(&d->lock);
	reset_locked(d);
	pthread_mutex_unlock(&d->lock);
}

void virtio_device_set_status(struct virtio_device *d, uint8_t status)
{
	uint8_t added;

	pthread_mutex_lock(&d->lock);
	added = (uint8_t)(status & DRIVER_STATUS & ~virtio_device_status(d));
	if (status == 0) {
		reset_locked(d);
	} else {
		set_bits(d, added & (uint8_t) ~(VIRTIO_CONFIG_S_FEATURES_OK |
						VIRTIO_CONFIG_S_DRIVER_OK));
		if (added & VIRTIO_CONFIG_S_FEATURES_OK)
			accept_features(d);
		if ((added & VIRTIO_CONFIG_S_DRIVER_OK) &&
			(virtio_device_status(d) & VIRTIO_CONFIG_S_FEATURES_OK))
			start(d);
	}
	pthread_mutex_unlock(&d->lock);
}

void virtio_device_note(struct virtio_device *d, const char *text)
{
	if (text && d->transport_ops)
		d->transport_ops->note(d->transport, text);
}

void virtio_device_check(struct virtio_device *d, const struct virtq *q)
{
	autofree char *text = NULL;

	if (!q->broken || !virtio_device_runs(d))
		return;
	virtio_device_needs_reset(d);
	/* A hostile driver can do this for ever; the first time is news. */
	if (__atomic_fetch_add(&d->breaks, 1, __ATOMIC_RELAXED) == 0)
		text = str_printf("%s: queue %u stopped until the guest's driver resets it: %s",
			d->name, q->index, q->broken);
	virtio_device_note(d, text);
}

unsigned virtio_device_turn(
	struct virtio_device *d, struct virtq *q, bool completed, bool *ret_more)
{
	uint64_t before = q->taken + q->stats.requests;
	bool more = false;

	if (completed)
		d->ops->completed(d, q);
	if (virtio_device_runs(d) && !virtq_is_outside(q)) {
		if (virtq_is_live(q))
			more = d->ops->kicked(d, q);
		virtio_device_check(d, q);
	}
	virtq_count_syscalls(q, syscalls_take());
	if (ret_more)
		*ret_more = more;
	return (unsigned)(q->taken + q->stats.requests - before);
}

bool virtio_device_ring(struct virtio_device *d, struct virtq *q, uint64_t times, bool woken)
{
	bool more;

	virtq_count_doorbells(q, times, woken);
	virtq_lock(q);
	virtio_device_turn(d, q, false, &more);
	virtq_unlock(q);
	return more;
}

/* By the device's own means, or the transport's. */
static bool interrupt(struct virtio_device *d, struct virtq *q)
{
	int bell;

	if (!d->transport_ops)
		return false;
	bell = d->n_bells ? d->transport_ops->bell(d->transport, q->vector) : -1;
	if (bell < 0)
		return d->transport_ops->interrupt(d->transport, q->vector);
	d->ops->signal(d, q, (unsigned)bell);
	return true;
}

void virtio_device_interrupt(struct virtio_device *d, struct virtq *q)
{
	if (!virtq_wants_interrupt(q))
		return;
	if (interrupt(d, q))
		virtq_count_injection(q);
	else
		virtq_count_kept(q);
}
