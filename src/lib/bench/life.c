// SPDX-License-Identifier: GPL-2.0-or-later
#include "life.h"
#include "marks.h"
#include "program.h"

#include "base/clock.h"
#include "base/str.h"
#include "launch/child.h"
#include "launch/memory.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { STATUS_USAGE = 2, STREAM_MAX = 256 << 10, WARM = 64, OWN_MIB = 64, LINUX_MIB = 512 };

enum { CONSOLE, ERRORS, STATUS, STREAMS };

/* The VMM while it runs. */
struct child {
	int pid; /* 0: none */
	int in;	 /* its keyboard, where a guest waits for one; -1: none */
	struct marks marks;
	int ends[STREAMS]; /* where we read */
	struct strbuf said[STREAMS];
	int status;
	struct rusage usage;
};

#define CHILD_NONE                                                                                 \
	{                                                                                          \
		.in = -1, .marks = MARKS_NONE, .ends = { -1, -1, -1 }                              \
	}

static void child_done(struct child *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	for (size_t i = 0; i < STREAMS; i++) {
		closep_(&c->ends[i]);
		strbuf_done(&c->said[i]);
	}
	closep_(&c->in);
	marks_done(&c->marks);
}

static bool polls(const struct life *l)
{
	return str_eq(l->path->guest, "wait=poll");
}

static char *append_of_linux(const struct life *l)
{
	return str_printf("console=ttyS0 quiet panic=-1 vfbench.work=%s vfbench.ops=%llu "
			  "vfbench.least=%llu%s",
		l->workload->name, (unsigned long long)l->ops,
		(unsigned long long)program_least(l->ops), polls(l) ? " vfbench.poll=1" : "");
}

static const char *op_name(enum bench_op op)
{
	static const char *const names[] = {
		[BENCH_READ] = "read",
		[BENCH_WRITE] = "write",
		[BENCH_SEND] = "send",
		[BENCH_RECEIVE] = "receive",
		[BENCH_PING] = "ping",
	};

	return names[op];
}

