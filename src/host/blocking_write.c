// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The helper tells its pid; then, for each request that comes through the stream, it opens, writes
 * and tells the errno. To fork one takes a millisecond, as long as many a write: who has answered
 * waits for the next.
 */
#include "blocking_write.h"
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

enum { TELL_EVERY_MS = 1000 };

struct told {
	int32_t is_pid; /* 1: value is the helper's pid; 0: the result */
	int32_t value;
};

/* Runs in the helper. One small write to a pipe is atomic; if it fails nobody listens any more. */
static void tell(int fd, int is_pid, int value)
{
	struct told t = { .is_pid = is_pid, .value = value };

	if (write(fd, &t, sizeof(t)) < 0)
		_exit(1);
}

/* A request is this, then the path with its NUL, then the data. */
struct request {
	uint32_t path_len, data_len;
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
	struct job *j = arg;
	struct request q;

	j->root.fd = fd;
	tell(out, 1, getpid());
	while (read_all(out, &q, sizeof(q)) == 0 && q.path_len <= sizeof(j->path) &&
		q.data_len <= sizeof(j->data) && read_all(out, j->path, q.path_len) == 0 &&
		read_all(out, j->data, q.data_len) == 0)
		tell(out, 0, write_one(j, q.data_len));
}

static void failed(void *arg UNUSED, int out, int code)
{
	tell(out, 0, code);
}

/* 1 and *ret_result when the result is there, 0 when it is not yet, -errno when it never comes. */
static int listen_to(int in, int *pidfd, int *ret_result)
{
	struct told t;
	ssize_t n = read(in, &t, sizeof(t));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n != sizeof(t))
		return -EIO; /* the helper was killed */
	if (t.is_pid) {
		*pidfd = (int)syscall(SYS_pidfd_open, t.value, 0);
		return 0;
	}
	*ret_result = t.value;
	return 1;
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

static int wait_for_result(int in, int *pidfd, const struct host_wait *wait)
{
	uint64_t begin = clock_now_ms(NULL), deadline = begin + wait->deadline_ms;
	uint64_t next_tell = begin + TELL_EVERY_MS;
	int result = 0, r;

	for (;;) {
		uint64_t now;

		r = poll_until(in, MIN(deadline, next_tell));
		if (r > 0)
			r = listen_to(in, pidfd, &result);
		if (r > 0)
			return result;
		if (r < 0)
			return r;
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

enum { IDLE_MAX = 16 };

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
	struct owner owner;
	struct writer idle[IDLE_MAX];
	unsigned n;
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

	if (ws)
		pthread_mutex_init(&ws->lock, NULL);
	return ws;
}

void writers_free(struct writers *ws)
{
	if (!ws)
		return;
	drop_all(ws);
	pthread_mutex_destroy(&ws->lock);
	free(ws);
}

static bool take_idle(struct writers *ws, struct writer *ret)
{
	struct owner now = owner_now();
	bool any;

	pthread_mutex_lock(&ws->lock);
	if (memcmp(&now, &ws->owner, sizeof(now)) != 0) {
		drop_all(ws);
		ws->owner = now;
	}
	any = ws->n > 0;
	if (any)
		*ret = ws->idle[--ws->n];
	pthread_mutex_unlock(&ws->lock);
	return any;
}

static void put_idle(struct writers *ws, struct writer *w)
{
	pthread_mutex_lock(&ws->lock);
	if (ws->n < IDLE_MAX) {
		ws->idle[ws->n++] = *w;
		*w = (struct writer) { -1, -1 };
	}
	pthread_mutex_unlock(&ws->lock);
	writer_close(w);
}

static int start(const struct rootdir *r, struct writer *ret)
{
	autofree struct job *job = calloc(1, sizeof(*job));
	struct helper what = { .run = run, .failed = failed, .arg = job, .fd = r->fd };

	if (!job)
		return -ENOMEM;
	job->root = *r;
	*ret = (struct writer) { -1, -1 };
	return helper_start(&what, &ret->fd);
}

static int send_all(int fd, const void *data, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, (const char *)data + sent, len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		sent += (size_t)n;
	}
	return 0;
}

static int ask(const struct writer *w, const char *path, const void *data, size_t len)
{
	struct request q = { (uint32_t)strlen(path) + 1, (uint32_t)len };
	int r = send_all(w->fd, &q, sizeof(q));

	if (r == 0)
		r = send_all(w->fd, path, q.path_len);
	return r < 0 ? r : send_all(w->fd, data, len);
}

int blocking_write(struct writers *ws, const struct rootdir *r, const char *path, const void *data,
	size_t len, const struct host_wait *wait)
{
	struct writer w = { -1, -1 };
	int e = 0;

	if (strlen(path) >= PATH_BYTES || len > DATA_BYTES)
		return -E2BIG;
	/* One that has died meanwhile did not get the request, so nothing is written twice. */
	if (take_idle(ws, &w) && ask(&w, path, data, len) < 0)
		writer_close(&w);
	if (w.fd < 0) {
		e = start(r, &w);
		/* It may be unable to start, and says why. */
		if (e == 0)
			(void)ask(&w, path, data, len);
	}
	if (e < 0)
		return e;
	e = wait_for_result(w.fd, &w.pidfd, wait);
	if (e != -ETIMEDOUT && e != -ECANCELED && w.pidfd >= 0) {
		put_idle(ws, &w);
		return e;
	}
	/* A write that the kernel already works on does not notice this; any other helper ends. */
	if (w.pidfd >= 0)
		syscall(SYS_pidfd_send_signal, w.pidfd, SIGKILL, NULL, 0);
	writer_close(&w);
	return e;
}
