// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve.h"
#include "device.h"
#include "vmm/count/syscalls.h"
#include "vmm/loop/loop.h"

#include <stdio.h>
#include <sys/eventfd.h>

/* A loop that queues are in; the device's own, with a thread, or the main one. */
struct worker {
	struct loop *loop;
	bool own;
};

struct server {
	struct virtio_device *device;
	struct virtq *q;
	int bell_fd;
	uint64_t ours; /* atomic: signals of bell_fd that the driver did not make … */
	bool poked;    /* atomic: … and one of them is to be seen */
	struct loop_source *bell;
	struct loop_source *back; /* NULL: there is none; the queue's lock */
	bool watched;		  /* what the device wants of it; the queue's lock */
};

struct virtio_service {
	struct worker *workers;
	unsigned n_workers;
	uint64_t past_wakeups;
	struct server servers[];
};

static struct server *server_of(const struct virtio_device *d, unsigned index)
{
	return &d->service->servers[index];
}

/* ---- what wakes a thread ---- */

static void signal_bell(struct server *s)
{
	uint64_t one = 1;
	ssize_t n;

	__atomic_fetch_add(&s->ours, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&s->poked, true, __ATOMIC_SEQ_CST);
	n = write(s->bell_fd, &one, sizeof(one));
	(void)n; /* a full counter rings as well */
}

static void on_bell(void *arg, uint32_t events UNUSED)
{
	struct server *s = arg;
	bool poked = __atomic_exchange_n(&s->poked, false, __ATOMIC_SEQ_CST);

	if (virtio_device_ring(s->device, s->q, 0, !poked))
		signal_bell(s);
}

static void on_back(void *arg, uint32_t events UNUSED)
{
	struct server *s = arg;

	virtq_lock(s->q);
	if (s->watched)
		s->device->ops->completed(s->device, s->q);
	virtio_device_check(s->device, s->q);
	virtq_count_syscalls(s->q, syscalls_take());
	virtq_unlock(s->q);
}

/* ---- which thread ---- */

static int attach_back(struct server *s, struct worker *w)
{
	const struct virtio_device_ops *ops = s->device->ops;
	int fd = ops->fd ? ops->fd(s->device, s->q) : -1, r;
	struct loop_source *back;

	if (fd < 0)
		return 0;
	/* Asleep at first: its callback takes the queue's lock, which loop_add() must not meet. */
	r = loop_add(w->loop, fd, 0, on_back, s, &back);
	if (r < 0)
		return r;
	virtq_lock(s->q);
	s->back = back;
	if (s->watched)
		loop_source_set_events(back, EPOLLIN);
	virtq_unlock(s->q);
	return 0;
}

static void detach(struct server *s)
{
	struct loop_source *back;

	virtq_lock(s->q);
	back = TAKE_PTR(s->back);
	virtq_unlock(s->q);
	loop_remove(back);
	loop_remove(TAKE_PTR(s->bell));
}

static int attach(struct server *s, struct worker *w)
{
	int r = attach_back(s, w);

	if (r == 0)
		r = loop_add(w->loop, s->bell_fd, EPOLLIN | EPOLLET, on_bell, s, &s->bell);
	if (r < 0)
		detach(s);
	else if (virtio_device_runs(s->device))
		signal_bell(s); /* for what came while nobody looked */
	return r;
}

static void stop_workers(struct virtio_service *v, struct worker *workers, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!workers[i].own)
			continue;
		loop_stop_thread(workers[i].loop);
		v->past_wakeups += loop_wakeups(workers[i].loop);
		loop_free(workers[i].loop);
	}
	free(workers);
}

static int start_worker(const struct virtio_device *d, struct worker *w, bool per_queue, unsigned i)
{
	char name[32];
	int r = loop_new(&w->loop);

	if (r < 0)
		return r;
	snprintf(name, sizeof(name), per_queue ? "%s:%u" : "%s", d->name, i);
	r = loop_start_thread(w->loop, name);
	if (r < 0)
		loop_free(TAKE_PTR(w->loop));
	else
		w->own = true;
	return r;
}

static int start_workers(struct virtio_device *d, const struct virtio_serve *how,
	struct worker **ret, unsigned *ret_n)
{
	bool per_queue = how->threads == VIRTIO_THREADS_QUEUE;
	unsigned n = per_queue ? d->n_queues : 1;
	struct worker *w = calloc(n, sizeof(*w));
	int r = w ? 0 : -ENOMEM;

