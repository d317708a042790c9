/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doze.h"

#include "base/counter.h"

#include <sched.h>
#include <time.h>

enum {
	CLOCK_TURNS = 8, /* looks in vain between two looks at the clock */
	LOOK_TURNS = 32, /* turns between two looks at what is not polled */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Requests that were given back, of all queues. */
static uint64_t all_done(const struct worker *w)
{
	uint64_t n = 0;

	for (const struct server *s = w->servers; s; s = s->next)
		n += __atomic_load_n(&s->q->stats.requests, __ATOMIC_RELAXED);
	return n;
}

/* `requests`: done or begun, or in work. */
static void served(struct worker *w, unsigned requests)
{
	uint64_t done = all_done(w), more = done - w->done;

	w->done = done;
	trial_served(&w->spin.trial, (unsigned)MIN(more, (uint64_t)UINT16_MAX), requests,
		__builtin_ia32_rdtsc());
}

static void count(uint64_t *counter, uint64_t n)
{
	COUNTED(__atomic_fetch_add(counter, n, __ATOMIC_RELAXED));
}

/* ---- one queue ---- */

static bool is_polled(const struct server *s)
{
	return s->poll != VIRTIO_POLL_NOTIFY;
}

/* From now on its driver and its back end need not, or must, say something. Queue lock held. */
static void set_polled(struct server *s, bool polled)
{
	const struct virtio_device_ops *ops = s->device->ops;

	if (s->q->polled == polled)
		return;
	s->q->polled = polled;
	if (ops->sleep)
		ops->sleep(s->device, s->q, !polled);
}

static void change_polled(struct server *s, bool polled)
{
	virtq_lock(s->q);
	set_polled(s, polled);
	virtq_unlock(s->q);
}

/*
 * How much there was to do. Chains that the back end has are requests in work as well; but of one
 * that is not pollable they are buffers that wait for what may come.
 */
unsigned worker_turn(struct server *s, bool completed, bool *ret_more)
{
	unsigned found = virtio_device_turn(s->device, s->q, completed, ret_more);

	return found && s->q->pollable ? MAX(found, s->q->in_flight) : found;
}

bool worker_completes(const struct server *s)
{
	return s->back && s->watched && s->q->pollable;
}

/* Whoever configures, resets or counts goes first. */
static unsigned look(struct server *s)
{
	unsigned found;

	if (__atomic_load_n(&s->q->waiters, __ATOMIC_RELAXED)) {
		sched_yield();
		return 0;
	}
	virtq_lock(s->q);
	found = worker_turn(s, worker_completes(s), NULL);
	virtq_unlock(s->q);
	return found;
}

/* Must somebody look at its descriptor, as nothing else tells? */
static bool needs_a_look(struct server *s)
{
	bool needs;

	virtq_lock(s->q);
	needs = s->back && s->watched && !s->q->pollable;
	virtq_unlock(s->q);
	return needs;
}

/* ---- a turn ---- */

/* How eager the most eager queue is; one whose driver is not up asks for nothing. */
static enum virtio_poll eagerness(const struct worker *w)
{
	enum virtio_poll most = VIRTIO_POLL_NOTIFY;

	for (const struct server *s = w->servers; s; s = s->next)
		if (s->poll > most && virtio_device_runs(s->device))
			most = s->poll;
	return most;
}

static void wake_up(struct worker *w)
{
	w->awake = true;
	w->idle = false;
	for (struct server *s = w->servers; s; s = s->next)
		if (is_polled(s))
			change_polled(s, true);
}

/* True: all is quiet, and who has something will say so. False: not yet. */
static bool fall_asleep(struct worker *w)
{
	unsigned found = 0;

	for (struct server *s = w->servers; s; s = s->next) {
		if (!is_polled(s))
			continue;
		virtq_lock(s->q);
		set_polled(s, false);
		found += worker_turn(s, worker_completes(s), NULL);
		virtq_unlock(s->q);
	}
	if (found) {
		served(w, found);
		count(&w->polled, found);
		return false;
	}
	count(&w->slept, 1);
	w->awake = w->woken = false;
	return true;
}

static unsigned look_at_all(struct worker *w)
{
	unsigned found = 0;

	for (struct server *s = w->servers; s; s = s->next)
		if (is_polled(s))
			found += look(s);
	if (found) {
		served(w, found);
		count(&w->polled, found);
	}
	return found;
}

/* Others in the same loop are looked at now and then, and those whose back end only tells so. */
static enum loop_next next_of(struct worker *w)
{
	bool others = w->turns++ % LOOK_TURNS == 0;

