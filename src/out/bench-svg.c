// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bars: for each workload one per path, as long as an operation takes by the host's own, which is a
 * bar, too; beside it what was counted. All workloads have the same scale, which is logarithmic
 * where the longest bar would hide the others.
 */
#include "bench.h"
#include "xml.h"

#include <stdio.h>

enum {
	MARGIN = 24,
	ROW = 21,
	BAR = 13,
	NAMES = 200,  /* the paths' */
	LENGTH = 400, /* of the scale */
	LABELS = 110, /* right of the longest bar */
	COLUMN = 82,  /* of a figure */
	TITLE = 62,
	LEGEND = 34,
	HEAD = 44,
	TICKS_MAX = 32,
	LOG_TICKS = 11,
	LINEAR_MOST = 8, /* from the shortest to the longest bar */
};

#define INK	"#1a1d21"
#define PALE	"#68707c"
#define GRID	"#dde1e6"
#define STRIPE	"#f5f6f8"
#define NOTHING "#3a9150" /* nothing at all is what one hopes for */

/* What is written beside a bar. */
static const struct {
	enum bench_figure figure;
	const char *name;
} beside[] = {
	{ BENCH_EXITS, "exits" },
	{ BENCH_USER_EXITS, "user exits" },
	{ BENCH_DOORBELLS, "doorbells" },
	{ BENCH_SYSCALLS, "system calls" },
	{ BENCH_WAKEUPS, "wake-ups" },
	{ BENCH_INJECTIONS, "interrupts" },
};

/* By the number of the path. */
static const struct {
	const char *color, *name;
} kinds[] = {
	{ "#9aa1ab", "bare metal" },
	{ "#c8402f", "full emulation" },
	{ "#e58a2e", "virtio, trapping" },
	{ "#2f78c4", "virtio" },
	{ "#2797ab", "vhost" },
	{ "#176f7d", "vhost-user" },
	{ "#8064c8", "host polls" },
	{ "#a44fb0", "no system call" },
	{ "#58a63a", "guest polls" },
	{ "#1f7a45", "VFIO" },
	{ "#1f7a45", "VFIO, a VF" },
	{ "#b59227", "over a VF" },
	{ "#8a7a5a", "standby" },
};

struct chart {
	struct strbuf b;
	const struct bench_results *r;
	double low, high; /* of the scale; low 0: it is linear */
	double ticks[TICKS_MAX];
	size_t n_ticks;
	int y, width;
};

static bool has_bar(const struct bench_result *r)
{
	return !r->why && r->guest.mean > 0;
}

/* Of one operation, by which the ratio is, too: bench.h. */
static double time_of(const struct bench_workload *w, const struct bench_times *t)
{
	return w->depth == 1 ? t->p50 : t->mean;
}

static void text(struct chart *c, int x, int y, int size, const char *more, const char *what)
{
	strbuf_add(&c->b, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" %s>", x, y, size, more);
	xml_add(&c->b, what);
	strbuf_add(&c->b, "</text>\n");
}

static void box(struct chart *c, int x, int y, int w, int h, const char *color)
{
	strbuf_add(&c->b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"/>\n", x,
		y, w, h, color);
}

/* ---- the scale ---- */

/* Good to a millionth, without a library. */
static double log2_of(double v)
{
	double whole = 0, part = 0.5;

	while (v >= 2) {
		v /= 2;
		whole++;
	}
	while (v < 1) {
		v *= 2;
		whole--;
	}
	for (int i = 0; i < 20; i++, part /= 2) {
		v *= v;
		if (v >= 2) {
			v /= 2;
			whole += part;
		}
	}
	return whole;
}

static int place(const struct chart *c, double v)
{
	double of = c->low > 0 ? log2_of(MAX(v, c->low) / c->low) / log2_of(c->high / c->low)
			       : v / c->high;

	return MARGIN + NAMES + (int)(MIN(of, 1.0) * LENGTH);
}

/* 0.01, 0.02, 0.05, 0.1 … */
static double step(unsigned i)
{
	static const double first[] = { 0.01, 0.02, 0.05 };
	double v = first[i % 3];

	for (; i >= 3; i -= 3)
		v *= 10;
	return v;
}

static void add_tick(struct chart *c, double v)
{
	if (c->n_ticks < TICKS_MAX)
		c->ticks[c->n_ticks++] = v;
}

/* The next of the steps below all, 1 among them, to the next above all; of many every third. */
static void scale_log(struct chart *c, double least, double most)
{
	unsigned from = 0, to;

	while (from < TICKS_MAX && step(from + 1) < least / 1.2) /* seen, too */
		from++;
	for (to = from; step(to) < most && to < TICKS_MAX;)
		to++;
	for (unsigned i = from; i <= to; i++)
		if (to - from < LOG_TICKS || i % 3 == 0)
			add_tick(c, step(i));
	c->low = step(from);
	c->high = step(to);
}