static char *plain(struct mac m)
{
	const uint8_t *b = m.b;

	return str_printf("%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

static char *append_of(const struct life *l)
{
	const struct bench_workload *w = l->workload;
	autofree char *ours = l->pair ? plain(l->pair->tap) : strdup("");
	autofree char *theirs = l->pair ? plain(l->pair->peer) : strdup("");

	if (w->program)
		return append_of_linux(l);
	/* All digits: what is printed and parsed is as long in every life. */
	return !ours || !theirs
		       ? NULL
		       : str_printf("test=%s op=%s order=%s bytes=%u depth=%u warm=%u ops=%08llu "
				    "ours=%s theirs=%s %s",
				 l->pair ? "net" : "disk", op_name(w->op),
				 w->sequential ? "sequential" : "random", w->bytes, w->depth, WARM,
				 (unsigned long long)l->ops, ours, theirs, l->path->guest);
}

/* Somebody's disk is read alone, but for the one that he named to be written to. */
static bool reads_only(const struct life *l)
{
	return l->path->io == BENCH_HOST_DISK ||
	       (l->path->io == BENCH_DISK && l->wish->disk && !l->wish->write);
}

/* "fd=N" and what makes it this path. */
static char *device_of(const struct life *l)
{
	const char *comma = *l->path->vmm ? "," : "";

	if (l->pair && l->pair->vhost >= 0)
		return str_printf("fd=%d,vhost=%d,mac=%s%s%s", l->pair->ends.tap, l->pair->vhost,
			MAC_TEXT(l->pair->tap), comma, l->path->vmm);
	if (l->pair)
		return str_printf("fd=%d,mac=%s%s%s", l->pair->ends.tap, MAC_TEXT(l->pair->tap),
			comma, l->path->vmm);
	if (l->channel >= 0)
		return str_printf("vhost-user=%d%s%s", l->channel, comma, l->path->vmm);
	return str_printf("fd=%d%s%s%s%s", l->fd, reads_only(l) ? ",ro" : "", comma, l->path->vmm,
		l->workload->program && polls(l) ? ",queues=2" : "");
}

static int add_fd(int fd, int **fds, size_t *n_fds)
{
	int *more = reallocarray(*fds, *n_fds + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	*fds = more;
	more[(*n_fds)++] = fd;
	return 0;
}

static int add_device(const struct life *l, char ***argv, int **fds, size_t *n_fds)
{
	autofree char *text = device_of(l);
	int fd = l->pair ? l->pair->ends.tap : l->channel >= 0 ? l->channel : l->fd, r;

	if (fd < 0)
		return 0;
	r = text ? add_fd(fd, fds, n_fds) : -ENOMEM;
	if (r == 0 && l->pair && l->pair->vhost >= 0)
		r = add_fd(l->pair->vhost, fds, n_fds);
	if (r == 0)
		r = strv_add(argv, l->pair ? "--net" : "--disk");
	return r < 0 ? r : strv_add(argv, text);
}

static void close_both(int (*p)[2])
{
	closep_(&(*p)[0]);
	closep_(&(*p)[1]);
}

/* Pipes for all that it says; ours are c->ends, *its are the others. */
static int open_pipes(struct child *c, int its[STREAMS])
{
	for (size_t i = 0; i < STREAMS; i++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) < 0)
			return -errno;
		c->ends[i] = p[0];
		its[i] = p[1];
	}
	return 0;
}

static void close_its(int (*its)[STREAMS])
{
	for (size_t i = 0; i < STREAMS; i++)
		closep_(&(*its)[i]);
}

static int spawn(const struct life *l, const struct launch_request *r, const struct launch_plan *p,
	struct launch_handles *io, struct child *c)
{
	int CLEANUP(close_its) its[STREAMS] = { -1, -1, -1 };
	int CLEANUP(close_both) in[2] = { -1, -1 };
	autostrv char **argv = NULL;
	autofree int *fds = NULL;
	size_t n_fds = 0;
	int e = open_pipes(c, its);

	if (e < 0)
		return e;
	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	e = launch_command(l->wish->vmm, r, p, io, its[STATUS], &argv, &fds, &n_fds);
	if (e == 0)
		e = add_device(l, &argv, &fds, &n_fds);
	if (e == 0)
		e = launch_spawn(argv, fds, n_fds, (int[]) { in[0], its[CONSOLE], its[ERRORS] });
	if (e < 0)
		return e;
	c->pid = e;
	if (io->control >= 0)
		c->in = TAKE_FD(in[1]);
	io->control = -1;	 /* the marks' */
	launch_handles_done(io); /* ours would keep the group busy */
	return 0;
}

/* Whatever is there; false at its end. */
static bool drain(struct child *c, size_t i)
{
	char buf[4096];
	ssize_t n = read(c->ends[i], buf, sizeof(buf));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	if (c->said[i].len < STREAM_MAX)
		strbuf_add_bytes(&c->said[i], buf, (size_t)n);
	return true;
}

/* At a mark the guest waits until it was looked at what it has cost. */
static int look(struct child *c, const char *device, struct problem **reterr)
{
	int r;

	if (c->in < 0 || !marks_is_there(&c->marks, c->said[CONSOLE].s))
		return 0;
	r = marks_ask(&c->marks, device, reterr);
	if (r == 0 && write(c->in, "\n", 1) != 1)
		r = problem(reterr, -EPIPE, PROBLEM_FAILED, NULL, "the guest has no keyboard");
	return r;
}

static int reap(struct child *c)
{
	while (wait4(c->pid, &c->status, 0, &c->usage) < 0)
		if (errno != EINTR)
			return -errno;
	c->pid = 0;
	return 0;
}

static int collect(
	struct child *c, const char *device, unsigned deadline_s, struct problem **reterr)
{
	uint64_t end = clock_us() + deadline_s * 1000000ULL;
	size_t open = STREAMS;

	while (open) {
		struct pollfd p[STREAMS];
		uint64_t now = clock_us();

		for (size_t i = 0; i < STREAMS; i++)
			p[i] = (struct pollfd) { .fd = c->ends[i], .events = POLLIN };
		if (now >= end || poll(p, STREAMS, (int)((end - now) / 1000) + 1) == 0)
			return -ETIMEDOUT;
		for (size_t i = 0; i < STREAMS; i++)
			if (c->ends[i] >= 0 && p[i].revents && !drain(c, i)) {
				closep_(&c->ends[i]);
				c->ends[i] = -1;
				open--;
			}
		if (look(c, device, reterr) < 0)
			return -EPROTO;
	}
	return reap(c);
}

/* The rest of the line after `prefix`, allocated; NULL: it was not said. */
static char *line_after(const char *text, const char *prefix)
{
	for (const char *at = text; at && (at = strstr(at, prefix)); at++)
		if (at == text || at[-1] == '\n')
			return strndup(at + strlen(prefix), strcspn(at + strlen(prefix), "\r\n"));
	return NULL;
}

static int number(const char *console, const char *key, uint64_t *ret)
{
	autofree char *prefix = str_printf("count %s ", key);
	autofree char *text = prefix ? line_after(console, prefix) : NULL;
	size_t zeros = text ? strspn(text, "0") : 0;

	if (!text)
		return -EPROTO;
	return parse_u64(text[zeros] ? text + zeros : "0", ret);
}

/* Why the guest or its VMM is not content; 0 when both are. */
static int judge(const struct life *l, const struct child *c, struct problem **reterr)
{
	const char *console = c->said[CONSOLE].s ?: "", *errors = c->said[ERRORS].s ?: "";
	autofree char *bad = line_after(console, "not ok "), *end = line_after(console, "end");
	autofree char *first = strndup(errors, strcspn(errors, "\n"));
	autofree char *safe = str_printable(bad ? bad : first ? first : "");
	bool exited = WIFEXITED(c->status);

	if (exited && WEXITSTATUS(c->status) == STATUS_USAGE)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"this vfctl-vmm does not know it: %s", safe ? safe : "");
	if (!exited || WEXITSTATUS(c->status) || bad || !end)
		return problem(reterr, -ECHILD, PROBLEM_FAILED, NULL,
			"the bench guest on %s failed (status %d): %s", l->path->name,
			exited ? WEXITSTATUS(c->status) : 128 + WTERMSIG(c->status),
			safe && *safe ? safe : "it said nothing");
	return 0;
}

