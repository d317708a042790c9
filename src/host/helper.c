// SPDX-License-Identifier: GPL-2.0-or-later
#include "helper.h"
#include "base/attr.h"

#include <fcntl.h>
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

_Noreturn static void be_child(const struct helper *what, int out)
{
	pid_t grandchild = fork();
	int fd = what->fd;

	if (grandchild < 0)
		what->failed(what->arg, out, -errno);
	if (grandchild == 0) {
		keep_two(&fd, &out);
		setsid();
		what->run(what->arg, fd, out);
	}
	_exit(0);
}

int helper_start(const struct helper *what, int *ret_in)
{
	sigset_t all, old;
	int p[2], status, e;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) < 0)
		return -errno;
	/* No handler of the caller may run in the child. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	child = fork();
	e = child < 0 ? -errno : 0;
	if (child == 0)
		be_child(what, p[1]);
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
