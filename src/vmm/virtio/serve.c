// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve.h"
#include "device.h"
#include "vmm/count/syscalls.h"
#include "worker.h"

#include <stdio.h>
#include <sys/eventfd.h>

struct virtio_service {
	struct virtio_serve how;
	struct worker **workers;
	unsigned n_workers;
	struct virtio_thread_stats past;
	struct server servers[];
};

static struct server *server_of(const struct virtio_device *d, unsigned index)
{
	return &d->service->servers[index];
}

/* ---- what wakes a thread ---- */

void server_poke(struct server *s)
{
	uint64_t one = 1;
	ssize_t n;

	__atomic_fetch_add(&s->ours, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&s->poked, true, __ATOMIC_SEQ_CST);
	n = write(s->bell_fd, &one, sizeof(one));
	(void)n; /* a full counter rings as well */
}

static void served(const struct server *s, unsigned requests)
{
	if (requests && s->worker && s->poll != VIRTIO_POLL_NOTIFY)
		worker_served(s->worker, requests);
}

/*
 * Who is poked looks at the back end, too: what that has had ready while the queue was polled it
 * has told nobody.
 */
static void on_bell(void *arg, uint32_t events UNUSED)
{
	server_woken(arg, true);
}

/* Who sleeps in the back end finds both at once, whichever woke him. */
void server_woken(struct server *s, bool rung)
{
	bool poked = rung && __atomic_exchange_n(&s->poked, false, __ATOMIC_SEQ_CST), more;
	unsigned requests;

	virtq_count_doorbells(s->q, 0, rung && !poked);
	virtq_lock(s->q);
	requests = worker_turn(s, (poked || s->attended) && worker_completes(s), &more);
	virtq_unlock(s->q);
	if (more)
		server_poke(s);
	served(s, requests);
}

static void on_back(void *arg, uint32_t events UNUSED)
{
	struct server *s = arg;
	unsigned requests = 0;

	virtq_lock(s->q);
	if (s->watched)
		requests = s->device->ops->completed(s->device, s->q);
	virtio_device_check(s->device, s->q);
	virtq_count_syscalls(s->q, syscalls_take());
	virtq_unlock(s->q);
	served(s, requests);
}

/* What is edge-triggered is looked at once when it is armed. */
void server_listen(struct server *s)
{
	bool deaf = s->attended || virtq_is_outside(s->q);

	if (s->bell)
		loop_source_set_events(s->bell, deaf ? 0 : EPOLLIN | EPOLLET);
	if (s->back)
		loop_source_set_events(s->back, s->watched && !s->attended ? EPOLLIN : 0);
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
	server_listen(s);
	virtq_unlock(s->q);
	return 0;
}

/* In its place nobody; what comes meanwhile is found by who attaches it again. */
static void detach(struct server *s)
{
	struct loop *loop = s->worker ? s->worker->loop : NULL;
	struct loop_source *back, *bell;

	if (loop) {
		loop_hold(loop);
		worker_remove(s);
		loop_release(loop);
	}
	virtq_lock(s->q);
	back = TAKE_PTR(s->back);
	bell = TAKE_PTR(s->bell);
	virtq_unlock(s->q);
	loop_remove(back);
	loop_remove(bell);
}

static int attach_bell(struct server *s, struct worker *w)
{
	struct loop_source *bell;
	int r = loop_add(w->loop, s->bell_fd, 0, on_bell, s, &bell);

	if (r < 0)
		return r;
	virtq_lock(s->q);
	s->bell = bell;
	server_listen(s);
	virtq_unlock(s->q);
	return 0;
}

/* `again`: somebody else had it, who may have been told what is not done yet. */
static int attach(struct server *s, struct worker *w, bool again)
{
	int r = attach_back(s, w);

	if (r == 0)
		r = attach_bell(s, w);
	if (r < 0) {
		detach(s);
		return r;
	}
	loop_hold(w->loop);
	worker_add(w, s);
	loop_release(w->loop);
	if (again || virtio_device_runs(s->device))
		server_poke(s); /* for what came while nobody looked */
	return 0;
}

static void add_stats(struct virtio_thread_stats *to, const struct worker *w)
{
	if (!w->own)
		return;
	to->wakeups += loop_wakeups(w->loop);
	to->waits += loop_waits(w->loop);
	to->polled += __atomic_load_n(&w->polled, __ATOMIC_RELAXED);
	to->slept += __atomic_load_n(&w->slept, __ATOMIC_RELAXED);
}

static void stop_workers(struct virtio_service *v, struct worker **workers, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (!workers[i])
			continue;
		if (workers[i]->own)
			loop_stop_thread(workers[i]->loop);
		add_stats(&v->past, workers[i]);
		worker_free(workers[i]);
	}
	free(workers);
}

