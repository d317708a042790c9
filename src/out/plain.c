// SPDX-License-Identifier: GPL-2.0-or-later
#include "plain.h"
#include "base/str.h"

#include <stdlib.h>
#include <wchar.h>

struct cell {
	size_t at; /* in the texts */
	uint32_t bytes, width;
};

struct grid {
	const struct out_column *const *columns;
	size_t n, n_rows;
	struct cell *cells;  /* row by row */
	struct strbuf texts; /* printable, one behind the other */
	size_t *widths;
};

static void grid_done(struct grid *g)
{
	strbuf_done(&g->texts);
	free(g->cells);
	free(g->widths);
}

/* In columns of a terminal; by bytes where the locale does not know the characters. */
static size_t width_of(const char *s, size_t bytes)
{
	mbstate_t state = { 0 };
	size_t width = 0;

	while (bytes) {
		unsigned char c = (unsigned char)*s;
		size_t len = 1;
		wchar_t wide;
		int w = 1;

		if (c >= 0x80) {
			len = mbrtowc(&wide, s, bytes, &state);
			if (len == 0 || len > bytes) {
				len = 1;
				state = (mbstate_t) { 0 };
			} else {
				w = wcwidth(wide);
			}
		}
		width += w > 0 ? (size_t)w : 0;
		s += len;
		bytes -= len;
	}
	return width;
}

/* 0: there are others than ASCII's that can be printed. */
static size_t plain_width(const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return s[n] ? 0 : n;
}

static int fill_cell(
	struct strbuf *texts, struct cell *c, const struct out_column *column, const void *row)
{
	autofree char *text = NULL, *printable = NULL;
	int r = column->text(row, &text);
	const char *s = text ? text : "-";
	size_t width = plain_width(s), bytes = width;

	if (r < 0)
		return r;
	if (!width && *s) {
		printable = str_printable(s);
		if (!printable)
			return -ENOMEM;
		s = printable;
		bytes = strlen(s);
		width = width_of(s, bytes);
	}
	if (bytes > UINT32_MAX)
		return -E2BIG;
	*c = (struct cell) { texts->len, (uint32_t)bytes, (uint32_t)width };
	strbuf_add_bytes(texts, s, bytes);
	return texts->failed ? -ENOMEM : 0;
}

static int fill(struct grid *g, const void *const *rows)
{
	for (size_t x = 0; x < g->n; x++)
		g->widths[x] = width_of(g->columns[x]->name, strlen(g->columns[x]->name));
	for (size_t y = 0; y < g->n_rows; y++)
		for (size_t x = 0; x < g->n; x++) {
			struct cell *c = &g->cells[y * g->n + x];
			int r = fill_cell(&g->texts, c, g->columns[x], rows[y]);

			if (r < 0)
				return r;
			g->widths[x] = MAX(g->widths[x], (size_t)c->width);
		}
	return 0;
}

static void pad(struct strbuf *b, size_t n)
{
	static const char blanks[] = "                                ";

	for (size_t some; n; n -= some) {
		some = MIN(n, sizeof(blanks) - 1);
		strbuf_add_bytes(b, blanks, some);
	}
}

static void add(
	struct strbuf *b, const struct grid *g, size_t x, const char *s, size_t bytes, size_t width)
{
	size_t room = g->widths[x] - width;
	bool right = g->columns[x]->flags & OUT_RIGHT;

	if (x)
		strbuf_add_bytes(b, " ", 1);
	if (right)
		pad(b, room);
	strbuf_add_bytes(b, s, bytes);
	if (!right && x + 1 < g->n)
		pad(b, room);
}

static int print(const struct grid *g, const struct out *o)
{
	autostrbuf b = { 0 };

	for (size_t x = 0; o->legend && x < g->n; x++) {
		const char *name = g->columns[x]->name;

		add(&b, g, x, name, strlen(name), width_of(name, strlen(name)));
	}
	if (o->legend)
		strbuf_add_bytes(&b, "\n", 1);
	for (size_t y = 0; y < g->n_rows; y++) {
		for (size_t x = 0; x < g->n; x++) {
			const struct cell *c = &g->cells[y * g->n + x];

			add(&b, g, x, g->texts.s + c->at, c->bytes, c->width);
		}
		strbuf_add_bytes(&b, "\n", 1);
	}
	if (b.failed)
		return -ENOMEM;
	/* What cannot be written shows when the program closes the stream. */
	(void)fwrite(b.s ? b.s : "", 1, b.len, o->to);
	return 0;
}

int plain_table(const struct out *o, const struct out_column *const *columns, size_t n,
	const void *const *rows, size_t n_rows)
{
	CLEANUP(grid_done) struct grid g = { .columns = columns, .n = n, .n_rows = n_rows };
	int r;

	if (!n_rows) /* as libsmartcols: no heading over nothing */
		return 0;
	g.cells = calloc(n * n_rows, sizeof(*g.cells));
	g.widths = calloc(n + 1, sizeof(*g.widths));
	r = g.cells && g.widths ? fill(&g, rows) : -ENOMEM;
	return r < 0 ? r : print(&g, o);
}
