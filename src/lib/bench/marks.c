// SPDX-License-Identifier: GPL-2.0-or-later
#include "marks.h"
#include "life.h"

#include "base/str.h"
#include "host/local.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { ANSWER_SECONDS = 10, ANSWER_MAX = 1 << 20 };

/* In a folder of ours for as long as it takes to connect. */
static int open_pair(struct marks *m)
{
	char folder[] = "/tmp/vfctl-bench-XXXXXX";
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	autofree char *path = NULL;

	if (!mkdtemp(folder))
		return -errno;
	path = str_printf("%s/vmm", folder);
	m->listening = path ? local_listen(path) : -ENOMEM;
	m->talk = m->listening >= 0 ? local_connect(path) : m->listening;
	if (path)
		unlink(path);
	rmdir(folder);
	if (m->talk >= 0)
		(void)setsockopt(m->talk, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return MIN(m->talk, 0);
}

int marks_open(struct marks *m, struct problem **reterr)
{
	int r = open_pair(m);

	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL,
			       "no socket to ask the VMM by: %s", strerror(-r))
		     : 0;
}

bool marks_is_there(const struct marks *m, const char *console)
{
	char text[24];
	size_t len = (size_t)snprintf(text, sizeof(text), "mark %zu", m->n);

	for (const char *at = console; m->n < MARKS && at && (at = strstr(at, text)); at++)
		if ((at == console || at[-1] == '\n') && strchr("\r\n", at[len]) && at[len])
			return true;
	return false;
}

/* One line. */
static int read_answer(int fd, struct strbuf *b)
{
	char buf[4096];

	while (b->len < ANSWER_MAX && !(b->len && b->s[b->len - 1] == '\n')) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0 ? -EPIPE : -errno;
		strbuf_add_bytes(b, buf, (size_t)n);
		if (b->failed)
			return -ENOMEM;
	}
	return 0;
}

int marks_ask(struct marks *m, const char *device, struct problem **reterr)
{
	static const char question[] = "{\"cmd\":\"stats\"}\n";
	autostrbuf answer = { 0 };
	int r = send(m->talk, question, sizeof(question) - 1, MSG_NOSIGNAL) < 0 ? -errno : 0;

	if (r == 0)
		r = read_answer(m->talk, &answer);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL,
			"the VMM does not say what it counted: %s", strerror(-r));
	r = figures_read(answer.s, device, m->counted[m->n], reterr);
	if (r == 0)
		m->n++;
	return r;
}

void marks_done(struct marks *m)
{
	closep_(&m->listening);
	closep_(&m->talk);
	*m = MARKS_NONE;
}
