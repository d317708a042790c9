// SPDX-License-Identifier: GPL-2.0-or-later
#include "bells.h"
#include "engines.h"

#include "base/str.h"
#include "vmm/count/syscalls.h"

#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/vfs.h>

enum { PROCESSORS_TO_SPARE = 3 }; /* for the guest, for who polls, and for the kernel's thread */

struct disk_engine {
	enum disk_engine_kind kind;
	char why[120], why_written[120];
	int *bells;
	unsigned n_bells;
	int *doorbells; /* NULL: none; the channels' */
	unsigned n, depth;
	struct disk_channel *channels[];
};

static const char *const names[] = {
	[DISK_ENGINE_AUTO] = "auto",
	[DISK_ENGINE_URING] = "uring",
	[DISK_ENGINE_SQPOLL] = "uring-sqpoll",
	[DISK_ENGINE_THREADS] = "threads",
	[DISK_ENGINE_SYNC] = "sync",
};

int disk_engine_parse(const char *text, enum disk_engine_kind *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(text, names[i])) {
			*ret = (enum disk_engine_kind)i;
			return 0;
		}
	return -EINVAL;
}

const char *disk_engine_kind_name(enum disk_engine_kind kind)
{
	return names[kind];
}

static void drop_channels(struct disk_engine *e)
{
	for (unsigned i = 0; i < e->n; i++)
		if (e->channels[i])
			e->channels[i]->ops->free(TAKE_PTR(e->channels[i]));
}

static int make_channel(struct disk_engine *e, const struct disk_engine_params *p,
	enum disk_engine_kind kind, unsigned i, const char **ret_what)
{
	*ret_what = "memory";
	switch (kind) {
	case DISK_ENGINE_SYNC:
		return disk_sync_new(&e->channels[i]);
	case DISK_ENGINE_THREADS:
		return disk_pool_new(&e->channels[i]);
	default:
		return disk_uring_new(p->fd, p->depth, kind == DISK_ENGINE_SQPOLL,
			i ? e->channels[0]->fd : -1, &e->channels[i], ret_what);
	}
}

/* All channels of one kind, or none. */
static int make_channels(struct disk_engine *e, const struct disk_engine_params *p,
	enum disk_engine_kind kind, const char **ret_what)
{
	int r = 0;

	for (unsigned i = 0; i < e->n && r == 0; i++)
		r = make_channel(e, p, kind, i, ret_what);
	if (r < 0)
		drop_channels(e);
	else
		e->kind = kind;
	return r;
}

/*
 * tmpfs knows no reading without waiting, so that io_uring asks a thread of its own each time. Of a
 * device's node, /dev, which is one as well, says nothing of the device.
 */
static bool lies_in_memory(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && fstatfs(fd, &fs) == 0 &&
	       fs.f_type == TMPFS_MAGIC;
}

/* The first choice; `e->why` when it is not the usual one. */
static enum disk_engine_kind choose(struct disk_engine *e, const struct disk_engine_params *p)
{
	if (p->kind != DISK_ENGINE_AUTO)
		return p->kind;
	if (!lies_in_memory(p->fd))
		return DISK_ENGINE_URING;
	snprintf(e->why, sizeof(e->why), "it lies in memory: there is nothing to wait for");
	return DISK_ENGINE_SYNC;
}

/* ---- who interrupts the guest ---- */

static void drop_bells(struct disk_engine *e)
{
	for (unsigned i = 0; i < e->n; i++)
		if (e->channels[i])
			bells_free(TAKE_PTR(e->channels[i]->bells));
	for (unsigned i = 0; i < e->n_bells; i++)
		close(e->bells[i]);
	free(TAKE_PTR(e->bells));
	e->n_bells = 0;
}

/* NULL: by a ring; else why not. */
static const char *why_written(const struct disk_engine *e, const struct disk_engine_params *p)
{
	cpu_set_t set;

	if (p->signals == DISK_SIGNALS_RING || e->kind == DISK_ENGINE_SQPOLL)
		return NULL;
	if (!p->polled)
		return "";
	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) < PROCESSORS_TO_SPARE
		       ? "the thread of the kernel's that looks at a ring would want a processor of "
			 "its own"
		       : NULL;
}

static int make_fds(struct disk_engine *e, unsigned n, const char **ret_what)
{
	*ret_what = "eventfds";
	e->bells = calloc(n, sizeof(*e->bells));
	if (!e->bells)
		return -ENOMEM;
	while (e->n_bells < n) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return -errno;
		e->bells[e->n_bells++] = fd;
	}
	return 0;
}