	for (struct server *s = w->servers; s; s = s->next)
		if (is_polled(s) ? !s->q->pollable && needs_a_look(s) : others)
			return LOOP_LOOK;
	return LOOP_SPIN;
}

/* Something was found; had there been nothing before? */
static void again(struct worker *w)
{
	if (w->idle)
		spin_again(&w->spin, now_ns());
	w->idle = false;
}

/* Adaptive and nothing found: is it time to sleep? */
static bool is_over(struct worker *w)
{
	uint32_t most = spin_ns(&w->spin);

	if (!w->idle) {
		w->idle = true;
		w->turns = 1;
		spin_idle(&w->spin, now_ns());
		return !most;
	}
	return !most || (w->turns % CLOCK_TURNS == 0 && now_ns() - w->spin.idle_since >= most);
}

/* A worker that sleeps was woken, or asked to change. */
static bool should_wake(struct worker *w, enum virtio_poll mode)
{
	if (mode == VIRTIO_POLL_DEDICATED)
		return true;
	if (!w->woken)
		return false;
	w->woken = false;
	spin_again(&w->spin, now_ns());
	if (spin_ns(&w->spin))
		return true;
	spin_idle(&w->spin, now_ns());
	return false;
}

static enum loop_next turn(void *arg)
{
	struct worker *w = arg;
	enum virtio_poll mode = eagerness(w);

	if (mode == VIRTIO_POLL_NOTIFY) {
		if (w->awake && !fall_asleep(w))
			return LOOP_LOOK;
		return LOOP_SLEEP;
	}
	if (!w->awake) {
		if (!should_wake(w, mode))
			return LOOP_SLEEP;
		wake_up(w);
	}
	if (look_at_all(w)) {
		again(w);
		return next_of(w);
	}
	if (w->spin.alone)
		sched_yield();
	if (mode == VIRTIO_POLL_ADAPTIVE && is_over(w)) {
		if (fall_asleep(w))
			return LOOP_SLEEP;
		again(w);
		wake_up(w);
	}
	__builtin_ia32_pause();
	return next_of(w);
}

/* ---- who is in it ---- */

void worker_served(struct worker *w, unsigned requests)
{
	w->woken = true;
	served(w, requests);
}

void worker_set_poll(struct server *s, enum virtio_poll poll)
{
	__atomic_store_n(&s->poll, poll, __ATOMIC_RELAXED);
	change_polled(s, s->worker && s->worker->awake && is_polled(s));
}

void worker_add(struct worker *w, struct server *s)
{
	s->worker = w;
	s->next = w->servers;
	w->servers = s;
	w->done = all_done(w);
	worker_set_poll(s, s->poll);
	doze_choose(w);
}

void worker_remove(struct server *s)
{
	if (!s->worker)
		return;
	for (struct server **at = &s->worker->servers; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	s->worker->done = all_done(s->worker);
	doze_choose(s->worker);
	s->worker = NULL;
	change_polled(s, false);
}

static int new (struct worker **ret)
{
	struct worker *w = calloc(1, sizeof(*w));
	cpu_set_t set;

	if (!w)
		return -ENOMEM;
	w->spin.alone = sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
	*ret = w;
	return 0;
}

int worker_new_in(struct loop *loop, struct worker **ret)
{
	int r = new (ret);

	if (r == 0)
		(*ret)->loop = loop;
	return r;
}

int worker_new(const char *name, struct worker **ret)
{
	struct worker *w;
	int r = new (&w);

	if (r < 0)
		return r;
	r = loop_new(&w->loop);
	if (r == 0) {
		loop_set_poll(w->loop, turn, w);
		doze_prepare(w);
		r = loop_start_thread(w->loop, name);
	}
	if (r < 0) {
		loop_free(w->loop);
		free(w);
		return r;
	}
	w->own = true;
	*ret = w;
	return 0;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	if (w->own)
		loop_free(w->loop);
	free(w);
}