/* The i-th of n workers, for the queues i, i + n … */
static int start_worker(const struct virtio_device *d, const struct virtio_serve *how, unsigned i,
	struct worker **ret)
{
	int pin = server_of(d, i)->pin, r;
	char name[32];

	if (how->threads == VIRTIO_THREADS_MAIN)
		return worker_new_in(how->main, ret);
	snprintf(name, sizeof(name), how->threads == VIRTIO_THREADS_QUEUE ? "%s:%u" : "%s", d->name,
		i);
	r = worker_new(name, ret);
	return r < 0 || pin < 0 ? r : loop_pin((*ret)->loop, (unsigned)pin);
}

static int start_workers(struct virtio_device *d, const struct virtio_serve *how,
	struct worker ***ret, unsigned *ret_n)
{
	unsigned n = how->threads == VIRTIO_THREADS_QUEUE ? d->n_queues : 1;
	struct worker **w = calloc(n, sizeof(struct worker *));
	int r = w ? 0 : -ENOMEM;

	for (unsigned i = 0; i < n && r == 0; i++)
		r = start_worker(d, how, i, &w[i]);
	if (r < 0) {
		if (w)
			stop_workers(d->service, w, n);
		return r;
	}
	*ret = w;
	*ret_n = n;
	return 0;
}

static enum virtio_poll poll_with(enum virtio_threads threads, enum virtio_poll wish)
{
	if (threads == VIRTIO_THREADS_MAIN || threads == VIRTIO_THREADS_CPU)
		return VIRTIO_POLL_NOTIFY;
	return threads == VIRTIO_THREADS_DEDICATED ? VIRTIO_POLL_DEDICATED : wish;
}

/* All queues to these workers, round robin. */
static int hand_over(
	struct virtio_device *d, enum virtio_threads threads, struct worker **workers, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < d->n_queues; i++) {
		struct server *s = server_of(d, i);
		bool again = s->worker;

		detach(s);
		__atomic_store_n(&s->poll, poll_with(threads, s->wish), __ATOMIC_RELAXED);
		if (r == 0)
			r = attach(s, workers[i % n], again);
	}
	return r;
}

int virtio_device_serve(struct virtio_device *d, const struct virtio_serve *how)
{
	struct virtio_service *v = d->service;
	struct worker **workers;
	unsigned n;
	int r;

	if (how->threads == VIRTIO_THREADS_MAIN && !how->main)
		return -EINVAL;
	r = start_workers(d, how, &workers, &n);
	if (r < 0)
		return r;
	r = hand_over(d, how->threads, workers, n);
	if (r < 0) {
		/* What has been served goes on being so. */
		if (v->n_workers)
			hand_over(d, v->how.threads, v->workers, v->n_workers);
		else
			virtio_device_unserve(d);
		stop_workers(v, workers, n);
		return r;
	}
	stop_workers(v, v->workers, v->n_workers);
	v->how = *how;
	v->workers = workers;
	v->n_workers = n;
	return 0;
}

const struct virtio_serve *virtio_device_served(const struct virtio_device *d)
{
	return &d->service->how;
}

void virtio_device_unserve(struct virtio_device *d)
{
	struct virtio_service *v = d->service;

	for (unsigned i = 0; i < d->n_queues; i++)
		detach(server_of(d, i));
	stop_workers(v, TAKE_PTR(v->workers), v->n_workers);
	v->n_workers = 0;
}

/* ---- how ---- */

static void set_poll(struct virtio_device *d, struct server *s, enum virtio_poll poll)
{
	struct loop *loop = s->worker ? s->worker->loop : NULL;

	s->wish = poll;
	if (!loop)
		return;
	loop_hold(loop);
	worker_set_poll(s, poll);
	loop_release(loop);
	if (virtio_device_runs(d))
		server_poke(s); /* it is armed, or hushed, by a look at it */
}

int virtio_device_set_poll(struct virtio_device *d, int queue, enum virtio_poll poll)
{
	if (queue >= (int)d->n_queues)
		return -EINVAL;
	if (poll_with(d->service->how.threads, poll) != poll)
		return -EOPNOTSUPP;
	for (unsigned i = 0; i < d->n_queues; i++)
		if (queue < 0 || queue == (int)i)
			set_poll(d, server_of(d, i), poll);
	return 0;
}

enum virtio_poll virtio_device_polls(const struct virtio_device *d, unsigned queue)
{
	return __atomic_load_n(&server_of(d, queue)->poll, __ATOMIC_RELAXED);
}

/* Who shares its thread with others has the pin of all of them. */
int virtio_device_set_pin(struct virtio_device *d, int queue, int cpu)
{
	int r = 0;

	if (queue >= (int)d->n_queues)
		return -EINVAL;
	for (unsigned i = 0; i < d->n_queues && r == 0; i++) {
		struct server *s = server_of(d, i);

		if (queue >= 0 && queue != (int)i)
			continue;
		if (s->worker && s->worker->own)
			r = cpu < 0 ? loop_unpin(s->worker->loop)
				    : loop_pin(s->worker->loop, (unsigned)cpu);
		if (r == 0)
			s->pin = cpu;
	}
	return r;
}

