// SPDX-License-Identifier: GPL-2.0-or-later
#include "helper.h"
#include "base/attr.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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

/* What the process between us and the helper needs, and how that went. */
struct birth {
	const struct helper *what;
	int out, failed; /* errno, negative */
};

/*
 * Runs in our memory while we wait: the whole of it is copied once, for the helper, and not a
 * second time for the process that has hardly anything to do.
 */
static int give_birth(void *arg)
{
	struct birth *b = arg;
	pid_t helper = _Fork();
	int fd = b->what->fd;

	if (helper < 0)
		b->failed = -errno;
	if (helper == 0) {
		keep_two(&fd, &b->out);
		setsid();
		b->what->run(b->what->arg, fd, b->out);
		_exit(0);
	}
	_exit(0);
}

/* Nobody but us hears of the process between: its end sends no signal, and wait() does not see it.
 */
static int start(struct birth *b)
{
	enum { STACK_BYTES = 64 << 10 };
	char stack[STACK_BYTES] __attribute__((aligned(16)));
	int status;
	pid_t child = clone(give_birth, stack + sizeof(stack), CLONE_VM | CLONE_VFORK, b);

	if (child < 0)
		return -errno;
	while (waitpid(child, &status, __WCLONE) < 0 && errno == EINTR)
		;
	if (b->failed < 0)
		b->what->failed(b->what->arg, b->out, b->failed);
	return 0;
}

int helper_start(const struct helper *what, int *ret_in)
{
	sigset_t all, old;
	int p[2], e;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
		return -errno;
	/* No handler of the caller may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = start(&(struct birth) { .what = what, .out = p[1] });
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(p[1]);
	if (e < 0) {
		close(p[0]);
		return e;
	}
	*ret_in = p[0];
	return 0;
}