static double process_ns(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e9 +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1e3;
}

int life_times(const char *said, uint64_t ops, struct bench_times *ret)
{
	uint64_t n = 0, ns = 0, p50 = 0, p99 = 0;

	if (number(said, "ops", &n) < 0 || number(said, "ns", &ns) < 0 ||
		number(said, "p50", &p50) < 0 || number(said, "p99", &p99) < 0 || n != ops)
		return -EPROTO;
	*ret = (struct bench_times) {
		.mean = n ? (double)ns / (double)n : 0,
		.p50 = (double)p50,
		.p99 = (double)p99,
	};
	return 0;
}

static int read_result(const struct life *l, const char *device, const struct child *c,
	struct life_result *ret, struct problem **reterr)
{
	const char *console = c->said[CONSOLE].s ?: "";
	uint64_t failed = 0;
	int e = figures_read(c->said[STATUS].s, device, ret->counted, reterr);

	if (e < 0)
		return e;
	if (l->channel >= 0 || (l->pair && l->pair->vhost >= 0))
		figures_forget_queues(ret->counted);
	if (life_times(console, l->ops, &ret->times) < 0 || number(console, "failed", &failed) < 0)
		return problem(reterr, -EPROTO, PROBLEM_FAILED, NULL,
			"the bench guest on %s does not say how it went", l->path->name);
	if (failed)
		return problem(reterr, -EIO, PROBLEM_IO, NULL, "%llu operations failed on %s",
			(unsigned long long)failed, l->path->name);
	ret->ops = l->ops;
	ret->counted[BENCH_SLEEPS] = (double)c->usage.ru_nvcsw;
	ret->counted[BENCH_CPU_NS] = process_ns(&c->usage);
	return 0;
}

