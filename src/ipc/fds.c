// SPDX-License-Identifier: GPL-2.0-or-later
#include "fds.h"

#include "base/attr.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
};

static void attach(struct msghdr *m, union control *c, const int *fds, size_t n)
{
	struct cmsghdr *head;

	if (!n)
		return;
	m->msg_control = c->bytes;
	m->msg_controllen = CMSG_SPACE(n * sizeof(int));
	head = &c->align;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(head), fds, n * sizeof(int));
}

int fds_send(int socket, const char *text, size_t len, const int *fds, size_t n)
{
	union control c = { 0 };

	if (n > FDS_MAX || !len)
		return -E2BIG;
	while (len) {
		struct iovec v = { (void *)(uintptr_t)text, len };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		struct pollfd wait = { .fd = socket, .events = POLLOUT };
		ssize_t sent;

		attach(&m, &c, fds, n);
		sent = sendmsg(socket, &m, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN && poll(&wait, 1, -1) >= 0)
			continue;
		if (sent < 0 && errno != EINTR)
			return -errno;
		if (sent < 0)
			continue;
		text += sent;
		len -= (size_t)sent;
		n = 0; /* they went with the first part */
	}
	return 0;
}

static void close_all(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
}

/* False: there was no room for some. */
static bool take(struct msghdr *m, int *fds, size_t *n)
{
	bool all = !(m->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int got[FDS_MAX];
		size_t bytes = c->cmsg_len - CMSG_LEN(0), count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = MIN(bytes / sizeof(int), (size_t)FDS_MAX);
		memcpy(got, CMSG_DATA(c), count * sizeof(int));
		if (*n + count > FDS_MAX) {
			close_all(got, count);
			all = false;
			continue;
		}
		memcpy(fds + *n, got, count * sizeof(int));
		*n += count;
	}
	return all;
}

ssize_t fds_receive(int socket, void *buf, size_t size, int fds[FDS_MAX], size_t *n)
{
	struct iovec v = { buf, size };
	union control c;
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = c.bytes,
		.msg_controllen = sizeof(c.bytes) };
	ssize_t got = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0)
		return -errno;
	return take(&m, fds, n) ? got : -ENOSPC;
}