static void scale_linear(struct chart *c, double most)
{
	double by = most > 4 ? 1 : most > 2 ? 0.5 : 0.25, at = 0;

	do
		add_tick(c, at);
	while ((at += by) < most + by && c->n_ticks < TICKS_MAX);
	c->high = c->ticks[c->n_ticks - 1];
}

static void choose_scale(struct chart *c)
{
	double least = 1, most = 1;

	for (size_t i = 0; i < c->r->n; i++)
		if (has_bar(&c->r->v[i]) && c->r->v[i].ratio > 0) {
			least = MIN(least, c->r->v[i].ratio);
			most = MAX(most, c->r->v[i].ratio);
		}
	if (most / least > LINEAR_MOST)
		scale_log(c, least, most);
	else
		scale_linear(c, most);
}

/* ---- a workload ---- */

/* "random reads of 4 KiB, 32 at a time" */
static char *told(const struct bench_workload *w)
{
	static const char *const ops[] = {
		[BENCH_READ] = "reads of ",
		[BENCH_WRITE] = "writes of ",
		[BENCH_SEND] = "packets of ",
		[BENCH_RECEIVE] = "packets received, of ",
		[BENCH_PING] = "request and response, ",
	};
	bool kib = w->bytes % 1024 == 0;

	return str_printf("%s%s%u %s, %u at a time",
		w->io == BENCH_NET ? ""
		: w->sequential	   ? "sequential "
				   : "random ",
		ops[w->op], kib ? w->bytes / 1024 : w->bytes, kib ? "KiB" : "bytes", w->depth);
}

static int figures_at(size_t i)
{
	return MARGIN + NAMES + LENGTH + LABELS + ((int)i + 1) * COLUMN;
}

static void head(struct chart *c, const struct bench_workload *w)
{
	autofree char *what = told(w);

	text(c, MARGIN, c->y + 16, 14, "font-weight=\"bold\" fill=\"" INK "\"", w->name);
	text(c, MARGIN + NAMES, c->y + 16, 12, "fill=\"" PALE "\"", what ? what : "");
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		text(c, figures_at(i), c->y + 36, 11, "text-anchor=\"end\" fill=\"" PALE "\"",
			beside[i].name);
	for (size_t i = 0; i < c->n_ticks; i++) {
		char s[16];

		snprintf(s, sizeof(s), "%g", c->ticks[i]);
		text(c, place(c, c->ticks[i]), c->y + 36, 10,
			"text-anchor=\"middle\" fill=\"" PALE "\"", s);
	}
	c->y += HEAD;
}

static void stripes(struct chart *c, int rows)
{
	for (int i = 0; i < rows; i += 2)
		box(c, MARGIN - 6, c->y + i * ROW - 4, c->width - 2 * MARGIN + 12, ROW, STRIPE);
	for (size_t i = 0; i < c->n_ticks; i++)
		strbuf_add(&c->b, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\"/>\n",
			place(c, c->ticks[i]), c->y - 4, place(c, c->ticks[i]),
			c->y + rows * ROW - 4, GRID);
}

static void figure(struct chart *c, size_t i, int y, double v)
{
	char s[32] = "–", more[80];

	if (v >= 0)
		snprintf(s, sizeof(s), v < 0.005 ? "0" : v >= 100 ? "%.0f" : "%.2f", v);
	snprintf(more, sizeof(more), "text-anchor=\"end\" fill=\"%s\"",
		v < 0	    ? PALE
		: v < 0.005 ? NOTHING
			    : INK);
	text(c, figures_at(i), y, 11, more, s);
}

/* A name, and a bar with what it says. `ratio` 0: there is nothing that it could be compared with.
 */
static void bar(struct chart *c, const char *name, unsigned number, double ratio, double ns)
{
	const char *color = kinds[number < ARRAY_SIZE(kinds) ? number : 0].color;
	int from = MARGIN + NAMES, to = ratio > 0 ? place(c, ratio) : from, y = c->y + BAR - 2;
	char label[64];

	text(c, MARGIN, y, 12, "fill=\"" INK "\"", name);
	if (ratio > 0)
		box(c, from, c->y, MAX(to - from, 1), BAR, color);
	if (ratio > 0 && number)
		snprintf(label, sizeof(label), ratio >= 100 ? "%.0f× · %.*f µs" : "%.2f× · %.*f µs",
			ratio, ns < 100000 ? 1 : 0, ns / 1000);
	else
		snprintf(label, sizeof(label), "%.*f µs", ns < 100000 ? 2 : 0, ns / 1000);
	text(c, to + 6, y, 11, "fill=\"" INK "\"", label);
}

