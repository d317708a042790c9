// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads that do the disk's blocking operations, for where there is no io_uring. They are started
 * with the machine, so that each puts its filter on.
 */
#include "engines.h"

#include "base/thread.h"
#include "vmm/count/syscalls.h"
#include "vmm/sandbox/sandbox.h"

#include <stdio.h>
#include <sys/eventfd.h>

enum { WORKERS = 4 };

struct list {
	struct disk_request *first, **last;
};

struct pool {
	struct disk_channel channel;
	pthread_mutex_t lock;
	pthread_cond_t work, finished;
	struct list waiting, done;
	unsigned idle;	/* workers that wait for work */
	bool asleep;	/* who reaps wants to be told by the eventfd */
	bool signalled; /* … and was */
	bool quit;
	atomic_bool some; /* `done` is not empty */
	pthread_t threads[WORKERS];
	unsigned n_threads;
	KEEP_APART;
};

static struct pool *pool_of(struct disk_channel *c)
{
	return container_of(c, struct pool, channel);
}

static void append(struct list *l, struct disk_request *r)
{
	r->next = NULL;
	*l->last = r;
	l->last = &r->next;
}

static struct disk_request *take_first(struct list *l)
{
	struct disk_request *r = l->first;

	if (!r)
		return NULL;
	l->first = r->next;
	if (!l->first)
		l->last = &l->first;
	return r;
}

/* The eventfd is a level here: written once, read when the list is looked at. */
static void tell(struct pool *p)
{
	uint64_t one = 1;

	if (!p->asleep || p->signalled)
		return;
	p->signalled = write(p->channel.fd, &one, sizeof(one)) == sizeof(one);
	syscalls_count(1);
}

static void untell(struct pool *p)
{
	uint64_t n;

	if (!p->signalled)
		return;
	syscalls_count(1);
	p->signalled = read(p->channel.fd, &n, sizeof(n)) < 0 && errno == EINTR;
}

/* Lock held. */
static struct disk_request *next_work(struct pool *p)
{
	struct disk_request *r = NULL;

	while (!p->quit && !(r = take_first(&p->waiting))) {
		p->idle++;
		pthread_cond_wait(&p->work, &p->lock);
		p->idle--;
	}
	return r;
}

static void *worker(void *arg)
{
	struct pool *p = arg;
	struct disk_request *r;

	sandbox_thread(SANDBOX_IO);
	pthread_mutex_lock(&p->lock);
	while ((r = next_work(p))) {
		pthread_mutex_unlock(&p->lock);
		disk_request_do(&p->channel, r);
		r->syscalls = syscalls_take();
		pthread_mutex_lock(&p->lock);
		append(&p->done, r);
		atomic_store_explicit(&p->some, true, memory_order_release);
		pthread_cond_signal(&p->finished);
		tell(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void pool_stop(struct disk_channel *c)
{
	struct pool *p = pool_of(c);

	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	while (p->n_threads)
		pthread_join(p->threads[--p->n_threads], NULL);
	p->quit = false;
}

static int pool_start(struct disk_channel *c, const char *name)
{
	struct pool *p = pool_of(c);
	int r = 0;

	while (p->n_threads < WORKERS && r == 0) {
		r = thread_start(&p->threads[p->n_threads], name, worker, p);
		p->n_threads += r == 0;
	}
	/* One will do. */
	return p->n_threads ? 0 : r;
}

static void pool_submit(struct disk_channel *c, struct disk_request *r)
{
	struct pool *p = pool_of(c);

	pthread_mutex_lock(&p->lock);
	append(&p->waiting, r);
	if (p->idle) {
		pthread_cond_signal(&p->work);
		syscalls_count(1);
	}
	pthread_mutex_unlock(&p->lock);
}

static void pool_kick(struct disk_channel *c UNUSED)
{
}

static struct disk_request *pool_reap(struct disk_channel *c, bool wait)
{
	struct pool *p = pool_of(c);
	struct disk_request *r;

	if (!wait && !atomic_load_explicit(&p->some, memory_order_acquire))
		return NULL;
	pthread_mutex_lock(&p->lock);
	while (!(r = take_first(&p->done)) && wait)
		pthread_cond_wait(&p->finished, &p->lock);
	if (!p->done.first) {
		atomic_store_explicit(&p->some, false, memory_order_relaxed);
		untell(p);
	}
	pthread_mutex_unlock(&p->lock);
	return r;
}

static bool pool_sleep(struct disk_channel *c, bool asleep)
{
	struct pool *p = pool_of(c);
	bool some;

	pthread_mutex_lock(&p->lock);
	p->asleep = asleep;
	some = p->done.first;
	if (some)
		tell(p);
	pthread_mutex_unlock(&p->lock);
	return some;
}

static void pool_free(struct disk_channel *c)
{
	struct pool *p = pool_of(c);

	if (c->fd >= 0)
		close(c->fd);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->finished);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static const struct disk_channel_ops pool_ops = {
	.start = pool_start,
	.stop = pool_stop,
	.submit = pool_submit,
	.kick = pool_kick,
	.reap = pool_reap,
	.sleep = pool_sleep,
	.free = pool_free,
};

int disk_pool_new(struct disk_channel **ret)
{
	struct pool *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->channel.ops = &pool_ops;
	p->channel.doorbell = -1;
	p->asleep = true;
	p->waiting.last = &p->waiting.first;
	p->done.last = &p->done.first;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->finished, NULL);
	p->channel.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->channel.fd < 0) {
		r = -errno;
		pool_free(&p->channel);
		return r;
	}
	*ret = &p->channel;
	return 0;
}
