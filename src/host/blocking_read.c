// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One helper tells its pid, reads all paths and tells each result as it comes. When one of them
 * does not come in time that helper is left behind, and another one goes on after that path.
 */
#include "blocking_read.h"
#include "fd.h"
#include "helper.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

/* The start of a helper waits for nobody's lock, only for a processor. */
enum { START_MS = 10000 };

/* At most PIPE_BUF bytes, so that it goes through the pipe in one piece. */
struct message {
	int64_t n;
	char data[BLOCKING_READ_MAX];
};

struct job {
	struct rootdir root;
	char *const *paths;
};

static void run(void *arg, int fd, int out)
{
	struct message hello = { .n = getpid() };
	struct job *j = arg;

	j->root.fd = fd;
	if (write(out, &hello, sizeof(hello)) != sizeof(hello))
		return;
	for (char *const *p = j->paths; *p; p++) {
		struct message m = { 0 };

		m.n = rootdir_read(&j->root, *p, m.data, sizeof(m.data));
		if (write(out, &m, sizeof(m)) != sizeof(m))
			return;
	}
}

/* The caller sees the end of the pipe. */
static void failed(void *arg UNUSED, int out UNUSED, int code UNUSED)
{
}

/* -ETIMEDOUT, or -EIO when the helper has died. */
static int next_message(int in, unsigned stall_ms, struct message *ret)
{
	uint64_t until = clock_now_ms(NULL) + stall_ms;
	struct pollfd p = { .fd = in, .events = POLLIN };

	for (;;) {
		uint64_t now = clock_now_ms(NULL);
		int r = poll(&p, 1, until > now ? (int)(until - now) : 0);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		return read(in, ret, sizeof(*ret)) == sizeof(*ret) ? 0 : -EIO;
	}
}

/* Results from paths[*i] on, as far as one helper gets; 0 when that was all of them. */
static int read_on(const struct rootdir *r, char *const *paths, unsigned stall_ms, size_t *i,
	void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg)
{
	struct job job = { .root = *r, .paths = paths + *i };
	struct helper what = { .run = run, .failed = failed, .arg = &job, .fd = r->fd };
	autoclose int in = -1, pidfd = -1;
	struct message m;
	int e = helper_start(&what, &in);

	if (e == 0)
		e = next_message(in, START_MS, &m);
	if (e < 0)
		return e == -ETIMEDOUT ? -EAGAIN : e;
	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)m.n, 0);
	while (paths[*i]) {
		e = next_message(in, stall_ms, &m);
		if (e < 0)
			break;
		got(arg, (*i)++, m.n, m.data);
	}
	/* One that sleeps in the kernel for a device lock does not notice; any other ends. */
	if (e < 0 && pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return e;
}

int blocking_read(const struct rootdir *r, char *const *paths, unsigned stall_ms,
	void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg)
{
	size_t i = 0;

	while (paths[i]) {
		size_t before = i;
		int e = read_on(r, paths, stall_ms, &i, got, arg);

		if (e == -ETIMEDOUT || (e < 0 && i > before))
			got(arg, i++, e, NULL);
		else if (e < 0)
			return e;
	}
	return 0;
}
