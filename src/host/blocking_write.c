// SPDX-License-Identifier: GPL-2.0-or-later
/* The helper tells its pid, opens, writes and tells the errno through a pipe. */
#include "blocking_write.h"
#include "fd.h"
#include "helper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

struct job {
	struct rootdir root;
	const char *path;
	const void *data;
	size_t len;
};

static void run(void *arg, int fd, int out)
{
	struct job *j = arg;
	ssize_t n;

	j->root.fd = fd;
	tell(out, 1, getpid());
	fd = rootdir_open(&j->root, j->path, O_WRONLY);
	if (fd < 0) {
		tell(out, 0, fd);
		return;
	}
	n = write(fd, j->data, j->len);
	if (n < 0)
		tell(out, 0, -errno);
	else
		tell(out, 0, (size_t)n == j->len ? 0 : -EIO);
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

int blocking_write(const struct rootdir *r, const char *path, const void *data, size_t len,
	const struct host_wait *wait)
{
	struct job job = { .root = *r, .path = path, .data = data, .len = len };
	struct helper what = { .run = run, .failed = failed, .arg = &job, .fd = r->fd };
	autoclose int in = -1, pidfd = -1;
	int e = helper_start(&what, &in);

	if (e < 0)
		return e;
	e = wait_for_result(in, &pidfd, wait);
	/* A write that the kernel already works on does not notice this; any other helper ends. */
	if ((e == -ETIMEDOUT || e == -ECANCELED) && pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return e;
}
