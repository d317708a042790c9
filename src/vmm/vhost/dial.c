// SPDX-License-Identifier: GPL-2.0-or-later
#include "dial.h"

#include "base/attr.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int vhost_dial_ask(int channel)
{
	char byte = 'd';
	struct iovec v = { &byte, 1 };
	const struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t n;

	do
		n = sendmsg(channel, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int fd_of(struct msghdr *h)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
			c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

int vhost_dial_answer(int channel)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	int32_t answer;
	struct iovec v = { &answer, sizeof(answer) };
	struct msghdr h = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	autoclose int fd = -1;
	ssize_t n;

	do
		n = recvmsg(channel, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	fd = fd_of(&h);
	if (n != sizeof(answer) || answer > 0 || (answer == 0) != (fd >= 0))
		return -EBADMSG;
	return answer < 0 ? answer : TAKE_FD(fd);
}

int vhost_dial(int channel, unsigned timeout_ms)
{
	uint64_t end = clock_us() / 1000 + timeout_ms, now;
	int r = vhost_dial_ask(channel);

	while (r == 0) {
		struct pollfd p = { .fd = channel, .events = POLLIN };

		r = vhost_dial_answer(channel);
		if (r != -EAGAIN)
			return r;
		now = clock_us() / 1000;
		if (now >= end)
			return -ETIMEDOUT;
		poll(&p, 1, (int)(end - now));
		r = 0;
	}
	return r;
}
