// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The caller forks a child, the child forks the helper and ends at once, so that nobody has to
 * collect a helper that outlives the deadline (init does). The helper tells its pid, opens, writes
 * and tells the errno through a pipe.
 *
 * A helper stuck in the kernel keeps what it inherited: it therefore closes every descriptor but
 * its own two, or it would hold a VFIO device open (and so wait for itself), or keep the reader of
 * our standard output waiting for its end.
 *
 * The caller may have threads: after fork only async-signal-safe calls, on data prepared before.
 */
#include "blocking_write.h"
#include "fd.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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

/* Puts `a` at 3 and `b` at 4 and closes the rest. */
static void keep_two(int *a, int *b)
{
	int hi_a = fcntl(*a, F_DUPFD, 16), hi_b = fcntl(*b, F_DUPFD, 16);

	*a = dup2(hi_a, 3);
	*b = dup2(hi_b, 4);
	close(0);
	close(1);
	close(2);
	if (syscall(SYS_close_range, 5u, ~0u, 0u) < 0)
		for (int fd = 5; fd < 65536; fd++)
			close(fd);
}

_Noreturn static void helper(
	struct rootdir r, const char *path, const void *data, size_t len, int out)
{
	ssize_t n;
	int fd;

	keep_two(&r.fd, &out);
	setsid();
	tell(out, 1, getpid());
	fd = rootdir_open(&r, path, O_WRONLY);
	if (fd < 0) {
		tell(out, 0, fd);
		_exit(0);
	}
	n = write(fd, data, len);
	if (n < 0)
		tell(out, 0, -errno);
	else
		tell(out, 0, (size_t)n == len ? 0 : -EIO);
	_exit(0);
}

/* Starts the helper; its messages arrive at *ret_in. */
static int start(
	const struct rootdir *r, const char *path, const void *data, size_t len, int *ret_in)
{
	sigset_t all, old;
	int p[2], status, e;
	pid_t child;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	/* No handler of the caller may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	child = fork();
	e = child < 0 ? -errno : 0;
	if (child == 0) {
		pid_t grandchild = fork();

		if (grandchild == 0)
			helper(*r, path, data, len, p[1]);
		if (grandchild < 0)
			tell(p[1], 0, -errno);
		_exit(0);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(p[1]);
	if (e < 0) {
		close(p[0]);
		return e;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*ret_in = p[0];
	return 0;
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
	autoclose int in = -1, pidfd = -1;
	int e = start(r, path, data, len, &in);

	if (e < 0)
		return e;
	e = wait_for_result(in, &pidfd, wait);
	/* A write that the kernel already works on does not notice this; any other helper ends. */
	if ((e == -ETIMEDOUT || e == -ECANCELED) && pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return e;
}
