// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.h"
#include "plain.h"
#include "base/str.h"

#include <libsmartcols.h>
#include <strings.h>

/* As many columns as a user may ask for: each may be named more than once. */
enum { CHOSEN_MAX = 64 };

struct chosen {
	const struct out_column *v[CHOSEN_MAX];
	size_t n;
};

static void table_unrefp(struct libscols_table **t)
{
	scols_unref_table(*t);
}

static const struct out_column *find(const struct out_column *columns, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(columns[i].name, name) == 0)
			return &columns[i];
	return NULL;
}

static int unknown(
	const struct out_column *columns, size_t n, const char *name, struct problem **reterr)
{
	autofree char *shown = str_printable(name);
	autostrv char **names = NULL;
	autostrbuf all = { 0 };
	const char *nearest;

	for (size_t i = 0; i < n; i++) {
		if (strv_add(&names, columns[i].name) < 0)
			return -ENOMEM;
		strbuf_add(&all, "%s%s", i ? "," : "", columns[i].name);
	}
	problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "no column is called '%s'",
		shown ? shown : "");
	/* Columns are written in capitals; what was typed need not be. */
	for (char *c = shown; c && *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	nearest = shown ? strv_nearest(names, shown) : NULL;
	if (nearest)
		problem_hint(reterr, "did you mean %s?", nearest);
	else
		problem_hint(reterr, "the columns are %s", all.s);
	return -EINVAL;
}

static int choose(const struct out_column *columns, size_t n, const char *wanted,
	struct chosen *ret, struct problem **reterr)
{
	autofree char *copy = NULL;
	char *rest, *name;

	ret->n = 0;
	if (!wanted) {
		for (size_t i = 0; i < n && ret->n < CHOSEN_MAX; i++)
			if (columns[i].flags & OUT_USUAL)
				ret->v[ret->n++] = &columns[i];
		return 0;
	}
	copy = strdup(wanted);
	if (!copy)
		return -ENOMEM;
	rest = copy;
	while ((name = strsep(&rest, ","))) {
		const struct out_column *c = find(columns, n, name);

		if (!c)
			return unknown(columns, n, name, reterr);
		if (ret->n == CHOSEN_MAX)
			return problem(reterr, -E2BIG, PROBLEM_USAGE, NULL, "more than %d columns",
				CHOSEN_MAX);
		ret->v[ret->n++] = c;
	}
	return 0;
}

int out_columns_check(
	const struct out_column *columns, size_t n, const char *wanted, struct problem **reterr)
{
	struct chosen chosen;

	return choose(columns, n, wanted, &chosen, reterr);
}

unsigned out_columns_need(const struct out_column *columns, size_t n, const char *wanted)
{
	struct chosen chosen;
	unsigned needs = 0;

	if (choose(columns, n, wanted, &chosen, NULL) < 0)
		return 0;
	for (size_t i = 0; i < chosen.n; i++)
		needs |= chosen.v[i]->needs;
	return needs;
}

static int add_headings(struct libscols_table *t, const struct chosen *chosen, bool tree)
{
	for (size_t i = 0; i < chosen->n; i++) {
		unsigned flags = chosen->v[i]->flags;
		int how = (flags & OUT_RIGHT ? SCOLS_FL_RIGHT : 0) |
			  (flags & OUT_WRAP ? SCOLS_FL_WRAP : 0) |
			  (tree && flags & OUT_TREE ? SCOLS_FL_TREE : 0);

		if (!scols_table_new_column(t, chosen->v[i]->name, 0, how))
			return -ENOMEM;
	}
	return 0;
}

static int add_cell(
	struct libscols_line *line, size_t i, const struct out_column *c, const void *row)
{
	autofree char *text = NULL, *printable = NULL;
	const char *color = c->color ? c->color(row) : NULL;
	int r;

	r = c->text(row, &text);
	if (r < 0)
		return r;
	printable = str_printable(text ? text : "-");
	if (!printable)
		return -ENOMEM;
	r = scols_line_set_data(line, i, printable);
	if (r == 0 && color)
		r = scols_cell_set_color(scols_line_get_cell(line, i), color);
	return r;
}

static int fill(struct libscols_table *t, const struct out *o, const struct chosen *chosen,
	const void *const *rows, const int *parents, size_t n_rows)
{
	autofree struct libscols_line **lines = calloc(n_rows + 1, sizeof(struct libscols_line *));
	int r;

	if (!lines)
		return -ENOMEM;

	scols_table_set_stream(t, o->to);
	scols_table_enable_noheadings(t, !o->legend);
	scols_table_enable_colors(t, o->color);
	/* Text is printable already; smartcols would escape our backslashes once more. */
	scols_table_enable_noencoding(t, 1);
	r = add_headings(t, chosen, parents);
	for (size_t y = 0; r == 0 && y < n_rows; y++) {
		bool hangs = parents && parents[y] >= 0;

		lines[y] = scols_table_new_line(t, hangs ? lines[parents[y]] : NULL);
		if (!lines[y])
			return -ENOMEM;
		for (size_t x = 0; r == 0 && x < chosen->n; x++)
			r = add_cell(lines[y], x, chosen->v[x], rows[y]);
	}
	return r;
}

/* libsmartcols for what a terminal wants: trees, colours, and lines that fit. */
static int layout(const struct out *o, const struct chosen *chosen, const void *const *rows,
	const int *parents, size_t n_rows)
{
	CLEANUP(table_unrefp) struct libscols_table *t = scols_new_table();
	int r = t ? fill(t, o, chosen, rows, parents, n_rows) : -ENOMEM;

	return r == 0 ? scols_print_table(t) : r;
}

static bool is_plain(const struct out *o)
{
	return !o->color && !isatty(fileno(o->to));
}

int out_tree_table(const struct out *o, const struct out_column *columns, size_t n,
	const void *const *rows, const int *parents, size_t n_rows, struct problem **reterr)
{
	struct chosen chosen;
	int r;

	r = choose(columns, n, o->columns, &chosen, reterr);
	if (r < 0)
		return r;
	if (!parents && is_plain(o))
		r = plain_table(o, chosen.v, chosen.n, rows, n_rows);
	else
		r = layout(o, &chosen, rows, parents, n_rows);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot lay out the table: %s", strerror(-r));
	return 0;
}

int out_table(const struct out *o, const struct out_column *columns, size_t n,
	const void *const *rows, size_t n_rows, struct problem **reterr)
{
	return out_tree_table(o, columns, n, rows, NULL, n_rows, reterr);
}