static bool has_something(struct virtq *q)
{
	bool has;

	virtq_lock(q);
	has = virtq_is_live(q) && !virtq_is_outside(q) && !virtq_arm(q);
	virtq_unlock(q);
	return has;
}

/*
 * A driver may have filled its queues and rung before it was ready, and a thread that never sleeps
 * did so until now. Whoever serves a queue looks: the CPU that says so does no work of a device.
 */
void virtio_service_started(struct virtio_device *d)
{
	for (unsigned i = 0; i < d->n_queues; i++)
		if (virtio_device_polls(d, i) == VIRTIO_POLL_DEDICATED ||
			has_something(&d->queues[i]))
			server_poke(server_of(d, i));
}

/* ---- for the device and its transport ---- */

int virtio_device_doorbell(const struct virtio_device *d, unsigned index)
{
	return server_of(d, index)->bell_fd;
}

void virtio_device_poke(struct virtio_device *d, struct virtq *q)
{
	server_poke(server_of(d, q->index));
}

void virtio_device_watch(struct virtio_device *d, struct virtq *q, bool on)
{
	struct server *s = server_of(d, q->index);

	if (s->watched == on)
		return;
	s->watched = on;
	if (s->back && !s->attended)
		loop_source_set_events(s->back, on ? EPOLLIN : 0);
}

void virtio_device_outside(struct virtio_device *d, struct virtq *q, bool on)
{
	struct server *s = server_of(d, q->index);

	virtq_lock(q);
	__atomic_store_n(&q->outside, on, __ATOMIC_SEQ_CST);
	server_listen(s);
	virtq_unlock(q);
	if (on)
		server_poke(s);
}

/*
 * A signal of ours may be counted before it is made: only what was read is taken off. And what was
 * read is no event any more: epoll drops an edge that it finds gone, so that whoever reads while
 * the thread is on its way to sleep has to ring in its place.
 */
void virtio_device_count_doorbells(struct virtio_device *d, struct virtq *q)
{
	struct server *s = server_of(d, q->index);
	uint64_t rung, ours;

	if (virtq_is_outside(q))
		return; /* it is read by whoever serves the queue */
	if (read(s->bell_fd, &rung, sizeof(rung)) != sizeof(rung))
		return;
	ours = MIN(rung, __atomic_load_n(&s->ours, __ATOMIC_SEQ_CST));
	__atomic_fetch_sub(&s->ours, ours, __ATOMIC_SEQ_CST);
	virtq_count_doorbells(q, rung - ours, false);
	s->owed = rung > ours || __atomic_load_n(&s->poked, __ATOMIC_SEQ_CST);
}

void virtio_device_counted(struct virtio_device *d)
{
	for (unsigned i = 0; i < d->n_queues; i++) {
		struct server *s = server_of(d, i);

		if (s->owed)
			server_poke(s);
		s->owed = false;
	}
}

struct virtio_thread_stats virtio_device_thread_stats(const struct virtio_device *d)
{
	const struct virtio_service *v = d->service;
	struct virtio_thread_stats all = v->past;

	for (unsigned i = 0; i < v->n_workers; i++)
		add_stats(&all, v->workers[i]);
	return all;
}

/* The device's own may have been rung in the life before this one. */
static int make_bell(const struct virtio_device *d, struct server *s)
{
	uint64_t rung;
	ssize_t n;

	if (!d->doorbells) {
		s->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		return s->bell_fd < 0 ? -errno : 0;
	}
	s->bell_fd = d->doorbells[s->q->index];
	n = read(s->bell_fd, &rung, sizeof(rung));
	(void)n; /* not rung */
	return 0;
}

int virtio_service_new(struct virtio_device *d)
{
	struct virtio_service *v =
		calloc(1, sizeof(*v) + (size_t)d->n_queues * sizeof(v->servers[0]));
	int r = 0;

	if (!v)
		return -ENOMEM;
	d->service = v;
	for (unsigned i = 0; i < d->n_queues; i++)
		v->servers[i] = (struct server) { .device = d,
			.q = &d->queues[i],
			.bell_fd = -1,
			.watched = true,
			.pin = VIRTIO_NO_PIN };
	for (unsigned i = 0; i < d->n_queues && r == 0; i++)
		r = make_bell(d, &v->servers[i]);
	return r;
}

void virtio_service_free(struct virtio_device *d)
{
	if (!d->service)
		return;
	virtio_device_unserve(d);
	for (unsigned i = 0; i < d->n_queues && !d->doorbells; i++)
		closep_(&server_of(d, i)->bell_fd);
	free(TAKE_PTR(d->service));
}
