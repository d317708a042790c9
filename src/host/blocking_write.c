// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The helper tells its pid; then, for each request that comes through the stream, it opens, writes
 * or reads, and tells what came of it. To fork one takes a millisecond, as long as many a write:
 * who has answered waits for the next.
 */
#include "blocking_write.h"
#include "blocking_read.h"
#include "fd.h"
#include "helper.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* The start of a helper waits for nobody's lock, only for a processor. */
enum { TELL_EVERY_MS = 1000, START_MS = 10000 };

/* One small write to a stream goes through it in one piece. */
struct told {
	int32_t is_pid; /* 1: value is the helper's pid; 0: the result */
	int32_t value;
	char data[BLOCKING_READ_MAX]; /* of a read, the first `value` bytes */
};

/* Runs in the helper. If it fails nobody listens any more. */
static void tell(int fd, const struct told *t)
{
	if (write(fd, t, sizeof(*t)) < 0)
		_exit(1);
}

/* A request is this, then the path with its NUL, then the data that is to be written. */
struct request {
	uint32_t reads, path_len, data_len;
};

enum { PATH_BYTES = 1024, DATA_BYTES = 8192 };

struct job {
	struct rootdir root;
	char path[PATH_BYTES], data[DATA_BYTES];
};

static int read_all(int fd, void *to, size_t len)
{
	for (size_t got = 0; got < len;) {
		ssize_t n = read(fd, (char *)to + got, len - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EPIPE;
		got += (size_t)n;
	}
	return 0;
}

static int write_one(const struct job *j, size_t len)
{
	int fd = rootdir_open(&j->root, j->path, O_WRONLY), r;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, j->data, len);
	r = n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
	close(fd);
	return r;
}

/* One request after another, until nobody is there to ask. */
static void run(void *arg, int fd, int out)
{
	struct told t = { .is_pid = 1, .value = getpid() };
	struct job *j = arg;
	struct request q;

	j->root.fd = fd;
	tell(out, &t);
	t.is_pid = 0;
	while (read_all(out, &q, sizeof(q)) == 0 && q.path_len <= sizeof(j->path) &&
		q.data_len <= sizeof(j->data) && read_all(out, j->path, q.path_len) == 0 &&
		read_all(out, j->data, q.data_len) == 0) {
		t.value = q.reads ? (int32_t)rootdir_read(&j->root, j->path, t.data, sizeof(t.data))
				  : write_one(j, q.data_len);
		tell(out, &t);
	}
}

/* Runs in the caller. */
static void failed(void *arg UNUSED, int out, int code)
{
	struct told t = { .value = code };

	(void)send(out, &t, sizeof(t), MSG_NOSIGNAL);
}

/* 1 when the result is there, 0 when it is not yet, -errno when it never comes. */
static int listen_to(int in, int *pidfd, struct told *t)
{
	ssize_t n = recv(in, t, sizeof(*t), MSG_WAITALL);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n != sizeof(*t))
		return -EIO; /* the helper was killed */
	if (!t->is_pid)
		return 1;
	*pidfd = (int)syscall(SYS_pidfd_open, t->value, 0);
	return 0;
}

/* Waits until `until`, the deadline or something to read: > 0 readable, 0 time is over. */
static int poll_until(int in, uint64_t until)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	uint64_t now = clock_now_ms(NULL);
	int r = poll(&p, 1, until > now ? (int)(until - now) : 0);

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r;
}

/* 0 when `ret` holds the result. */
static int wait_for_result(int in, int *pidfd, const struct host_wait *wait, struct told *ret)
{
	uint64_t begin = clock_now_ms(NULL), deadline = begin + wait->deadline_ms;
	uint64_t next_tell = begin + TELL_EVERY_MS;
	int r;

	for (;;) {
		uint64_t now;

		r = poll_until(in, MIN(deadline, next_tell));
		if (r > 0)
			r = listen_to(in, pidfd, ret);
		if (r)
			return MIN(r, 0);
		now = clock_now_ms(NULL);
		if (now >= deadline)
			return -ETIMEDOUT;
		if (now < next_tell)
			continue;
		next_tell = now + TELL_EVERY_MS;
		if (wait->waiting && wait->waiting(wait->arg, (unsigned)(now - begin)))
			return -ECANCELED;
	}
}

/* ---- Helpers that have nothing to do at present ---- */

enum { IDLE_MAX = 16, START_US_MAX = 20000 };

