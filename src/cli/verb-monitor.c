// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"
#include "host/events.h"
#include "out/event.h"
#include "select/select.h"
#include "watch/watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>

static const struct option options[] = {
	{ 0, "timeout", TAKES_VALUE, "SECONDS", "end after that long", "" },
	{ 0, "count", TAKES_VALUE, "N", "end after that many events", "" },
};

static const struct example examples[] = {
	{ "monitor", "all, until it is interrupted" },
	{ "monitor ens1f0 --json", "a PF and its VFs, for a program" },
	{ "monitor --count 1 --timeout 30", "wait for something to happen" },
};

struct monitor {
	struct cli *cli;
	struct bdf *wanted; /* NULL: all */
	size_t n_wanted;
	uint32_t left; /* events to tell; UINT32_MAX without end */
	struct problem **reterr;
};

enum { ENOUGH = -ECANCELED };

static bool is_wanted(const struct monitor *m, const struct watch_event *e)
{
	/* That something was lost concerns everybody. */
	for (size_t i = 0; m->wanted && e->kind != WATCH_LOST; i++) {
		if (i == m->n_wanted)
			return false;
		if (e->has_function &&
			(bdf_eq(m->wanted[i], e->bdf) || (e->is_vf && bdf_eq(m->wanted[i], e->pf))))
			return true;
	}
	return true;
}

/* For people the time on their clock, for programs all of it, of no zone. */
static void time_text(bool for_people, char buf[48])
{
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	if (for_people)
		n = strftime(buf, 32, "%T", localtime_r(&now.tv_sec, &tm));
	else
		n = strftime(buf, 32, "%FT%T", gmtime_r(&now.tv_sec, &tm));
	(void)snprintf(buf + n, 48 - n, ".%06ld%s", now.tv_nsec / 1000, for_people ? "" : "Z");
}

static int print_json(struct monitor *m, const struct watch_event *e)
{
	struct out line = m->cli->out;
	autojson j = json_start();
	char time[48];

	time_text(false, time);
	event_json(&j, j.root, e, time);
	line.format = OUT_JSON_SHORT; /* one line each, whatever was asked for */
	return json_print(&j, &line, m->reterr);
}

static int print_text(struct monitor *m, const struct watch_event *e)
{
	autofree char *raw = watch_event_text(e), *text = raw ? str_printable(raw) : NULL;
	FILE *to = m->cli->out.to;
	char time[48];

	if (!text)
		return -ENOMEM;
	time_text(true, time);
	fprintf(to, "%s %-7s %-12s %s", time, watch_source_name(e->source),
		e->has_function ? BDF_TEXT(e->bdf) : "-", text);
	if (e->is_vf && e->vf_index >= 0)
		fprintf(to, " (VF %d of %s)", e->vf_index, BDF_TEXT(e->pf));
	fputc('\n', to);
	return 0;
}

static int told(void *arg, const struct watch_event *e)
{
	struct monitor *m = arg;
	int r;

	if (!is_wanted(m, e))
		return 0;
	r = out_is_json(&m->cli->out) ? print_json(m, e) : print_text(m, e);
	/* Nobody reads any more: that is an end like any other. */
	if (fflush(m->cli->out.to) == EOF || ferror(m->cli->out.to))
		return ENOUGH;
	if (r == 0 && m->left != UINT32_MAX && --m->left == 0)
		return ENOUGH;
	return r;
}

static int loop(struct monitor *m, struct host *h, struct events *events, struct watch *w,
	int signals, unsigned timeout_ms)
{
	/* Of the output only that nobody reads it any more. */
	const struct pollfd wake[] = { { .fd = signals, .events = POLLIN },
		{ .fd = fileno(m->cli->out.to) } };
	uint64_t end = host_now_ms(h) + timeout_ms;
	int r = 0;

	while (r >= 0) {
		uint64_t now = host_now_ms(h);
		int left = !timeout_ms ? -1 : now < end ? (int)(end - now) : 0;
		struct host_event raw;

		r = h->ops->events->next(h, events, left, wake, ARRAY_SIZE(wake), &raw);
		if (r == 0)
			return 0;
		if (r > 0)
			r = watch_feed(w, &raw, told, m);
	}
	return r == ENOUGH ? 0 : r;
}

static int open_signals(int *ret)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	*ret = signalfd(-1, &set, SFD_CLOEXEC);
	return *ret < 0 ? -errno : 0;
}

static int choose(struct monitor *m, struct host *h, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoselection found = { 0 };
	int r;

	if (!a->n_words)
		return 0;
	r = cli_inventory(m->cli, 0, &inv, reterr);
	if (r == 0)
		r = select_some(h, inv, a->words, a->n_words, &found, reterr);
	if (r < 0)
		return r;
	m->wanted = calloc(found.n + 1, sizeof(*m->wanted));
	if (!m->wanted)
		return -ENOMEM;
	for (size_t i = 0; i < found.n; i++)
		m->wanted[m->n_wanted++] = found.v[i]->bdf;
	return 0;
}

static int watch(struct monitor *m, struct host *h, unsigned timeout_ms)
{
	CLEANUP(watch_freep) struct watch *w = NULL;
	struct events *events = NULL;
	autoclose int signals = -1;
	int r = open_signals(&signals);

	/* First the ear, then the picture: what happens in between is heard, and seen already. */
	if (r == 0)
		r = h->ops->events->open(h, &events);
	if (r < 0)
		return problem(m->reterr, r, problem_kind_from_errno(r), NULL,
			"cannot listen to the kernel: %s", strerror(-r));
	r = watch_new(h, &w, m->reterr);
	if (r == 0)
		r = loop(m, h, events, w, signals, timeout_ms);
	h->ops->events->close(h, events);
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct monitor m = { .cli = cli, .left = UINT32_MAX, .reterr = reterr };
	const char *count = args_value(a, "count");
	unsigned timeout_ms = 0;
	struct host *h;
	int r = args_timeout_ms(a, &timeout_ms, reterr);

	if (r == 0 && count && (parse_u32(count, &m.left) < 0 || !m.left))
		r = problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--count %s: not a number above 0", count);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0 && !h->ops->events)
		r = problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"nothing happens on a captured machine");
	if (r == 0)
		r = choose(&m, h, a, reterr);
	if (r == 0)
		r = watch(&m, h, timeout_ms);
	free(m.wanted);
	return r;
}

const struct verb verb_monitor = {
	.name = "monitor",
	.section = VERB_LOOK,
	.args = "[SELECTOR…]",
	.summary = "what happens to functions, as it happens",
	.description =
		"Tells what happens to functions, a line or (--json) an object each: they come\n"
		"and go, are bound and unbound, VFs are created and destroyed, interfaces appear\n"
		"and are renamed, VFIO groups appear, and somebody changes a VF's attributes (the\n"
		"kernel says so only while the PF's interface is up).\n"
		"The sources are the kernel, udev (when it has dealt with a device) and netlink.\n"
		"With selectors only of these functions and their VFs. When the kernel had to\n"
		"drop events, that is said, and what has changed is found by looking. An\n"
		"interrupt, --timeout, --count or a closed pipe ends it, with exit code 0.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.max_args = ANY_NUMBER,
	.run = run,
};