	if (r == 0 && how->threads == VIRTIO_THREADS_MAIN)
		w->loop = how->main;
	else
		for (unsigned i = 0; i < n && r == 0; i++)
			r = start_worker(d, &w[i], per_queue, i);
	if (r < 0) {
		if (w)
			stop_workers(d->service, w, n);
		return r;
	}
	*ret = w;
	*ret_n = n;
	return 0;
}

/* All queues to these workers, round robin. */
static int hand_over(struct virtio_device *d, struct worker *workers, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < d->n_queues; i++) {
		detach(server_of(d, i));
		if (r == 0)
			r = attach(server_of(d, i), &workers[i % n]);
	}
	return r;
}

int virtio_device_serve(struct virtio_device *d, const struct virtio_serve *how)
{
	struct virtio_service *v = d->service;
	struct worker *workers;
	unsigned n;
	int r;

	if (how->threads == VIRTIO_THREADS_MAIN && !how->main)
		return -EINVAL;
	r = start_workers(d, how, &workers, &n);
	if (r < 0)
		return r;
	r = hand_over(d, workers, n);
	if (r < 0) {
		/* What has been served goes on being so. */
		if (v->n_workers)
			hand_over(d, v->workers, v->n_workers);
		else
			virtio_device_unserve(d);
		stop_workers(v, workers, n);
		return r;
	}
	stop_workers(v, v->workers, v->n_workers);
	v->workers = workers;
	v->n_workers = n;
	return 0;
}

void virtio_device_unserve(struct virtio_device *d)
{
	struct virtio_service *v = d->service;

	for (unsigned i = 0; i < d->n_queues; i++)
		detach(server_of(d, i));
	stop_workers(v, TAKE_PTR(v->workers), v->n_workers);
	v->n_workers = 0;
}

/* ---- for the device and its transport ---- */

int virtio_device_doorbell(const struct virtio_device *d, unsigned index)
{
	return server_of(d, index)->bell_fd;
}

void virtio_device_poke(struct virtio_device *d, struct virtq *q)
{
	signal_bell(server_of(d, q->index));
}

void virtio_device_watch(struct virtio_device *d, struct virtq *q, bool on)
{
	struct server *s = server_of(d, q->index);

	if (s->watched == on)
		return;
	s->watched = on;
	if (s->back)
		loop_source_set_events(s->back, on ? EPOLLIN : 0);
}

/* A signal of ours may be counted before it is made: only what was read is taken off. */
void virtio_device_count_doorbells(struct virtio_device *d, struct virtq *q)
{
	struct server *s = server_of(d, q->index);
	uint64_t rung, ours;

	if (read(s->bell_fd, &rung, sizeof(rung)) != sizeof(rung))
		return;
	ours = MIN(rung, __atomic_load_n(&s->ours, __ATOMIC_SEQ_CST));
	__atomic_fetch_sub(&s->ours, ours, __ATOMIC_SEQ_CST);
	virtq_count_doorbells(q, rung - ours, false);
}

uint64_t virtio_device_wakeups(const struct virtio_device *d)
{
	const struct virtio_service *v = d->service;
	uint64_t n = v->past_wakeups;

	for (unsigned i = 0; i < v->n_workers; i++)
		n += v->workers[i].own ? loop_wakeups(v->workers[i].loop) : 0;
	return n;
}

int virtio_service_new(struct virtio_device *d)
{
	struct virtio_service *v =
		calloc(1, sizeof(*v) + (size_t)d->n_queues * sizeof(v->servers[0]));

	if (!v)
		return -ENOMEM;
	d->service = v;
	for (unsigned i = 0; i < d->n_queues; i++)
		v->servers[i] = (struct server) {
			.device = d, .q = &d->queues[i], .bell_fd = -1, .watched = true
		};
	for (unsigned i = 0; i < d->n_queues; i++) {
		struct server *s = &v->servers[i];

		s->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (s->bell_fd < 0)
			return -errno;
	}
	return 0;
}

void virtio_service_free(struct virtio_device *d)
{
	if (!d->service)
		return;
	virtio_device_unserve(d);
	for (unsigned i = 0; i < d->n_queues; i++)
		closep_(&server_of(d, i)->bell_fd);
	free(TAKE_PTR(d->service));
}