/* A forked process must not share helpers, and one that gave up rights must not borrow theirs. */
struct owner {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	struct __user_cap_data_struct caps[2];
};

struct writer {
	int fd, pidfd;
};

struct writers {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct owner owner;
	struct writer idle[IDLE_MAX];
	unsigned n, busy;
	uint64_t start_us; /* how long it last took to start one */
};

static struct owner owner_now(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct owner o;

	memset(&o, 0, sizeof(o)); /* compared as bytes */
	o.pid = getpid();
	o.uid = geteuid();
	o.gid = getegid();
	(void)syscall(SYS_capget, &head, o.caps);
	return o;
}

/* Without the stream it ends. */
static void writer_close(struct writer *w)
{
	closep_(&w->fd);
	closep_(&w->pidfd);
}

static void drop_all(struct writers *ws)
{
	while (ws->n)
		writer_close(&ws->idle[--ws->n]);
}

struct writers *writers_new(void)
{
	struct writers *ws = calloc(1, sizeof(*ws));
	pthread_condattr_t monotonic;

	if (!ws)
		return NULL;
	pthread_mutex_init(&ws->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&ws->freed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return ws;
}

void writers_free(struct writers *ws)
{
	if (!ws)
		return;
	drop_all(ws);
	pthread_cond_destroy(&ws->freed);
	pthread_mutex_destroy(&ws->lock);
	free(ws);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/*
 * Most writes are done before another helper could have been started: one that is busy is waited
 * for twice as long as that would take, for those who start one at the same time hold each other
 * up. The lock is held.
 */
static void await_idle(struct writers *ws)
{
	uint64_t until = now_us() + 2 * ws->start_us;
	struct timespec t = { .tv_sec = (time_t)(until / 1000000),
		.tv_nsec = (long)(until % 1000000) * 1000 };

	while (!ws->n && ws->busy && pthread_cond_timedwait(&ws->freed, &ws->lock, &t) == 0)
		;
}

/* If there is none, the caller starts one. */
static bool take_idle(struct writers *ws, struct writer *ret)
{
	struct owner now = owner_now();
	bool any;

	pthread_mutex_lock(&ws->lock);
	if (memcmp(&now, &ws->owner, sizeof(now)) != 0) {
		drop_all(ws);
		ws->busy = 0;
		ws->owner = now;
	}
	await_idle(ws);
	any = ws->n > 0;
	if (any)
		*ret = ws->idle[--ws->n];
	ws->busy++;
	pthread_mutex_unlock(&ws->lock);
	return any;
}

/* No more busy: idle, or (-1) not there any more. */
static void put_idle(struct writers *ws, struct writer *w)
{
	pthread_mutex_lock(&ws->lock);
	ws->busy -= ws->busy > 0;
	if (w->fd >= 0 && ws->n < IDLE_MAX) {
		ws->idle[ws->n++] = *w;
		*w = (struct writer) { -1, -1 };
	}
	pthread_cond_signal(&ws->freed);
	pthread_mutex_unlock(&ws->lock);
	writer_close(w);
}

static int start(struct writers *ws, const struct rootdir *r, struct writer *ret)
{
	autofree struct job *job = calloc(1, sizeof(*job));
	struct helper what = { .run = run, .failed = failed, .arg = job, .fd = r->fd };
	uint64_t begin = now_us();
	int e;

	if (!job)
		return -ENOMEM;
	job->root = *r;
	*ret = (struct writer) { -1, -1 };
	e = helper_start(&what, &ret->fd);
	pthread_mutex_lock(&ws->lock);
	ws->start_us = MIN(now_us() - begin, (uint64_t)START_US_MAX);
	pthread_mutex_unlock(&ws->lock);
	return e;
}

static uint32_t path_len(const char *path)
{
	return (uint32_t)strlen(path) + 1;
}

static int ask(const struct writer *w, const struct request *q, const char *path, const void *data)
{
	struct iovec v[] = { { (void *)(uintptr_t)q, sizeof(*q) },
		{ (void *)(uintptr_t)path, q->path_len },
		{ (void *)(uintptr_t)data, q->data_len } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = ARRAY_SIZE(v) };
	ssize_t n;

	/* Nor does one who does not listen hold us up, though some requests wait for him already.
	 */
	do
		n = sendmsg(w->fd, &m, MSG_NOSIGNAL | (q->reads ? MSG_DONTWAIT : 0));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* A helper that has got the request. */
static int engage(struct writers *ws, const struct rootdir *r, const struct request *q,
	const char *path, const void *data, struct writer *ret)
{
	int e;

	/* One that has died meanwhile did not get the request, so nothing is written twice. */
	if (take_idle(ws, ret)) {
		if (ask(ret, q, path, data) == 0)
			return 0;
		writer_close(ret);
	}
	e = start(ws, r, ret);
	/* It may be unable to start, and says why. */
	if (e == 0)
		(void)ask(ret, q, path, data);
	else
		put_idle(ws, ret);
	return e;
}

/* Idle again, or left behind. */
static void dismiss(struct writers *ws, struct writer *w, int e)
{
	if (e != -ETIMEDOUT && e != -ECANCELED && w->pidfd >= 0) {
		put_idle(ws, w);
		return;
	}
	/* One that the kernel holds does not notice this; any other ends. */
	if (w->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
	writer_close(w);
	put_idle(ws, w);
}

int blocking_write(struct writers *ws, const struct rootdir *r, const char *path, const void *data,
	size_t len, const struct host_wait *wait)
{
	struct request q = { .path_len = path_len(path), .data_len = (uint32_t)len };
	struct writer w = { -1, -1 };
	struct told t;
	int e;

	if (strlen(path) >= PATH_BYTES || len > DATA_BYTES)
		return -E2BIG;
	e = engage(ws, r, &q, path, data, &w);
	if (e < 0)
		return e;
	e = wait_for_result(w.fd, &w.pidfd, wait, &t);
	dismiss(ws, &w, e);
	return e < 0 ? e : t.value;
}

static int wait_for_start(struct writer *w)
{
	uint64_t until = clock_now_ms(NULL) + START_MS;
	struct told t;
	int r = 0;

	while (r == 0 && w->pidfd < 0) {
		r = poll_until(w->fd, until);
		if (r == 0 && clock_now_ms(NULL) >= until)
			return -EAGAIN;
		if (r > 0)
			r = listen_to(w->fd, &w->pidfd, &t);
	}
	/* A result without a pid is why it cannot start. */
	return r > 0 ? t.value : r;
}

/* All requests at once: they are few and small, and wait in the stream. */
static int ask_for(const struct writer *w, char *const *paths)
{
	int e = 0;

	for (; e == 0 && *paths; paths++)
		e = ask(w, &(struct request) { .reads = 1, .path_len = path_len(*paths) }, *paths,
			"");
	return e;
}

/* One that can be asked, and has its pid told. */
static int engage_reader(
	struct writers *ws, const struct rootdir *r, char *const *paths, struct writer *ret)
{
	int e;

	if (take_idle(ws, ret)) {
		if (ask_for(ret, paths) == 0)
			return 0;
		writer_close(ret);
	}
	e = start(ws, r, ret);
	if (e == 0 && ask_for(ret, paths) == -EAGAIN)
		e = -E2BIG;
	if (e == 0)
		e = wait_for_start(ret);
	if (e < 0) {
		writer_close(ret);
		put_idle(ws, ret);
	}
	return e;
}

/* As far as one helper gets; 0 when that was to the end. */
static int read_on(struct writers *ws, const struct rootdir *r, char *const *paths,
	unsigned stall_ms, size_t *i, void (*got)(void *arg, size_t i, ssize_t n, const char *data),
	void *arg)
{
	const struct host_wait wait = { .deadline_ms = stall_ms };
	struct writer w = { -1, -1 };
	struct told t;
	int e = engage_reader(ws, r, paths + *i, &w);

	if (e < 0)
		return e;
	while (paths[*i]) {
		e = wait_for_result(w.fd, &w.pidfd, &wait, &t);
		if (e < 0)
			break;
		got(arg, (*i)++, t.value, t.data);
	}
	/* What it was asked for and has not told is nobody's business any more. */
	dismiss(ws, &w, e < 0 ? -ECANCELED : 0);
	return e;
}

int blocking_read_few(struct writers *ws, const struct rootdir *r, char *const *paths,
	unsigned stall_ms, void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg)
{
	size_t i = 0;

	while (paths[i]) {
		size_t before = i;
		int e;

		if (strlen(paths[i]) >= PATH_BYTES)
			return -E2BIG;
		e = read_on(ws, r, paths, stall_ms, &i, got, arg);
		if (e == -ETIMEDOUT || (e < 0 && i > before))
			got(arg, i++, e, NULL);
		else if (e < 0)
			return e;
	}
	return 0;
}
