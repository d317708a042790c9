// SPDX-License-Identifier: GPL-2.0-or-later
#include "companion.h"

#include "base/str.h"
#include "host/procfs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

enum { ANSWER_MAX = 4 << 20 };

struct run {
	const struct companion *c;
	char *program;
	int in, out; /* what it reads, what it wrote */
	pid_t pid;
	struct strbuf said;
	bool ended;
	int code;
	struct problem *problem;
};

/* ---- Where it is ---- */

static char *beside_us(struct host *h, const char *rest)
{
	autofree char *self = NULL, *path = NULL;
	char *slash;

	if (procfs_read_link(h, &self, "self/exe") < 0 || !(slash = strrchr(self, '/')))
		return NULL;
	path = str_printf("%.*s/%s", (int)(slash - self), self, rest);
	return path && access(path, X_OK) == 0 ? TAKE_PTR(path) : NULL;
}

static int find(struct host *h, char **ret, struct problem **reterr)
{
	const char *wish = getenv("VFCTL_LIBVIRT");
	char *path = wish ? strdup(wish) : beside_us(h, "vfctl-libvirt");

	if (!path)
		path = beside_us(h, "../libexec/vfctl/vfctl-libvirt");
	if (path) {
		*ret = path;
		return 0;
	}
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
		"install the package vfctl-libvirt, or name it in $VFCTL_LIBVIRT",
		"the program vfctl-libvirt, which talks to libvirt, is not there");
}

/* ---- Starting it ---- */

/* A file without a name: writing to a pipe would wait for a reader that may have died. */
static int prepare_input(struct run *x)
{
	const char *text = x->c->input ? x->c->input : "";
	size_t len = strlen(text);

	x->in = memfd_create("input", MFD_CLOEXEC);
	if (x->in < 0 || write(x->in, text, len) != (ssize_t)len || lseek(x->in, 0, SEEK_SET) < 0)
		return -errno;
	return 0;
}

static int spawn(struct run *x, char **argv, int to)
{
	posix_spawn_file_actions_t fds;
	int r = posix_spawn_file_actions_init(&fds);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&fds, x->in, STDIN_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&fds, to, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn(&x->pid, x->program, &fds, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fds);
	return -r;
}

static int start(struct run *x)
{
	autostrv char **argv = NULL;
	autoclose int to = -1;
	int p[2], r = prepare_input(x);

	if (r == 0)
		r = strv_add(&argv, x->program);
	for (const char *const *a = x->c->args; r == 0 && *a; a++)
		r = strv_add(&argv, *a);
	if (r == 0 && pipe2(p, O_CLOEXEC) < 0)
		r = -errno;
	if (r < 0)
		return r;
	x->out = p[0];
	to = p[1];
	return spawn(x, argv, to);
}

/* ---- Listening ---- */

static void hear(struct run *x, const char *line)
{
	autonews n = { 0 };

	if (x->ended || news_from_text(line, &n) < 0)
		return;
	if (n.kind != NEWS_ENDED) {
		x->c->told(x->c->arg, &n);
		return;
	}
	x->ended = true;
	x->code = n.code;
	x->problem = TAKE_PTR(n.problem);
}

/* Whole lines leave the buffer. */
static void hear_lines(struct run *x)
{
	char *line = x->said.s, *end;

	while (line && (end = strchr(line, '\n'))) {
		*end = '\0';
		hear(x, line);
		line = end + 1;
	}
	if (line && line != x->said.s) {
		x->said.len -= (size_t)(line - x->said.s);
		memmove(x->said.s, line, x->said.len + 1);
	}
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int listen_until(struct run *x, uint64_t end_ms)
{
	char buf[16384];

	while (!x->ended) {
		struct pollfd p = { .fd = x->out, .events = POLLIN };
		uint64_t now = now_ms();
		int r = now < end_ms ? poll(&p, 1, (int)(end_ms - now)) : 0;
		ssize_t n;

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		n = read(x->out, buf, sizeof(buf));
		if (n <= 0)
			return n < 0 ? -errno : -ECHILD;
		strbuf_add_bytes(&x->said, buf, (size_t)n);
		if (x->said.failed || x->said.len > ANSWER_MAX)
			return -ENOMEM;
		hear_lines(x);
	}
	return 0;
}

/* ---- Its end ---- */

/* libvirt's good-bye may hang as well: nobody waits for it. */
static void stop(struct run *x)
{
	if (x->pid <= 0)
		return;
	kill(x->pid, SIGKILL);
	while (waitpid(x->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void run_done(struct run *x)
{
	stop(x);
	closep_(&x->in);
	closep_(&x->out);
	free(x->program);
	strbuf_done(&x->said);
	problem_free(x->problem);
}

static int judge(struct run *x, int r, struct problem **reterr)
{
	if (r == -ETIMEDOUT)
		return problem(reterr, r, PROBLEM_TIMEOUT,
			"systemctl status libvirtd; --timeout SECONDS waits longer",
			"libvirt did not answer within %u s", x->c->deadline_ms / 1000);
	if (r == -ECHILD)
		return problem(
			reterr, r, PROBLEM_FAILED, NULL, "%s ended without an answer", x->program);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: %s", x->program,
			strerror(-r));
	if (x->code < 0 && x->problem && reterr)
		*reterr = TAKE_PTR(x->problem);
	return x->code;
}

int companion_run(struct host *h, const struct companion *c, struct problem **reterr)
{
	CLEANUP(run_done) struct run x = { .c = c, .in = -1, .out = -1 };
	int r = find(h, &x.program, reterr);

	if (r < 0)
		return r;
	r = start(&x);
	if (r == 0)
		r = listen_until(&x, now_ms() + c->deadline_ms);
	return judge(&x, r, reterr);
}
