// SPDX-License-Identifier: GPL-2.0-or-later
#include "vhost.h"
#include "base/str.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>

/* What the ring can have, as far as a vhost is asked. Packed rings are served here alone. */
#define RING_SPLIT                                                                                 \
	(VIRTIO_FEATURE(VIRTIO_F_VERSION_1) | VIRTIO_FEATURE(VIRTIO_RING_F_INDIRECT_DESC) |        \
		VIRTIO_FEATURE(VIRTIO_RING_F_EVENT_IDX))

static struct vhosted *vhosted_of(struct virtio_device *d)
{
	return container_of(d, struct vhosted, dev);
}

uint64_t vhosted_without(const struct vhost *v)
{
	return ~(v->features & RING_SPLIT);
}

/* ---- rings ---- */

static bool fill_ring(struct vhosted *h, struct virtq *q, bool again, struct vhost_ring *ret)
{
	const struct vring_used *used;
	uint64_t desc = 16ULL * q->size, driver = 6 + 2ULL * q->size, device = 6 + 8ULL * q->size;

	virtq_lock(q);
	*ret = (struct vhost_ring) {
		.index = q->index,
		.size = q->size,
		.desc = guest_memory_at(h->memory, q->desc, desc),
		.driver = guest_memory_at(h->memory, q->driver, driver),
		.device = guest_memory_at(h->memory, q->device, device),
		.kick = virtio_device_doorbell(&h->dev, q->index),
	};
	virtq_unlock(q);
	used = ret->device;
	if (again && used)
		ret->base = __atomic_load_n(&used->idx, __ATOMIC_ACQUIRE);
	return ret->desc && ret->driver && used;
}

static int call_of(struct vhosted *h, struct virtq *q)
{
	int fd = virtio_device_call_fd(&h->dev, q);

	return fd == -ENOENT ? h->relays[q->index] : fd;
}

static bool is_live(struct virtq *q)
{
	bool live;

	virtq_lock(q);
	live = virtq_is_live(q);
	virtq_unlock(q);
	return live;
}

static void lock(struct vhosted *h)
{
	pthread_mutex_lock(&h->asking);
}

static void unlock(struct vhosted *h)
{
	pthread_mutex_unlock(&h->asking);
}

static unsigned n_outside(const struct vhosted *h)
{
	return __atomic_load_n(&h->n_outside, __ATOMIC_RELAXED);
}

static int ask_to_start(struct vhosted *h, const struct vhost_ring *ring)
{
	const uint64_t bit = 1ULL << ring->index;
	int r = 0;

	lock(h);
	/* One that starts before it is enabled drops what is sent until then (vhost-user.rst);
	 * the kernel's has to be known first. */
	if (h->is_process && (h->enabled & bit))
		r = h->v->ops->enable(h->v, ring->index, true);
	if (r == 0)
		r = h->v->ops->start(h->v, ring);
	if (r == 0 && !h->is_process && (h->enabled & bit))
		r = h->v->ops->enable(h->v, ring->index, true);
	if (r == 0)
		h->started |= bit;
	unlock(h);
	return r;
}

void vhosted_enable(struct vhosted *h, uint64_t rings)
{
	uint64_t change = (rings ^ h->enabled) & h->started;

	h->enabled = rings;
	if (!h->v)
		return;
	for (unsigned i = 0; i < VHOST_RINGS_MAX; i++)
		if ((change & 1ULL << i) && h->v->ops->enable(h->v, i, rings & 1ULL << i) < 0 &&
			h->is_process)
			vhost_user_shut(h->v); /* its thread sees the end */
}

static int start_ring(struct vhosted *h, struct virtq *q, bool again)
{
	struct vhost_ring ring;
	int r;

	if (!fill_ring(h, q, again, &ring))
		return -EFAULT;
	ring.call = call_of(h, q);
	if (ring.call < 0)
		return ring.call;
	virtio_device_outside(&h->dev, q, true);
	h->served |= 1ULL << q->index;
	r = ask_to_start(h, &ring);
	/* What the driver rang for while nobody was there; and interrupts that were lost with him.
	 */
	if (r == 0 && again) {
		virtio_device_poke(&h->dev, q);
		eventfd_write(ring.call, 1);
	}
	return r;
}

