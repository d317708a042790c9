/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prefault.h"

#include "base/clock.h"
#include "base/thread.h"
#include "host/pages.h"
#include "vmm/sandbox/sandbox.h"

#include <pthread.h>
#include <sched.h>

enum { THREADS_MAX = 64 };
/*
 * What a thread takes at a time. The kernel keeps the process's mappings locked meanwhile, so that
 * whoever else wants to map something waits for that long.
 */
#define CHUNK_BYTES	 (16ULL << 20)
#define BYTES_PER_THREAD (64ULL << 20)

struct prefault {
	struct prefault_params params;
	uint64_t chunk;
	uint64_t left[GUEST_BANKS_MAX]; /* bytes that are not there yet */

	pthread_mutex_t lock; /* all below, and `left` */
	pthread_cond_t progress;
	size_t bank; /* the next chunk to take … */
	uint64_t at; /* … and where it is in its bank */
	bool stop;
	int error;
	uint64_t started_us;
	struct prefault_receipt receipt;
	pthread_t threads[THREADS_MAX];
	unsigned n_threads;
};

struct chunk {
	size_t bank;
	uint8_t *at;
	uint64_t len;
};

/* Lock held. False when there is nothing more to do. */
static bool take_chunk(struct prefault *p, struct chunk *ret)
{
	const struct guest_memory *m = p->params.memory;
	const struct guest_bank *b;

	if (p->stop || p->error)
		return false;
	while (p->bank < m->n_banks && p->at == m->banks[p->bank].size) {
		p->bank++;
		p->at = 0;
	}
	if (p->bank == m->n_banks)
		return false;
	b = &m->banks[p->bank];
	*ret = (struct chunk) { p->bank, b->host + p->at, MIN(p->chunk, b->size - p->at) };
	p->at += ret->len;
	return true;
}

static size_t page_of(const struct prefault *p)
{
	return p->params.memory->huge_page ? (size_t)p->params.memory->huge_page : GUEST_PAGE_BYTES;
}

static int populate(struct prefault *p, const struct chunk *c, bool *touched)
{
	int r = p->params.populate(c->at, c->len);

	if (r != -EINVAL)
		return r;
	*touched = true;
	pages_touch(c->at, c->len, page_of(p));
	return 0;
}

/* Lock held. */
static void done(struct prefault *p, const struct chunk *c, int r, uint64_t faults)
{
	if (r < 0 && !p->error)
		p->error = r;
	if (r >= 0) {
		p->left[c->bank] -= c->len;
		p->receipt.bytes += c->len;
	}
	p->receipt.faults += faults;
	pthread_cond_broadcast(&p->progress);
}

static void *worker(void *arg)
{
	struct prefault *p = arg;
	struct chunk c;

	sandbox_thread(SANDBOX_MEMORY);
	pthread_mutex_lock(&p->lock);
	while (take_chunk(p, &c)) {
		uint64_t before = pages_faults();
		bool touched = false;
		int r;

		pthread_mutex_unlock(&p->lock);
		r = populate(p, &c, &touched);
		pthread_mutex_lock(&p->lock);
		p->receipt.touched |= touched;
		done(p, &c, r, pages_faults() - before);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static unsigned count_cpus(void)
{
	cpu_set_t set;

	/* More CPUs than the set holds are more than enough. */
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? THREADS_MAX
							   : (unsigned)CPU_COUNT(&set);
}

static unsigned wanted_threads(const struct prefault *p)
{
	uint64_t most = MAX(p->params.memory->size / BYTES_PER_THREAD, 1ULL);
	unsigned n = p->params.threads;

	if (!n)
		n = (unsigned)MIN(most, (uint64_t)count_cpus());
	return MIN(n, (unsigned)THREADS_MAX);
}

/* One is enough: fewer than wanted is slower and nothing else. */
static int start_threads(struct prefault *p)
{
	unsigned wanted = wanted_threads(p);
	int r = 0;

	while (p->n_threads < wanted && r == 0) {
		r = thread_start(&p->threads[p->n_threads], "prefault", worker, p);
		p->n_threads += r == 0;
	}
	pthread_mutex_lock(&p->lock);
	p->receipt.threads = p->n_threads;
	pthread_mutex_unlock(&p->lock);
	return p->n_threads ? 0 : r;
}

static void init_locks(struct prefault *p)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->progress, &attr);
	pthread_condattr_destroy(&attr);
}

int prefault_new(const struct prefault_params *params, struct prefault **ret)
{
	CLEANUP(prefault_freep) struct prefault *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->params = *params;
	if (!p->params.populate)
		p->params.populate = pages_populate;
	p->chunk = MAX(CHUNK_BYTES, params->memory->huge_page);
	for (size_t i = 0; i < params->memory->n_banks; i++)
		p->left[i] = params->memory->banks[i].size;
	init_locks(p);
	p->started_us = clock_us();
	r = start_threads(p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

void prefault_free(struct prefault *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_cond_destroy(&p->progress);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int prefault_wait(struct prefault *p, size_t bank, unsigned timeout_ms)
{
	uint64_t end = clock_us() + timeout_ms * 1000ULL;
	const struct timespec until = {
		.tv_sec = (time_t)(end / 1000000),
		.tv_nsec = (long)(end % 1000000) * 1000,
	};
	int r = 0;

	pthread_mutex_lock(&p->lock);
	while (p->left[bank] && !p->error && r == 0)
		r = -pthread_cond_timedwait(&p->progress, &p->lock, &until);
	if (p->error)
		r = p->error;
	else if (!p->left[bank])
		r = 0;
	/* Not by the threads: where the clock takes a system call, it is one more for them. */
	if (p->receipt.bytes == p->params.memory->size && !p->receipt.us)
		p->receipt.us = clock_us() - p->started_us;
	pthread_mutex_unlock(&p->lock);
	return r;
}

void prefault_look(struct prefault *p, struct prefault_receipt *ret)
{
	pthread_mutex_lock(&p->lock);
	*ret = p->receipt;
	pthread_mutex_unlock(&p->lock);
}
