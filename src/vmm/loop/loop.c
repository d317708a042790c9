/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop.h"

#include "base/thread.h"
#include "vmm/count/syscalls.h"
#include "vmm/sandbox/sandbox.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

enum { LOOP_BATCH = 32 };

struct loop {
	int epoll_fd, wake_fd;
	pthread_mutex_t lock; /* recursive; held while a callback runs, and to change the lists */
	atomic_uint waiters;  /* for it, so that a thread that polls makes way */
	struct loop_source *sources;
	struct loop_source *dead; /* removed; the current batch of events may still name them */
	pthread_t thread;
	bool has_thread;
	atomic_bool quit;
	int quit_value;
	loop_poll_fn poll; /* NULL: none */
	void *poll_arg;
	const struct loop_sleeper *sleeper; /* NULL: it sleeps in here */
	void *sleeper_arg;
	atomic_uint_fast64_t wakeups, waits;
	KEEP_APART;
};

struct loop_source {
	struct loop *loop;
	struct loop_source *next, **link;
	int fd;
	bool is_eventfd, removed;
	loop_fn fn;
	void *arg;
};

static int init_lock(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return 0;
}

void loop_hold(struct loop *l)
{
	atomic_fetch_add(&l->waiters, 1);
	pthread_mutex_lock(&l->lock);
	atomic_fetch_sub(&l->waiters, 1);
}

void loop_release(struct loop *l)
{
	pthread_mutex_unlock(&l->lock);
}

/* Mutexes are not fair: without this a thread that polls might have the lock for ever. */
static void make_way(struct loop *l)
{
	while (atomic_load_explicit(&l->waiters, memory_order_relaxed))
		sched_yield();
}

int loop_new(struct loop **ret)
{
	struct epoll_event wake = { .events = EPOLLIN, .data.ptr = NULL };
	struct loop *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	init_lock(&l->lock);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->wake_fd < 0 || l->epoll_fd < 0 ||
		epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &wake) < 0) {
		r = -errno;
		loop_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

static void free_list(struct loop_source **list)
{
	struct loop_source *s = *list, *next;

	*list = NULL;
	for (; s; s = next) {
		next = s->next;
		free(s);
	}
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	loop_stop_thread(l);
	free_list(&l->sources);
	free_list(&l->dead);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	if (l->wake_fd >= 0)
		close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static int add_source(struct loop *l, struct loop_source *s, uint32_t events)
{
	/* See loop_source_set_events(). */
	struct epoll_event ev = { .events = events ? events : EPOLLONESHOT, .data.ptr = s };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) < 0)
		return -errno;
	s->next = l->sources;
	s->link = &l->sources;
	if (s->next)
		s->next->link = &s->next;
	l->sources = s;
	return 0;
}

static int add(struct loop *l, int fd, uint32_t events, bool is_eventfd, loop_fn fn, void *arg,
	struct loop_source **ret)
{
	autofree struct loop_source *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct loop_source) {
		.loop = l,
		.fd = fd,
		.is_eventfd = is_eventfd,
		.fn = fn,
		.arg = arg,
	};
	loop_hold(l);
	r = add_source(l, s, events);
	/* Set before the lock goes: the callback may want to use the handle at once. */
	if (r == 0)
		*ret = TAKE_PTR(s);
	loop_release(l);
	return r;
}

int loop_add(
	struct loop *l, int fd, uint32_t events, loop_fn fn, void *arg, struct loop_source **ret)
{
	return add(l, fd, events, false, fn, arg, ret);
}

int loop_add_eventfd(struct loop *l, int fd, loop_fn fn, void *arg, struct loop_source **ret)
{
	return add(l, fd, EPOLLIN, true, fn, arg, ret);
}

int loop_source_set_events(struct loop_source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	/* epoll reports EPOLLHUP and EPOLLERR even for an empty set: one-shot 0 keeps it asleep. */
	if (!events)
		ev.events = EPOLLONESHOT;
	return epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &ev) < 0 ? -errno : 0;
}

void loop_wake(struct loop *l)
{
	uint64_t one = 1;
	ssize_t n = write(l->wake_fd, &one, sizeof(one));

	(void)n; /* a full counter wakes just as well */
}

void loop_remove(struct loop_source *s)
{
	struct loop *l;

	if (!s)
		return;
	l = s->loop;
	loop_hold(l);
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->removed = true;
	s->next = l->dead;
	l->dead = s;
	loop_release(l);
}

