/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "server.h"

#include "base/str.h"
#include "vmm/loop/loop.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct control_peer {
	struct control *control;
	int fd; /* -1 = nobody */
	struct loop_source *source;
	char text[CONTROL_LINE_MAX];
	size_t len;
	int fds[CONTROL_FDS_MAX]; /* that came with the text */
	bool waits;		  /* for an answer */
};

struct control {
	struct loop *loop;
	struct control_fns fns;
	uid_t uid;
	bool knows_nobody;
	int fd;
	struct loop_source *source;
	struct control_peer peers[CONTROL_PEERS_MAX];
};

static void close_fds(struct control_peer *p)
{
	for (size_t i = 0; i < CONTROL_FDS_MAX; i++)
		if (p->fds[i] >= 0)
			close(TAKE_FD(p->fds[i]));
}

static void hang_up(struct control_peer *p)
{
	bool waited = p->waits;

	loop_remove(TAKE_PTR(p->source));
	close(TAKE_FD(p->fd));
	close_fds(p);
	p->len = 0;
	p->waits = false;
	if (waited)
		p->control->fns.gone(p->control->fns.arg, p);
}

void control_answer(struct control_peer *p, const char *line, int fd)
{
	struct iovec v = { .iov_base = (void *)(uintptr_t)line, .iov_len = strlen(line) };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} c = { 0 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = c.bytes;
		m.msg_controllen = sizeof(c.bytes);
		c.head.cmsg_level = SOL_SOCKET;
		c.head.cmsg_type = SCM_RIGHTS;
		c.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	}
	p->waits = false;
	if (p->fd >= 0 && sendmsg(p->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)v.iov_len)
		shutdown(p->fd, SHUT_RDWR); /* its end is seen where it is safe to clean up */
}

void control_answer_ok(struct control_peer *p)
{
	control_answer(p, "{\"ok\":true}\n", -1);
}

static void add_field(struct strbuf *b, const char *key, const char *value)
{
	strbuf_add(b, ",\"%s\":", key);
	if (!value) {
		strbuf_add(b, "null");
		return;
	}
	strbuf_add(b, "\"");
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c < 0x20 || c == '"' || c == '\\' || c == 0x7f)
			strbuf_add(b, "\\u%04x", c);
		else
			strbuf_add(b, "%c", c);
	}
	strbuf_add(b, "\"");
}

void control_answer_problem(struct control_peer *peer, const struct problem *p)
{
	autofree char *text = p ? problem_text(p) : NULL;
	autostrbuf b = { 0 };

	strbuf_add(&b, "{\"ok\":false");
	add_field(&b, "kind", problem_kind_name(p ? p->kind : PROBLEM_NO_MEMORY));
	add_field(&b, "error", text ? text : "out of memory");
	add_field(&b, "hint", p ? problem_best_hint(p) : NULL);
	strbuf_add(&b, "}\n");
	control_answer(peer, b.s ? b.s : "{\"ok\":false}\n", -1);
}

static void keep_fds(struct control_peer *p, const struct cmsghdr *c)
{
	size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int), at = 0;
	int fds[CONTROL_FDS_MAX * 4];

	n = MIN(n, ARRAY_SIZE(fds));
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	for (size_t i = 0; i < n; i++) {
		while (at < CONTROL_FDS_MAX && p->fds[at] >= 0)
			at++;
		if (at < CONTROL_FDS_MAX)
			p->fds[at] = fds[i];
		else
			close(fds[i]);
	}
}

/* What has come, up to the buffer's end; 0 = the peer has gone. */
static ssize_t receive(struct control_peer *p)
{
	struct iovec v = { .iov_base = p->text + p->len, .iov_len = sizeof(p->text) - 1 - p->len };
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(4 * CONTROL_FDS_MAX * sizeof(int))];
	} c;
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = c.bytes,
		.msg_controllen = sizeof(c.bytes) };
	ssize_t n = recvmsg(p->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : 0;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			keep_fds(p, h);
	p->len += (size_t)n;
	return n;
}

static void refuse(struct control_peer *p, struct problem *why)
{
	control_answer_problem(p, why);
	problem_free(why);
}

static void handle_line(struct control_peer *p, char *line)
{
	struct problem *why = NULL;
	struct message m;

	p->waits = true;
	if (message_parse(line, &m, &why) < 0)
		refuse(p, why);
	else
		p->control->fns.request(p->control->fns.arg, p, &m, p->fds);
	close_fds(p);
}

/* Lines one after another, as long as each is answered at once. */
static void handle_lines(struct control_peer *p)
{
	struct problem *why = NULL;
	char *end;

	while (!p->waits && p->fd >= 0 && (end = memchr(p->text, '\n', p->len))) {
		size_t used = (size_t)(end - p->text) + 1;

		*end = '\0';
		handle_line(p, p->text);
		memmove(p->text, p->text + used, p->len - used);
		p->len -= used;
	}
	if (p->len < sizeof(p->text) - 1 || p->waits)
		return;
	problem(&why, -EMSGSIZE, PROBLEM_USAGE, NULL, "a request has at most %d bytes",
		CONTROL_LINE_MAX - 2);
	refuse(p, why);
	shutdown(p->fd, SHUT_RDWR);
	p->len = 0;
}

static void on_peer(void *arg, uint32_t events UNUSED)
{
	struct control_peer *p = arg;
	ssize_t n;

	/* Nobody talks on before he was answered; what we hear then is that he has gone. */
	if (p->len == sizeof(p->text) - 1 && p->waits) {
		hang_up(p);
		return;
	}
	n = receive(p);
	if (n == 0)
		hang_up(p);
	else if (n > 0)
		handle_lines(p);
}

static bool may_ask(const struct control *c, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return c->knows_nobody || (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
					  (who.uid == 0 || who.uid == c->uid));
}

static struct control_peer *free_peer(struct control *c)
{
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
		if (c->peers[i].fd < 0)
			return &c->peers[i];
	return NULL;
}

static void on_connect(void *arg, uint32_t events UNUSED)
{
	struct control *c = arg;
	socklen_t none = 0; /* of an address that is not asked for */
	int fd = accept4(c->fd, NULL, &none, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_peer *p = free_peer(c);

	if (fd < 0)
		return;
	if (!p) {
		close(fd); /* too many ask at once */
		return;
	}
	if (!may_ask(c, fd) || loop_add(c->loop, fd, EPOLLIN, on_peer, p, &p->source) < 0) {
		close(fd);
		return;
	}
	p->fd = fd;
}

int control_new(struct loop *loop, int socket, const struct control_fns *fns, struct control **ret)
{
	struct control *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->loop = loop;
	c->fns = *fns;
	c->uid = geteuid();
	c->fd = socket;
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++) {
		c->peers[i].control = c;
		c->peers[i].fd = -1;
		memset(c->peers[i].fds, 0xff, sizeof(c->peers[i].fds));
	}
	r = loop_add(loop, socket, EPOLLIN, on_connect, c, &c->source);
	if (r < 0) {
		free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void control_knows_nobody(struct control *c)
{
	c->knows_nobody = true;
}

void control_free(struct control *c)
{
	if (!c)
		return;
	loop_remove(c->source);
	close(c->fd);
	for (size_t i = 0; i < CONTROL_PEERS_MAX; i++)
		if (c->peers[i].fd >= 0)
			hang_up(&c->peers[i]);
	free(c);
}