static int start(struct host *h, const struct life *l, struct launch_request *r, struct child *c,
	char **ret_device, struct problem **reterr)
{
	autohandles io = { 0 };
	autolaunchplan p = { 0 };
	int e = launch_open_files(h, r, &io, reterr);

	if (e == 0 && r->n_vfs)
		e = launch_plan_make(h, l->wish->inventory, r, NULL, NULL, &p, reterr);
	if (e == 0)
		e = launch_memory_plan(h, r, &p, &p.memory, reterr);
	if (e == 0)
		e = launch_open_devices(h, r, &p, &io, reterr);
	if (e < 0)
		return e;
	io.control = c->marks.listening;
	*ret_device = strdup(p.n ? p.v[0].function->address : l->path->device);
	if (!*ret_device)
		return -ENOMEM;
	e = spawn(l, r, &p, &io, c);
	return e < 0 ? problem(reterr, e, problem_kind_from_errno(e), NULL, "start %s: %s",
			       l->wish->vmm, strerror(-e))
		     : 0;
}

static void machine_of(const struct life *l, struct launch_request *r)
{
	const struct bench_wish *w = l->wish;
	bool linux_guest = l->workload->program;

	r->name = "bench";
	r->kernel = linux_guest ? w->kernel : w->payload;
	r->initrd = linux_guest ? w->initrd : NULL;
	r->memory_bytes = (uint64_t)(linux_guest ? LINUX_MIB : OWN_MIB) << 20;
	r->no_reboot = true;
	if (linux_guest && polls(l))
		r->cpus = 2; /* Linux polls a queue that its processors' are not */
	if (l->path->io != BENCH_FUNCTION || !w->function)
		return;
	r->backend = w->function->backend;
	r->identity_dir = w->function->identity_dir;
	r->vfs = w->function->vfs; /* borrowed: `r` is not done with */
	r->n_vfs = w->function->n_vfs;
}

/* From its start to its end; whatever it said is in *c. */
static int live(struct host *h, const struct life *l, struct child *c, char **ret_device,
	struct problem **reterr)
{
	autofree char *append = append_of(l);
	struct launch_request r;
	int e;

	launch_request_init(&r);
	machine_of(l, &r);
	r.append = append;
	if (!append)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	e = start(h, l, &r, c, ret_device, reterr);
	if (e < 0)
		return e;
	e = collect(c, *ret_device, l->wish->deadline_s, reterr);
	if (e == -ETIMEDOUT)
		return problem(reterr, e, PROBLEM_TIMEOUT, "--timeout gives it longer",
			"the bench guest on %s did not come to its end in %u seconds",
			l->path->name, l->wish->deadline_s);
	if (e < 0)
		return reterr && *reterr ? e
					 : problem(reterr, e, PROBLEM_FAILED, NULL, "%s: %s",
						   l->wish->vmm, strerror(-e));
	return judge(l, c, reterr);
}

int life_run(struct host *h, const struct life *l, struct life_result *ret, struct problem **reterr)
{
	CLEANUP(child_done) struct child c = CHILD_NONE;
	autofree char *device = NULL;
	int r = live(h, l, &c, &device, reterr);

	return r < 0 ? r : read_result(l, device, &c, ret, reterr);
}

static void between(double *ret, const double *before, const double *after)
{
	for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
		ret[f] = before[f] < 0 || after[f] < 0 ? -1 : after[f] - before[f];
}

int life_run_linux(struct host *h, const struct life *l, struct life_result *ret_least,
	struct life_result *ret_all, struct problem **reterr)
{
	CLEANUP(child_done) struct child c = CHILD_NONE;
	autofree char *device = NULL;
	int r = marks_open(&c.marks, reterr);

	if (r == 0)
		r = live(h, l, &c, &device, reterr);
	if (r == 0)
		r = read_result(l, device, &c, ret_all, reterr);
	if (r < 0)
		return r;
	if (c.marks.n != MARKS)
		return problem(reterr, -EPROTO, PROBLEM_FAILED, NULL,
			"the guest on %s does not say when it begins", l->path->name);
	*ret_least = (struct life_result) { .ops = program_least(l->ops) };
	between(ret_least->counted, c.marks.counted[0], c.marks.counted[1]);
	between(ret_all->counted, c.marks.counted[1], c.marks.counted[2]);
	return 0;
}