/* The kernel's thread is that of the engine's own rings, or one for the rings of all bells. */
static int make_rings(struct disk_engine *e, const struct disk_engine_params *p, const char **what)
{
	int share = e->kind == DISK_ENGINE_SQPOLL ? e->channels[0]->fd : -1;
	int r = make_fds(e, p->bells, what);

	for (unsigned i = 0; i < e->n && r == 0; i++) {
		struct disk_channel *c = e->channels[i];

		r = bells_new(e->bells, e->n_bells, share, &c->bells, what);
		if (r == 0 && share < 0)
			share = bells_fd(c->bells);
		c->bell_fds = e->bells;
	}
	return r;
}

static int make_bells(
	struct disk_engine *e, const struct disk_engine_params *p, struct problem **reterr)
{
	const char *why, *what;
	int r;

	if (!p->bells || p->signals == DISK_SIGNALS_WRITE)
		return 0;
	why = why_written(e, p);
	if (why) {
		snprintf(e->why_written, sizeof(e->why_written), "%s", why);
		return 0;
	}
	r = make_rings(e, p, &what);
	if (r == 0)
		return 0;
	drop_bells(e);
	if (p->signals == DISK_SIGNALS_RING)
		return problem(reterr, r, PROBLEM_UNSUPPORTED, "signals=auto takes what there is",
			"no ring for the disk's interrupts, %s: %s", what, strerror(-r));
	snprintf(e->why_written, sizeof(e->why_written), "no ring can be had, %s: %s", what,
		strerror(-r));
	return 0;
}

/* All have one, or none. */
static int list_doorbells(struct disk_engine *e)
{
	if (e->channels[0]->doorbell < 0)
		return 0;
	e->doorbells = calloc(e->n, sizeof(*e->doorbells));
	if (!e->doorbells)
		return -ENOMEM;
	for (unsigned i = 0; i < e->n; i++)
		e->doorbells[i] = e->channels[i]->doorbell;
	return 0;
}

static int make_engine(
	struct disk_engine *e, const struct disk_engine_params *p, struct problem **reterr)
{
	enum disk_engine_kind first = choose(e, p);
	const char *what;
	int r = make_channels(e, p, first, &what);

	if (r < 0 && p->kind == DISK_ENGINE_AUTO) {
		snprintf(e->why, sizeof(e->why), "io_uring cannot be had, %s: %s", what,
			strerror(-r));
		r = make_channels(e, p, DISK_ENGINE_THREADS, &what);
	}
	if (r == 0)
		r = list_doorbells(e);
	if (r < 0)
		return problem(reterr, r, PROBLEM_UNSUPPORTED, "engine=auto takes what there is",
			"the disk's engine \"%s\", %s: %s", names[first], what, strerror(-r));
	return 0;
}

int disk_engine_new(
	const struct disk_engine_params *p, struct disk_engine **ret, struct problem **reterr)
{
	CLEANUP(disk_engine_freep)
	struct disk_engine *e = calloc(1, sizeof(*e) + p->channels * sizeof(struct disk_channel *));
	int r;

	if (!e)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "no memory for a disk");
	e->n = p->channels;
	e->depth = p->depth;
	r = make_engine(e, p, reterr);
	if (r == 0)
		r = make_bells(e, p, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(e);
	return 0;
}

void disk_engine_free(struct disk_engine *e)
{
	if (!e)
		return;
	drop_bells(e);
	drop_channels(e);
	free(e->doorbells);
	free(e);
}

const char *disk_engine_name(const struct disk_engine *e)
{
	return names[e->kind];
}

const char *disk_engine_why(const struct disk_engine *e)
{
	return *e->why ? e->why : NULL;
}

const int *disk_engine_bells(const struct disk_engine *e, unsigned *ret_n)
{
	*ret_n = e->n_bells;
	return e->n_bells ? e->bells : NULL;
}

const char *disk_engine_why_written(const struct disk_engine *e)
{
	return *e->why_written ? e->why_written : NULL;
}

const int *disk_engine_doorbells(const struct disk_engine *e)
{
	return e->doorbells;
}

unsigned disk_engine_channels(const struct disk_engine *e)
{
	return e->n;
}

unsigned disk_engine_depth(const struct disk_engine *e)
{
	return e->depth;
}