static void dispatch(struct loop_source *s, uint32_t events)
{
	uint64_t count;

	if (s->removed)
		return;
	if (s->is_eventfd && read(s->fd, &count, sizeof(count)) != sizeof(count))
		return; /* somebody else took the signal */
	s->fn(s->arg, events);
}

/* While it quits the signal stays, for the next wait. */
static void forget_wake(struct loop *l)
{
	uint64_t count;
	ssize_t n = l->quit ? 0 : read(l->wake_fd, &count, sizeof(count));

	(void)n;
}

static void count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static bool slept_elsewhere(struct loop *l)
{
	if (!l->sleeper || !l->sleeper->sleep(l->sleeper_arg))
		return false;
	count(&l->waits);
	count(&l->wakeups);
	return true;
}

/* One wait and the callbacks it gives. The dead of the last round are named by nobody now. */
static int run_once(struct loop *l, bool sleeps)
{
	struct epoll_event events[LOOP_BATCH];
	int n;

	pthread_mutex_lock(&l->lock);
	free_list(&l->dead);
	pthread_mutex_unlock(&l->lock);
	syscalls_take();
	if (sleeps && slept_elsewhere(l))
		return 0;
	syscalls_count(1);
	count(&l->waits);
	n = epoll_wait(l->epoll_fd, events, LOOP_BATCH, sleeps ? -1 : 0);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (sleeps)
		count(&l->wakeups);
	for (int i = 0; i < n; i++) {
		pthread_mutex_lock(&l->lock);
		if (!events[i].data.ptr)
			forget_wake(l);
		else if (!l->quit)
			dispatch(events[i].data.ptr, events[i].events);
		pthread_mutex_unlock(&l->lock);
	}
	return 0;
}

static bool wants_quit(struct loop *l, int *ret_value)
{
	uint64_t count;

	if (!atomic_load(&l->quit))
		return false;
	pthread_mutex_lock(&l->lock);
	*ret_value = l->quit_value;
	l->quit = false;
	while (read(l->wake_fd, &count, sizeof(count)) > 0)
		;
	pthread_mutex_unlock(&l->lock);
	return true;
}

static enum loop_next ask_poller(struct loop *l)
{
	enum loop_next next;

	if (!l->poll)
		return LOOP_SLEEP;
	make_way(l);
	pthread_mutex_lock(&l->lock);
	next = l->poll(l->poll_arg);
	pthread_mutex_unlock(&l->lock);
	return next;
}

void loop_set_poll(struct loop *l, loop_poll_fn fn, void *arg)
{
	l->poll = fn;
	l->poll_arg = arg;
}

void loop_set_sleeper(struct loop *l, const struct loop_sleeper *sleeper, void *arg)
{
	l->sleeper = sleeper;
	l->sleeper_arg = arg;
}

int loop_run(struct loop *l)
{
	int r = 0, value = 0;

	while (r == 0 && !wants_quit(l, &value)) {
		enum loop_next next = ask_poller(l);

		if (next != LOOP_SPIN)
			r = run_once(l, next == LOOP_SLEEP);
	}
	return r < 0 ? r : value;
}

void loop_quit(struct loop *l, int value)
{
	loop_hold(l);
	if (!l->quit) {
		l->quit = true;
		l->quit_value = value;
	}
	if (l->sleeper)
		l->sleeper->poke(l->sleeper_arg);
	loop_release(l);
	loop_wake(l);
}

static void *thread_main(void *arg)
{
	sandbox_thread(SANDBOX_IO);
	loop_run(arg);
	return NULL;
}

int loop_start_thread(struct loop *l, const char *name)
{
	int r = thread_start(&l->thread, name, thread_main, l);

	l->has_thread = r == 0;
	return r;
}

int loop_pin(struct loop *l, unsigned cpu)
{
	cpu_set_t set;

	if (cpu >= CPU_SETSIZE || !l->has_thread)
		return -EINVAL;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_setaffinity_np(l->thread, sizeof(set), &set);
}

int loop_unpin(struct loop *l)
{
	cpu_set_t set;

	if (!l->has_thread || sched_getaffinity(0, sizeof(set), &set) < 0)
		return -EINVAL;
	return -pthread_setaffinity_np(l->thread, sizeof(set), &set);
}

void loop_stop_thread(struct loop *l)
{
	if (!l->has_thread)
		return;
	loop_quit(l, 0);
	pthread_join(l->thread, NULL);
	l->has_thread = false;
}

uint64_t loop_waits(const struct loop *l)
{
	return atomic_load_explicit(&l->waits, memory_order_relaxed);
}

uint64_t loop_wakeups(const struct loop *l)
{
	return atomic_load_explicit(&l->wakeups, memory_order_relaxed);
}
