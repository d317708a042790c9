// SPDX-License-Identifier: GPL-2.0-or-later
#include "child.h"

#include "base/str.h"
#include "ipc/fds.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { LINE_MAX_BYTES = 64 << 20, READ_BYTES = 64 << 10 };

struct child {
	const struct child_calls *calls;
	void *arg;
	int socket;
	sd_event_source *words, *end; /* `end`: soon */
	struct strbuf buf;	      /* the beginning of a line */
	char *order;		      /* what is still to be sent of it, from `sent` on */
	size_t sent;
	int fds[FDS_MAX]; /* what came, and nobody has taken */
	size_t n_fds;
};

/* ---- Sending ---- */

static uint32_t wanted(const struct child *c)
{
	return EPOLLIN | (c->order ? EPOLLOUT : 0);
}

static int send_some(struct child *c)
{
	while (c->order && c->order[c->sent]) {
		const char *rest = c->order + c->sent;
		ssize_t n = send(c->socket, rest, strlen(rest), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		c->sent += (size_t)n;
	}
	free(TAKE_PTR(c->order));
	return 0;
}

void child_cancel(struct child *c)
{
	/* Half an order is none, and its end says as much. */
	if (c)
		(void)shutdown(c->socket, SHUT_WR);
}

/* ---- Hearing ---- */

size_t child_fds(struct child *c, const int **ret)
{
	*ret = c->fds;
	return c->n_fds;
}

static void take_lines(struct child *c)
{
	char *rest = c->buf.s, *end;

	while (rest && (end = memchr(rest, '\n', c->buf.len - (size_t)(rest - c->buf.s)))) {
		*end = '\0';
		c->calls->line(c->arg, rest);
		rest = end + 1;
	}
	if (rest && rest != c->buf.s) {
		c->buf.len -= (size_t)(rest - c->buf.s);
		memmove(c->buf.s, rest, c->buf.len + 1);
	}
}

/* Some of what it said. False: that was all. */
static bool hear(struct child *c)
{
	char bytes[READ_BYTES];
	ssize_t n = fds_receive(c->socket, bytes, sizeof(bytes), c->fds, &c->n_fds);

	if (n <= 0)
		return n == -EAGAIN || n == -EINTR;
	if (c->buf.len + (size_t)n > LINE_MAX_BYTES)
		return false;
	strbuf_add_bytes(&c->buf, bytes, (size_t)n);
	if (c->buf.failed)
		return false;
	if (memchr(bytes, '\n', (size_t)n))
		take_lines(c);
	return true;
}

static int on_socket(sd_event_source *s, int fd UNUSED, uint32_t revents, void *arg)
{
	struct child *c = arg;

	if ((revents & EPOLLOUT) && send_some(c) < 0)
		free(TAKE_PTR(c->order));
	(void)sd_event_source_set_io_events(s, wanted(c));
	if ((revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !hear(c)) {
		(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
		c->calls->ended(c->arg);
	}
	return 0;
}

static int on_said_so(sd_event_source *s UNUSED, void *arg)
{
	struct child *c = arg;

	(void)sd_event_source_set_enabled(c->words, SD_EVENT_OFF);
	c->calls->ended(c->arg);
	return 0;
}

void child_has_ended(struct child *c)
{
	if (!c->end)
		(void)sd_event_add_defer(
			sd_event_source_get_event(c->words), &c->end, on_said_so, c);
}

/* ---- Starting ---- */

/* In the child. */
static void become_worker(const struct manager *m, int socket)
{
	sigset_t none;

	sigemptyset(&none);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(socket, STDIN_FILENO) >= 0 && dup2(socket, STDOUT_FILENO) >= 0 &&
		sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execl(m->program, m->program, "--worker", m->root ? "--root" : NULL, m->root, NULL);
	_exit(127);
}

/* Its parent is the init process: nobody waits for it. */
static int fork_worker(const struct manager *m, int *ret)
{
	autoclose int ours = -1, theirs = -1;
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_worker(m, theirs);
	*ret = TAKE_FD(ours);
	return 0;
}

static int ask_for_worker(const char *path, int *ret)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

int child_start(struct manager *m, const char *order, const struct child_calls *calls, void *arg,
	struct child **ret)
{
	CLEANUP(child_freep) struct child *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct child) { .calls = calls, .arg = arg, .socket = -1 };
	c->order = str_printf("%s\n", order);
	if (!c->order)
		return -ENOMEM;
	r = m->workers ? ask_for_worker(m->workers, &c->socket) : fork_worker(m, &c->socket);
	if (r == 0)
		r = sd_event_add_io(m->loop, &c->words, c->socket, wanted(c), on_socket, c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

void child_free(struct child *c)
{
	if (!c)
		return;
	sd_event_source_unref(c->words);
	sd_event_source_unref(c->end);
	if (c->socket >= 0)
		close(c->socket);
	for (size_t i = 0; i < c->n_fds; i++)
		close(c->fds[i]);
	strbuf_done(&c->buf);
	free(c->order);
	free(c);
}
