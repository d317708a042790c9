// SPDX-License-Identifier: GPL-2.0-or-later
#include "dial.h"

#include "base/attr.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANNEL = 3 }; /* where the process has it, above what is standard */

/* Never waits: a socket whose queue of callers is full is no better than none. */
static int connect_to(const struct sockaddr_un *to)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), r;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static bool answer(int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	int32_t code = fd < 0 ? fd : 0;
	struct iovec v = { &code, sizeof(code) };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		h.msg_control = control.buf;
		h.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(CHANNEL, &h, MSG_NOSIGNAL) == sizeof(code);
}

static void dial(const struct sockaddr_un *to)
{
	bool on = true;
	char byte;

	while (on) {
		ssize_t n = read(CHANNEL, &byte, 1);
		int fd;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		fd = connect_to(to);
		on = answer(fd);
		if (fd >= 0)
			close(fd);
	}
}

/*
 * Whatever else the caller has open is not kept open by this process, its terminal and its signals
 * are not ours.
 */
static _Noreturn void be_dialer(int channel, const struct sockaddr_un *to)
{
	int null = open("/dev/null", O_RDWR);

	setsid();
	signal(SIGHUP, SIG_IGN);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
		dup2(channel, CHANNEL) < 0)
		_exit(1);
	if (syscall(SYS_close_range, CHANNEL + 1, ~0U, 0) < 0)
		for (int fd = CHANNEL + 1, end = (int)sysconf(_SC_OPEN_MAX); fd < end; fd++)
			close(fd);
	dial(to);
	_exit(0);
}

/* Twice, so that nobody has to wait for it. */
static int start(int channel, const struct sockaddr_un *to)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			be_dialer(channel, to);
		_exit(pid < 0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EAGAIN;
}

int host_dialer_start(const char *path, int *ret_channel)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	autoclose int ours = -1, its = -1;
	int ends[2], r;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	its = ends[1];
	r = start(its, &to);
	if (r < 0)
		return r;
	*ret_channel = TAKE_FD(ours);
	return 0;
}
