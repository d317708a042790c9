// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The socket and the request are made here, the helper only sends, receives and passes on what
 * comes, datagram by datagram; who it is comes first. The parent reads messages out of that stream
 * until the kernel's last one.
 */
#include "blocking_talk.h"
#include "base/str.h"
#include "fd.h"
#include "helper.h"

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { DATAGRAM_MAX = 64 << 10 };

struct job {
	const void *request;
	size_t len;
	char buf[DATAGRAM_MAX];
};

/* ---- In the helper: nothing but system calls ---- */

static void pass_on(int out, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(out, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(1); /* nobody listens any more */
		p += n;
		len -= (size_t)n;
	}
}

/* Who could not even ask tells so as the kernel would. */
static void fail(int out, int code)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} m = { { .nlmsg_len = sizeof(m), .nlmsg_type = NLMSG_ERROR }, { .error = code } };

	pass_on(out, &m, sizeof(m));
}

static void run(void *arg, int fd, int out)
{
	struct job *j = arg;
	int32_t pid = getpid();

	pass_on(out, &pid, sizeof(pid));
	if (send(fd, j->request, j->len, 0) < 0) {
		fail(out, -errno);
		return;
	}
	/* It ends when the listener goes: he kills it, or the pipe breaks. */
	for (;;) {
		ssize_t n = recv(fd, j->buf, sizeof(j->buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail(out, -errno);
			return;
		}
		pass_on(out, j->buf, (size_t)n);
	}
}

static void failed(void *arg UNUSED, int out, int code)
{
	int32_t pid = 0;

	pass_on(out, &pid, sizeof(pid));
	fail(out, code);
}

/* ---- The listener ---- */

struct listener {
	int in;
	uint64_t until;
	int (*got)(struct nlmsghdr *hdr, void *arg);
	void *arg;
	char *says;
	size_t size;
	int result; /* the first failure of `got` */
};

static int read_all(struct listener *l, void *to, size_t len)
{
	char *p = to;

	while (len) {
		struct pollfd f = { .fd = l->in, .events = POLLIN };
		uint64_t now = clock_now_ms(NULL);
		int r = poll(&f, 1, l->until > now ? (int)(l->until - now) : 0);
		ssize_t n;

		if (r == 0)
			return -ETIMEDOUT;
		n = r < 0 ? -1 : read(l->in, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* the helper was killed */
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/*
 * NLMSGERR_ATTR_MSG: what follows the request's header, or the whole request if the kernel did not
 * cap it (NETLINK_CAP_ACK).
 */
static void keep_sentence(struct listener *l, const struct nlmsghdr *hdr, const struct nlmsgerr *e)
{
	size_t at = NLMSG_HDRLEN + sizeof(*e);
	const struct nlattr *a;

	if (!l->says || !l->size || !(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		at += NLMSG_ALIGN(e->msg.nlmsg_len - sizeof(e->msg));
	if (at >= hdr->nlmsg_len)
		return;
	a = nla_find((const struct nlattr *)((const char *)hdr + at), (int)(hdr->nlmsg_len - at),
		NLMSGERR_ATTR_MSG);
	if (a)
		nla_strlcpy(l->says, a, l->size);
}

/* 1: that was the last one. */
static int take(struct listener *l, struct nlmsghdr *hdr)
{
	const struct nlmsgerr *e = nlmsg_data(hdr);
	int r;

	if (hdr->nlmsg_type == NLMSG_ERROR) {
		if (hdr->nlmsg_len < NLMSG_HDRLEN + sizeof(*e))
			return -EIO;
		keep_sentence(l, hdr, e);
		return e->error < 0 ? e->error : 1;
	}
	if (hdr->nlmsg_type == NLMSG_DONE) {
		/* A dump that failed says so in its last message. */
		r = hdr->nlmsg_len >= NLMSG_HDRLEN + sizeof(int) ? *(int *)nlmsg_data(hdr) : 0;
		return r < 0 ? r : 1;
	}
	if (hdr->nlmsg_type < NLMSG_MIN_TYPE || !l->got)
		return 0;
	r = l->got(hdr, l->arg);
	if (r < 0 && l->result == 0)
		l->result = r;
	return 0;
}

static int listen_to(struct listener *l)
{
	for (;;) {
		autofree char *message = NULL;
		struct nlmsghdr hdr;
		size_t len;
		int r = read_all(l, &hdr, sizeof(hdr));

		if (r < 0)
			return r;
		len = NLMSG_ALIGN(hdr.nlmsg_len);
		if (hdr.nlmsg_len < sizeof(hdr) || len > DATAGRAM_MAX)
			return -EIO;
		message = calloc(1, len);
		if (!message)
			return -ENOMEM;
		memcpy(message, &hdr, sizeof(hdr));
		r = read_all(l, message + sizeof(hdr), len - sizeof(hdr));
		if (r == 0)
			r = take(l, (struct nlmsghdr *)(void *)message);
		if (r)
			return r < 0 ? r : l->result;
	}
}

static int open_socket(int protocol)
{
	autoclose int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const int on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	/* Kernels that do not know these answer without a sentence. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return TAKE_FD(fd);
}

int blocking_talk(int protocol, struct nl_msg *msg, unsigned deadline_ms,
	int (*got)(struct nlmsghdr *hdr, void *arg), void *arg, char *says, size_t size)
{
	struct nlmsghdr *request = nlmsg_hdr(msg);
	autofree struct job *job = calloc(1, sizeof(*job));
	struct listener l = { .got = got, .arg = arg, .says = says, .size = size };
	struct helper what = { .run = run, .failed = failed, .arg = job };
	autoclose int in = -1, pidfd = -1, fd = -1;
	int32_t pid;
	int r;

	if (says && size)
		*says = '\0';
	if (!job)
		return -ENOMEM;
	what.fd = fd = open_socket(protocol);
	if (fd < 0)
		return fd;
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	job->request = request;
	job->len = request->nlmsg_len;
	l.until = clock_now_ms(NULL) + deadline_ms;
	r = helper_start(&what, &in);
	if (r < 0)
		return r;
	l.in = in;
	r = read_all(&l, &pid, sizeof(pid));
	if (r < 0)
		return r;
	pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	r = listen_to(&l);
	/* One that sleeps in the kernel does not notice; any other ends. */
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return r;
}