/* Before the first start there is nothing that a predecessor could have left. */
static int bring_inflight(struct vhosted *h, bool again)
{
	int r;

	if (!h->is_process)
		return 0;
	if (!again)
		vhost_inflight_done(&h->in_flight);
	r = vhost_user_inflight(
		h->v, (uint16_t)n_outside(h), h->dev.queues[0].size_max, &h->in_flight);
	h->keeps_inflight = r > 0;
	return r < 0 ? r : 0;
}

int vhosted_start(struct vhosted *h, bool again)
{
	int r;

	lock(h);
	h->started = 0;
	r = h->v->ops->set_up(h->v, h->memory, h->dev.features & h->known & h->v->features);
	if (r == 0)
		r = bring_inflight(h, again);
	unlock(h);
	for (unsigned i = 0; i < n_outside(h) && r == 0; i++)
		if (is_live(&h->dev.queues[i]))
			r = start_ring(h, &h->dev.queues[i], again);
	lock(h);
	if (r == 0)
		r = h->v->ops->run(h->v);
	unlock(h);
	return r;
}

/* `asking` is held: who asks writes what went wrong. */
static void tell(struct vhosted *h, const char *what)
{
	autofree char *text = str_printf("%s: %s%s%s", h->dev.name, what,
		h->v && *h->v->why ? ": " : "", h->v ? h->v->why : "");

	virtio_device_note(&h->dev, text);
}

void vhosted_lose(struct vhosted *h)
{
	if (!h->v || h->lost)
		return;
	h->lost = true;
	__atomic_fetch_add(&h->losses, 1, __ATOMIC_RELAXED);
	tell(h, "nobody serves it; requests wait until the back end is there again");
	if (h->link)
		vhost_user_shut(h->v); /* its thread sees the end */
}

/* ---- the device ---- */

static int started(struct virtio_device *d)
{
	struct vhosted *h = vhosted_of(d);
	int r;

	h->running = true;
	if (!h->v || h->lost)
		return 0; /* it begins when it comes */
	r = vhosted_start(h, false);
	if (r == 0)
		return 0;
	lock(h);
	if (h->is_process)
		vhosted_lose(h);
	else
		tell(h, "the kernel does not serve it");
	unlock(h);
	return h->is_process ? 0 : r;
}

static void stop_rings(struct vhosted *h)
{
	lock(h);
	for (unsigned i = 0; i < n_outside(h); i++) {
		uint16_t base;

		if (!(h->served & 1ULL << i) || !h->v || h->lost)
			continue;
		if (h->v->ops->stop(h->v, i, &base) < 0)
			vhosted_lose(h);
	}
	h->started = 0;
	unlock(h);
}

static void stopping(struct virtio_device *d)
{
	struct vhosted *h = vhosted_of(d);

	if (!h->running)
		return;
	stop_rings(h);
	for (unsigned i = 0; i < n_outside(h); i++)
		if (h->served & 1ULL << i)
			virtio_device_outside(d, &d->queues[i], false);
	h->served = 0;
	h->running = false;
	vhost_inflight_done(&h->in_flight);
}

static void rewired(struct virtio_device *d)
{
	struct vhosted *h = vhosted_of(d);

	for (unsigned i = 0; i < n_outside(h); i++) {
		int fd, r;

		if (!(h->served & 1ULL << i) || !h->v || h->lost)
			continue;
		fd = r = call_of(h, &d->queues[i]);
		lock(h);
		if (fd >= 0)
			r = h->v->ops->call(h->v, i, fd);
		if (r < 0)
			vhosted_lose(h);
		unlock(h);
	}
}

static void negotiated(struct virtio_device *d)
{
	struct vhosted *h = vhosted_of(d);

	if (h->kind->negotiated)
		h->kind->negotiated(h);
}

static bool kicked(struct virtio_device *d, struct virtq *q)
{
	struct vhosted *h = vhosted_of(d);

	return q->index >= n_outside(h) && h->kind->kicked && h->kind->kicked(h, q);
}

static void reset(struct virtio_device *d)
{
	struct vhosted *h = vhosted_of(d);

	if (h->kind->reset)
		h->kind->reset(h);
}

static int set(struct virtio_device *d, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	struct vhosted *h = vhosted_of(d);

	return h->kind->set ? h->kind->set(h, queue, key, value, reterr)
			    : problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
				      "%s has no setting \"%s\"", d->name, key);
}

