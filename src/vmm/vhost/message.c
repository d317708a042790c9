// SPDX-License-Identifier: GPL-2.0-or-later
#include "message.h"

#include "base/attr.h"
#include "base/checked.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(sizeof(struct vu_memory) <= VU_PAYLOAD_MAX, "the largest there is");
_Static_assert(sizeof(struct vu_config) == VU_PAYLOAD_MAX, "no padding");

struct wire {
	uint32_t header[3];
	uint8_t payload[VU_PAYLOAD_MAX];
} __attribute__((packed));

union control {
	char buf[CMSG_SPACE(VU_FDS_MAX * sizeof(int))];
	struct cmsghdr align;
};

static uint64_t now_ms(void)
{
	return clock_us() / 1000;
}

static int wait_for(int fd, short events, uint64_t deadline_ms)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = events };
		uint64_t now = now_ms();
		int n = now < deadline_ms ? poll(&p, 1, (int)MIN(deadline_ms - now, 60000U)) : 0;

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && now_ms() >= deadline_ms)
			return -ETIMEDOUT;
	}
}

static void attach_fds(struct msghdr *h, union control *c, const int *fds, unsigned n)
{
	struct cmsghdr *first;

	if (!n)
		return;
	memset(c, 0, sizeof(*c));
	h->msg_control = c->buf;
	h->msg_controllen = CMSG_SPACE(n * sizeof(int));
	first = CMSG_FIRSTHDR(h);
	first->cmsg_level = SOL_SOCKET;
	first->cmsg_type = SCM_RIGHTS;
	first->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(first), fds, n * sizeof(int));
}

int vu_send(int fd, const struct vu_message *m, uint64_t deadline_ms)
{
	struct wire w = { .header = { m->request, m->flags, m->size } };
	size_t len = VU_HEADER_BYTES + m->size, done = 0;
	union control control;

	if (m->size > VU_PAYLOAD_MAX || m->n_fds > VU_FDS_MAX)
		return -EMSGSIZE;
	memcpy(w.payload, m->bytes, m->size);
	while (done < len) {
		struct iovec v = { (char *)&w + done, len - done };
		struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
		ssize_t n;

		attach_fds(&h, &control, m->fds, done ? 0 : m->n_fds);
		n = sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			int r = wait_for(fd, POLLOUT, deadline_ms);

			if (r < 0)
				return r;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

void vu_close_fds(struct vu_message *m)
{
	while (m->n_fds)
		close(m->fds[--m->n_fds]);
}

static void take_fds(struct vu_message *m, struct msghdr *h)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (m->n_fds < VU_FDS_MAX)
				m->fds[m->n_fds++] = fd;
			else
				close(fd);
		}
	}
}

/* Exactly `len` bytes. */
static int receive(int fd, struct vu_message *m, void *to, size_t len, uint64_t deadline_ms)
{
	for (size_t done = 0; done < len;) {
		union control control;
		struct iovec v = { (char *)to + done, len - done };
		struct msghdr h = {
			.msg_iov = &v,
			.msg_iovlen = 1,
			.msg_control = control.buf,
			.msg_controllen = sizeof(control.buf),
		};
		ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		int r = 0;

		if (n > 0) {
			take_fds(m, &h);
			done += (size_t)n;
		} else if (n == 0) {
			r = -ECONNRESET;
		} else if (errno == EAGAIN) {
			r = wait_for(fd, POLLIN, deadline_ms);
		} else if (errno != EINTR) {
			r = -errno;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int vu_receive(int fd, struct vu_message *ret, uint64_t deadline_ms)
{
	struct vu_message m = { 0 };
	struct wire w;
	int r = receive(fd, &m, w.header, sizeof(w.header), deadline_ms);

	if (r == 0 && w.header[2] > VU_PAYLOAD_MAX)
		r = -EBADMSG;
	if (r == 0)
		r = receive(fd, &m, w.payload, w.header[2], deadline_ms);
	if (r < 0) {
		vu_close_fds(&m);
		return r;
	}
	m.request = w.header[0];
	m.flags = w.header[1];
	m.size = w.header[2];
	memcpy(m.bytes, w.payload, m.size);
	*ret = m;
	return 0;
}
