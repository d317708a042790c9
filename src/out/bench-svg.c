// SPDX-License-Identifier: GPL-2.0-or-later
/* Bars: for each workload one per path, 1.0 being the host without a guest. */
#include "bench.h"
#include "xml.h"

#include <stdio.h>

enum {
	MARGIN = 16,
	ROW = 22,
	BAR = 14,
	NAMES = 190,  /* the paths' */
	LENGTH = 360, /* of the longest bar */
	COLUMN = 76,  /* of a figure */
	TITLE = 34,
	HEAD = 24,
};

/* What is written beside a bar. */
static const enum bench_figure beside[] = { BENCH_USER_EXITS, BENCH_EXITS, BENCH_DOORBELLS,
	BENCH_SYSCALLS, BENCH_WAKEUPS, BENCH_INJECTIONS };

static const char *const colors[] = { "#b9bec6", "#d62839", "#f07c00", "#2e7dd1", "#7b61c9",
	"#16818a", "#8fc93a", "#5aa02c", "#2e9e4f", "#1b6e3c", "#1b6e3c", "#c98a2b", "#a45c9a" };

struct chart {
	struct strbuf b;
	const struct bench_results *r;
	double longest; /* ratio */
	int y;
};

static bool has_bar(const struct bench_result *r)
{
	return !r->why && r->guest.mean > 0;
}

static void text(struct chart *c, int x, int y, int size, const char *more, const char *what)
{
	strbuf_add(&c->b, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" %s>", x, y, size, more);
	xml_add(&c->b, what);
	strbuf_add(&c->b, "</text>\n");
}

static void number(struct chart *c, int x, int y, double v, const char *fmt_color)
{
	char s[32] = "-";

	if (v >= 0)
		snprintf(s, sizeof(s), v >= 100 ? "%.0f" : "%.2f", v);
	text(c, x, y, 11, fmt_color, s);
}

static void head(struct chart *c, const char *workload)
{
	int x = MARGIN + NAMES + LENGTH + 60;

	text(c, MARGIN, c->y + 16, 13, "font-weight=\"bold\" fill=\"#111111\"", workload);
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		text(c, x + (int)i * COLUMN, c->y + 16, 10, "fill=\"#4a515c\"",
			bench_figures[beside[i]].column);
	c->y += HEAD;
}

static void bar(struct chart *c, const struct bench_result *r)
{
	int w = r->ratio > 0 ? (int)(r->ratio / c->longest * LENGTH) : 1;
	int x = MARGIN + NAMES, y = c->y + BAR - 2;
	const char *color = colors[r->path->number % ARRAY_SIZE(colors)];
	char label[64];

	text(c, MARGIN, y, 11, "fill=\"#111111\"", r->path->name);
	strbuf_add(&c->b,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"2\" fill=\"%s\"/>\n", x,
		c->y, MAX(w, 1), BAR, color);
	if (r->ratio > 0)
		snprintf(label, sizeof(label), "%.2f", r->ratio);
	else
		snprintf(label, sizeof(label), "%.1f us", r->guest.mean / 1000);
	text(c, x + MAX(w, 1) + 5, y, 11, "fill=\"#111111\"", label);
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		number(c, x + LENGTH + 60 + (int)i * COLUMN, y, r->each[beside[i]],
			"fill=\"#111111\"");
	c->y += ROW;
}

/* The host's own line through all bars of a workload. */
static void host_line(struct chart *c, int from)
{
	int x = MARGIN + NAMES + (int)(1.0 / c->longest * LENGTH);

	strbuf_add(&c->b,
		"<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#111111\" "
		"stroke-dasharray=\"3 3\"/>\n",
		x, from - 2, x, c->y - 4);
}

static void chapter(struct chart *c, const struct bench_workload *w)
{
	bool some = false;
	int from = 0;

	for (size_t i = 0; i < c->r->n; i++) {
		if (c->r->v[i].workload != w || !has_bar(&c->r->v[i]))
			continue;
		if (!some)
			head(c, w->name);
		if (!some)
			from = c->y;
		some = true;
		bar(c, &c->r->v[i]);
	}
	if (some)
		host_line(c, from);
	if (some)
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
		text(c, MARGIN, c->y + 12, 11, "fill=\"#4a515c\"", line ? line : "");
		c->y += ROW - 4;
	}
}

int out_bench_svg(const struct bench_results *r, char **ret, struct problem **reterr)
{
	struct chart c = { .r = r, .longest = 1, .y = TITLE + MARGIN };
	autostrbuf whole = { 0 };
	int width = 2 * MARGIN + NAMES + LENGTH + 60 + COLUMN * (int)ARRAY_SIZE(beside);

	for (size_t i = 0; i < r->n; i++)
		c.longest = MAX(c.longest, r->v[i].ratio);
	text(&c, MARGIN, MARGIN + 14, 16, "font-weight=\"bold\" fill=\"#111111\"",
		"I/O by path: time of an operation by the host's own, and what it costs");
	for (size_t i = 0; i < n_bench_workloads; i++)
		chapter(&c, &bench_workloads[i]);
	missing(&c);
	strbuf_add(&whole,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"font-family=\"sans-serif\">\n<rect width=\"100%%\" height=\"100%%\" "
		"fill=\"#ffffff\"/>\n",
		width, c.y + MARGIN);
	if (!c.b.failed && c.b.s)
		strbuf_add_bytes(&whole, c.b.s, c.b.len);
	whole.failed |= c.b.failed;
	strbuf_done(&c.b);
	strbuf_add(&whole, "</svg>\n");
	*ret = strbuf_take(&whole);
	return *ret ? 0 : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}