struct disk_channel *disk_engine_channel(struct disk_engine *e, unsigned i)
{
	return e->channels[i];
}

int disk_channel_start(struct disk_channel *c, struct disk *d, const char *name)
{
	int r;

	c->disk = d;
	r = c->ops->start ? c->ops->start(c, name) : 0;
	if (r < 0)
		c->disk = NULL;
	return r;
}

void disk_channel_stop(struct disk_channel *c)
{
	if (c->disk && c->ops->stop)
		c->ops->stop(c);
	if (c->bells)
		bells_settle(c->bells);
	c->disk = NULL;
}

void disk_submit(struct disk_channel *c, struct disk_request *r)
{
	r->next = NULL;
	r->tries = r->stage = 0;
	r->syscalls = 0;
	r->bounce = NULL;
	r->result = 0;
	c->in_flight++;
	c->ops->submit(c, r);
}

void disk_kick(struct disk_channel *c)
{
	c->ops->kick(c);
}

/* Without any in flight, too: what else there is would keep the descriptor readable. */
static struct disk_request *take(struct disk_channel *c, bool wait)
{
	struct disk_request *r = c->in_flight || !wait ? c->ops->reap(c, wait) : NULL;

	if (!r) {
		if (c->bells)
			bells_mend(c->bells);
		return NULL;
	}
	c->in_flight--;
	syscalls_count((unsigned)r->syscalls);
	disk_count(&c->requests);
	if (r->result < 0 && !c->dropping)
		disk_count(&c->errors);
	return r;
}

struct disk_request *disk_reap(struct disk_channel *c)
{
	return take(c, false);
}

struct disk_request *disk_wait(struct disk_channel *c)
{
	return take(c, true);
}

struct disk_request *disk_drop(struct disk_channel *c)
{
	struct disk_request *r;

	c->dropping = true;
	r = take(c, true);
	c->dropping = false;
	return r;
}

unsigned disk_in_flight(const struct disk_channel *c)
{
	return c->in_flight;
}

int disk_channel_fd(const struct disk_channel *c)
{
	return c->fd;
}

/* Who sleeps does not see what the ring could not do: then it is not asked. */
void disk_signal(struct disk_channel *c, unsigned bell)
{
	static const uint64_t one = 1;
	ssize_t n;

	if (c->awake) {
		bells_ring(c->bells, bell);
		return;
	}
	syscalls_count(1);
	n = write(c->bell_fds[bell], &one, sizeof(one));
	(void)n; /* a full counter signals as well */
}

bool disk_sleep(struct disk_channel *c, bool asleep)
{
	if (c->bells && asleep)
		bells_mend(c->bells);
	c->awake = !asleep;
	return c->ops->sleep(c, asleep);
}

void disk_attend(struct disk_channel *c, bool on)
{
	c->attended = on;
	c->deferring = false;
	c->ops->attend(c, on);
}

int disk_doze_begin(struct disk_channel *c)
{
	c->deferring = false;
	return c->ops->doze_begin(c);
}

int disk_doze(struct disk_channel *c, unsigned n)
{
	return c->ops->doze(c, n);
}

int disk_doze_end(struct disk_channel *c, int slept)
{
	c->deferring = true;
	return c->ops->doze_end(c, slept);
}

struct disk_channel_stats disk_channel_stats(const struct disk_channel *c)
{
	return (struct disk_channel_stats) {
		.requests = atomic_load_explicit(&c->requests, memory_order_relaxed),
		.bounced = atomic_load_explicit(&c->bounced, memory_order_relaxed),
		.errors = atomic_load_explicit(&c->errors, memory_order_relaxed),
	};
}

void disk_request_do(struct disk_channel *c, struct disk_request *r)
{
	struct disk *d = c->disk;

	switch (r->work) {
	case DISK_READ:
	case DISK_WRITE:
		if (!disk_is_aligned(d, &r->sg, r->offset))
			disk_count(&c->bounced);
		r->result = r->work == DISK_READ ? d->ops->read(d, &r->sg, r->offset)
						 : d->ops->write(d, &r->sg, r->offset);
		return;
	case DISK_FLUSH:
		r->result = d->ops->flush(d);
		return;
	case DISK_DISCARD:
		r->result = d->ops->discard(d, r->offset, r->len);
		return;
	case DISK_ZERO:
		r->result = d->ops->zero(d, r->offset, r->len, r->may_unmap);
		return;
	}
	r->result = -EINVAL;
}
