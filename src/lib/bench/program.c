// SPDX-License-Identifier: GPL-2.0-or-later
#include "program.h"
#include "life.h"

#include "base/str.h"
#include "base/thread.h"
#include "launch/child.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { SAID_MAX = 8192, READY_MS = 30000 };

static int words(char ***ret, const char *const *from)
{
	int r = 0;

	for (; *from && r == 0; from++)
		r = MIN(strv_add(ret, *from), 0);
	return r;
}

/* ---- The work ---- */

struct call {
	struct host *host;
	const struct netpair *pair; /* NULL: in the network that we are in */
	char **argv;
	unsigned deadline_ms;
	char said[SAID_MAX];
	int r;
};

/* A name space is a thread's, and whom it starts is in it. */
static void *call_thread(void *arg)
{
	struct call *c = arg;

	c->r = c->pair ? netpair_enter(c->pair) : 0;
	if (c->r == 0)
		c->r = c->host->ops->run(
			c->host, c->argv, c->deadline_ms, c->said, sizeof(c->said));
	return NULL;
}

static int call(struct call *c)
{
	pthread_t t;
	int r = thread_start(&t, "bench-program", call_thread, c);

	if (r < 0)
		return r;
	pthread_join(t, NULL);
	return c->r;
}

/* The last line tells why, as a rule. */
static int blame(const struct call *c, const char *verb, struct problem **reterr)
{
	autofree char *said = strdup(c->said);
	size_t n = said ? strlen(said) : 0;
	char *last;

	while (n && said[n - 1] == '\n')
		said[--n] = '\0';
	last = said ? strrchr(said, '\n') : NULL;
	return problem(reterr, c->r < 0 ? c->r : -ECHILD, PROBLEM_FAILED, NULL,
		"%s without a guest: %s", verb,
		c->r < 0	? strerror(-c->r)
		: last		? last + 1
		: said && *said ? said
				: "it failed");
}

/* `ops` NULL: it takes none. */
static int step(struct call *c, const struct bench_wish *wish, const char *verb,
	const struct bench_workload *w, const char *ops, const char *where, struct problem **reterr)
{
	autostrv char **argv = NULL;

	if (words(&argv, (const char *const[]) { "sh", wish->script, verb, w->name, ops ?: where,
				 ops ? where : NULL, NULL }) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	c->argv = argv;
	c->deadline_ms = wish->deadline_s * 1000;
	return call(c) == 0 ? 0 : blame(c, verb, reterr);
}

int program_on_host(struct host *h, const struct bench_wish *wish, const struct bench_workload *w,
	uint64_t ops, const char *disk, const struct netpair *pair, struct bench_times *ret,
	const char **ret_by, struct problem **reterr)
{
	autofree struct call *c = calloc(1, sizeof(*c)), *end = calloc(1, sizeof(*end));
	const char *where = pair ? "127.0.0.1" : disk;
	char number[24];
	int r;

	if (!c || !end)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*c = (struct call) { .host = h, .pair = pair };
	*end = *c;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)ops);
	r = step(c, wish, "prepare", w, NULL, where, reterr);
	if (r < 0)
		return r;
	r = step(c, wish, "run", w, number, where, reterr);
	step(end, wish, "finish", w, NULL, where, NULL);
	if (r == 0 && life_times(c->said, ops, ret) < 0)
		r = problem(reterr, -EPROTO, PROBLEM_FAILED, NULL,
			"%s without a guest does not say how it went", w->program);
	*ret_by = w->program;
	return r;
}

/* ---- The other end of a network ---- */

struct program_peer {
	const struct netpair *pair;
	char **argv;
	int in[2], out[2]; /* its standard streams; ours are in[1] and out[0] */
	pthread_t thread;
	bool runs;
};

/* It ends with the thread that started it, so that one stays. */
static void *serve(void *arg)
{
	struct program_peer *p = arg;
	int r = netpair_enter(p->pair), status;

	if (r == 0)
		r = launch_spawn(p->argv, NULL, 0, (int[]) { p->in[0], p->out[1], p->out[1] });
	closep_(&p->in[0]);
	closep_(&p->out[1]);
	p->in[0] = p->out[1] = -1;
	while (r > 0 && waitpid(r, &status, 0) < 0 && errno == EINTR)
		;
	return NULL;
}

/* Its first line. */
static int await_ready(int fd, struct problem **reterr)
{
	char said[256] = "";
	size_t n = 0;

	while (n + 1 < sizeof(said) && !strchr(said, '\n')) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t got = poll(&p, 1, READY_MS) > 0 ? read(fd, said + n, 1) : 0;

		if (got <= 0)
			break;
		n++;
	}
	said[strcspn(said, "\n")] = '\0';
	return str_eq(said, "ready")
		       ? 0
		       : problem(reterr, -ECHILD, PROBLEM_FAILED, NULL,
				 "nobody serves on the network: %s", *said ? said : "no answer");
}

int program_peer_new(const struct bench_wish *wish, const struct bench_workload *w,
	const struct netpair *pair, struct program_peer **ret, struct problem **reterr)
{
	CLEANUP(program_peer_freep) struct program_peer *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*p = (struct program_peer) {
		.pair = pair,
		.in = { -1, -1 },
		.out = { -1, -1 },
	};
	r = words(&p->argv,
		(const char *const[]) { "/bin/sh", wish->script, "serve", w->name, NULL });
	if (r == 0)
		r = pipe2(p->in, O_CLOEXEC) < 0 || pipe2(p->out, O_CLOEXEC) < 0 ? -errno : 0;
	if (r == 0)
		r = thread_start(&p->thread, "bench-peer", serve, p);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"nobody to serve on the network: %s", strerror(-r));
	p->runs = true;
	r = await_ready(p->out[0], reterr);
	if (r == 0)
		*ret = TAKE_PTR(p);
	return r;
}

void program_peer_free(struct program_peer *p)
{
	if (!p)
		return;
	closep_(&p->in[1]); /* which ends it */
	if (p->runs)
		pthread_join(p->thread, NULL);
	closep_(&p->in[0]);
	closep_(&p->out[0]);
	closep_(&p->out[1]);
	strv_free(p->argv);
	free(p);
}