static void path_row(struct chart *c, const struct bench_result *r)
{
	bar(c, r->path->name, r->path->number, r->ratio, time_of(r->workload, &r->guest));
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		figure(c, i, c->y + BAR - 2, r->each[beside[i].figure]);
	c->y += ROW;
}

/* The quickest of those beside which the paths were measured; true: there is one. */
static bool host_row(struct chart *c, const struct bench_workload *w, bool draw)
{
	const struct bench_result *best = NULL;
	autofree char *name = NULL;

	for (size_t i = 0; i < c->r->n; i++) {
		const struct bench_result *r = &c->r->v[i];

		if (r->workload == w && has_bar(r) && r->ratio > 0 &&
			(!best || time_of(w, &r->host) < time_of(w, &best->host)))
			best = r;
	}
	if (!best || !draw)
		return best;
	name = str_printf("bare metal (%s)", best->host_by ? best->host_by : "host");
	bar(c, name ? name : "", 0, 1, time_of(w, &best->host));
	c->y += ROW;
	return true;
}

static void chapter(struct chart *c, const struct bench_workload *w)
{
	int rows = 0;

	for (size_t i = 0; i < c->r->n; i++)
		rows += c->r->v[i].workload == w && has_bar(&c->r->v[i]);
	if (!rows)
		return;
	head(c, w);
	stripes(c, rows + host_row(c, w, false));
	host_row(c, w, true);
	for (size_t i = 0; i < c->r->n; i++)
		if (c->r->v[i].workload == w && has_bar(&c->r->v[i]))
			path_row(c, &c->r->v[i]);
	c->y += ROW / 2;
}

/* Those that could not be measured are part of the picture. */
static void missing(struct chart *c)
{
	for (size_t i = 0; i < c->r->n; i++) {
		const struct bench_result *r = &c->r->v[i];
		autofree char *why = r->why ? problem_text(r->why) : NULL, *line = NULL;

		if (!why || r->workload)
			continue;
		line = str_printf("%s: %s", r->path->name, why);
		text(c, MARGIN, c->y + 12, 11, "fill=\"" PALE "\"", line ? line : "");
		c->y += ROW - 4;
	}
}

static bool is_shown(const struct chart *c, unsigned number)
{
	for (size_t i = 0; i < c->r->n; i++)
		if (has_bar(&c->r->v[i]) && c->r->v[i].path->number == number)
			return true;
	return false;
}

static void title(struct chart *c)
{
	int x = MARGIN;

	text(c, MARGIN, 32, 18, "font-weight=\"bold\" fill=\"" INK "\"",
		"What I/O costs a guest, path by path");
	text(c, MARGIN, 52, 12, "fill=\"" PALE "\"",
		c->low > 0 ? "Bars: how many times as long as without a guest, on a logarithmic "
			     "scale. Figures: of each operation."
			   : "Bars: how many times as long as without a guest. Figures: of each "
			     "operation.");
	c->y = TITLE;
	for (unsigned i = 1; i < ARRAY_SIZE(kinds); i++) {
		autofree char *name = str_printf("%u %s", i, kinds[i].name);

		if (!is_shown(c, i))
			continue;
		box(c, x, c->y + 4, 11, 11, kinds[i].color);
		text(c, x + 16, c->y + 14, 11, "fill=\"" INK "\"", name ? name : "");
		x += 36 + 6 * (name ? (int)strlen(name) : 0);
	}
	c->y += LEGEND;
}

int out_bench_svg(const struct bench_results *r, char **ret, struct problem **reterr)
{
	struct chart c = { .r = r, .width = figures_at(ARRAY_SIZE(beside) - 1) + MARGIN };
	autostrbuf whole = { 0 };

	choose_scale(&c);
	title(&c);
	for (size_t i = 0; i < n_bench_workloads; i++)
		chapter(&c, &bench_workloads[i]);
	missing(&c);
	strbuf_add(&whole,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\">\n<rect width=\"100%%\" height=\"100%%\" "
		"fill=\"#ffffff\"/>\n",
		c.width, c.y + MARGIN);
	if (!c.b.failed && c.b.s)
		strbuf_add_bytes(&whole, c.b.s, c.b.len);
	whole.failed |= c.b.failed;
	strbuf_done(&c.b);
	strbuf_add(&whole, "</svg>\n");
	*ret = strbuf_take(&whole);
	return *ret ? 0 : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}