/* Without a vector the vhost's calls come through here. */
static int relay_fd(struct virtio_device *d, struct virtq *q)
{
	return vhosted_of(d)->relays[q->index];
}

static unsigned relay(struct virtio_device *d, struct virtq *q)
{
	eventfd_t n;

	if (q->index < n_outside(vhosted_of(d)) &&
		eventfd_read(vhosted_of(d)->relays[q->index], &n) == 0)
		virtio_device_relay(d, q);
	return 0;
}

static void stats(
	struct virtio_device *d, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct vhosted *h = vhosted_of(d);

	if (h->kind->stats)
		h->kind->stats(h, each, arg);
	if (!h->is_process)
		return;
	each(arg, "backend-losses", __atomic_load_n(&h->losses, __ATOMIC_RELAXED));
	each(arg, "backend-returns", __atomic_load_n(&h->returns, __ATOMIC_RELAXED));
}

/* Who does the work: for whom requests cannot be counted here (lib/cost). */
static void traits(struct virtio_device *d,
	void (*each)(void *arg, const char *key, const char *word), void *arg)
{
	struct vhosted *h = vhosted_of(d);

	each(arg, "backend", h->is_process ? "vhost-user" : "vhost");
	if (h->kind->traits)
		h->kind->traits(h, each, arg);
}

static void ending(struct virtio_device *d)
{
	vhost_link_stop(vhosted_of(d));
}

static void release(struct virtio_device *d)
{
	struct vhosted *h = vhosted_of(d);

	ending(d);
	virtio_device_done(d);
	vhost_free(h->v);
	vhost_inflight_done(&h->in_flight);
	for (unsigned i = 0; i < VHOST_RINGS_MAX; i++)
		closep_(&h->relays[i]);
	pthread_mutex_destroy(&h->asking);
	h->kind->free(h);
}

static const struct virtio_device_ops vhosted_device_ops = {
	.negotiated = negotiated,
	.kicked = kicked,
	.reset = reset,
	.set = set,
	.fd = relay_fd,
	.completed = relay,
	.started = started,
	.stopping = stopping,
	.rewired = rewired,
	.ending = ending,
	.free = release,
	.stats = stats,
	.traits = traits,
};

static int open_relays(struct vhosted *h)
{
	for (unsigned i = 0; i < VHOST_RINGS_MAX; i++)
		h->relays[i] = -1;
	for (unsigned i = 0; i < h->n_outside; i++) {
		h->relays[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (h->relays[i] < 0)
			return -errno;
	}
	return 0;
}

static int init(struct vhosted *h, const struct vhosted_params *p)
{
	const struct virtio_device_params params = {
		.ops = &vhosted_device_ops,
		.name = p->name,
		.id = p->id,
		.features = p->features,
		.needed = p->needed,
		.without = vhosted_without(p->v) & ~p->features,
		.n_queues = p->n_queues,
		.queue_size = p->queue_size,
		.config = p->config,
		.config_bytes = p->config_bytes,
	};
	int r = open_relays(h);

	if (r == 0 && !(p->v->features & VIRTIO_FEATURE(VIRTIO_F_VERSION_1)))
		r = -EPROTONOSUPPORT;
	if (r == 0)
		r = virtio_device_init(&h->dev, p->memory, &params);
	if (r < 0)
		return r;
	/* To look at an eventfd is a system call. */
	for (unsigned i = 0; i < p->n_queues; i++)
		h->dev.queues[i].pollable = false;
	r = !h->is_process ? 0 : vhost_link_start(h, p->channel, p->timeout_ms, p->n_outside);
	if (r < 0)
		virtio_device_done(&h->dev);
	return r;
}

int vhosted_init(struct vhosted *h, const struct vhosted_ops *kind, const struct vhosted_params *p)
{
	int r;

	h->kind = kind;
	h->memory = p->memory;
	h->n_outside = p->n_outside;
	h->known = p->known | RING_SPLIT;
	h->in_flight.fd = -1;
	h->is_process = p->channel >= 0;
	h->v = p->v;
	h->enabled = ~0ULL;
	pthread_mutex_init(&h->asking, NULL);
	r = init(h, p);
	if (r == 0)
		return 0;
	pthread_mutex_destroy(&h->asking);
	for (unsigned i = 0; i < VHOST_RINGS_MAX; i++)
		closep_(&h->relays[i]);
	vhost_free(TAKE_PTR(h->v));
	return r;
}
