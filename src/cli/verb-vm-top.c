// SPDX-License-Identifier: GPL-2.0-or-later
/* vm top: a running guest's work, live. */
#include "verbs.h"
#include "vm-sample.h"
#include "host/terminal.h"
#include "out/top.h"

#include "base/clock.h"

enum { USUAL_MS = 1000, FIRST_MS = 200, ENDED = 1 };

struct top {
	struct vm_talk *talk;
	struct terminal *terminal;
	struct cost_sample before, now; /* what is shown lies between them */
	enum top_order order;
	bool help;
	unsigned ms;
};

static int show(struct top *t)
{
	struct top_view v = {
		.guest = t->talk->name,
		.before = &t->before,
		.now = &t->now,
		.order = t->order,
		.help = t->help,
	};
	autofree char *text = NULL;

	terminal_size(t->terminal, &v.rows, &v.columns);
	text = top_screen(&v);
	return text ? terminal_show(t->terminal, text) : -ENOMEM;
}

static int obey(struct top *t, int event)
{
	switch (event) {
	case 'q':
	case 'Q':
	case TERMINAL_END:
		return ENDED;
	case 's':
		t->order = (t->order + 1) % TOP_ORDERS;
		break;
	case 'h':
	case '?':
		t->help = !t->help;
		break;
	case TERMINAL_RESIZED:
		break;
	default:
		return 0; /* a key that says nothing */
	}
	return show(t);
}

/* Keys are obeyed at once, and do not put off the next look. */
static int wait_and_obey(struct top *t, unsigned ms)
{
	uint64_t end = clock_us() + (uint64_t)ms * 1000;
	int r = 0;

	while (r == 0) {
		uint64_t now = clock_us();

		if (now >= end)
			return 0;
		r = terminal_wait(t->terminal, (unsigned)((end - now) / 1000 + 1));
		if (r > 0)
			r = obey(t, r);
	}
	return r;
}

static int look(struct top *t, struct problem **reterr)
{
	struct cost_sample next;
	int r = vm_sample(t->talk, &next, reterr);

	if (r < 0)
		return r;
	cost_sample_done(&t->before);
	t->before = t->now;
	t->now = next;
	return show(t);
}

static int loop(struct top *t, struct problem **reterr)
{
	int r = vm_sample(t->talk, &t->now, reterr);

	/* The first picture soon: of a short time. */
	if (r == 0)
		r = wait_and_obey(t, FIRST_MS);
	while (r == 0) {
		r = look(t, reterr);
		if (r == 0)
			r = wait_and_obey(t, t->ms);
	}
	cost_sample_done(&t->before);
	cost_sample_done(&t->now);
	return r == ENDED ? 0 : r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autovmtalk talk = { 0 };
	struct top t = { .talk = &talk, .order = TOP_BY_COST, .ms = USUAL_MS };
	unsigned ms = 0;
	int r = args_seconds_ms(a, "every", &ms, reterr);

	if (ms)
		t.ms = ms;
	if (r == 0 && out_is_json(&cli->out))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl vm stats --watch --json",
			"vm top is for people");
	if (r == 0)
		r = vm_open(cli, a, &talk, reterr);
	if (r < 0)
		return r;
	r = terminal_open(STDIN_FILENO, fileno(cli->out.to), &t.terminal);
	if (r < 0)
		return problem(reterr, r, PROBLEM_USAGE, "vfctl vm stats --watch",
			"vm top needs a terminal");
	r = loop(&t, reterr);
	terminal_close(t.terminal);
	return r;
}

static const struct option options[] = {
	{ 0, "every", TAKES_VALUE, "SECONDS", "how often to look; 1 is usual", "" },
};

static const struct example examples[] = {
	{ "vm top web1", "where its exits come from, live" },
	{ "vm top web1 --every 5", "the same, calmer" },
};

const struct verb verb_vm_top = {
	.name = "vm top",
	.section = VERB_HAND_OVER,
	.args = "GUEST",
	.summary = "what a running guest does, live",
	.description =
		"Shows on the terminal, again and again, how often each CPU of the guest leaves\n"
		"it, and of each device on which path it is, what it does in a second, and what\n"
		"each operation costs: exits to user space and into the kernel, system calls,\n"
		"wake-ups and interrupts; of each assigned function its interrupts on the host.\n"
		"q ends, s sorts otherwise (cost, name, operations), h helps.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<guest>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
