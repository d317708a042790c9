// SPDX-License-Identifier: GPL-2.0-or-later
#include "ladder.h"
#include "cell.h"
#include "health.h"

struct line {
	const struct ladder_of *of;
	const struct rung *rung;
	bool first; /* that can be tried */
};

#define LINE(row) ((const struct line *)(row))

static int text_function(const void *row, char **ret)
{
	return cell_str(ret, LINE(row)->of->f->address);
}

static int text_rung(const void *row, char **ret)
{
	return cell_str(ret, LINE(row)->rung->name);
}

static int text_what(const void *row, char **ret)
{
	return cell_str(ret, LINE(row)->rung->text);
}

static int text_hits(const void *row, char **ret)
{
	*ret = rung_others(LINE(row)->rung);
	return LINE(row)->rung->n_others && !*ret ? -ENOMEM : 0;
}

static int text_when(const void *row, char **ret)
{
	const struct rung *r = LINE(row)->rung;

	if (r->why_not)
		return cell_fmt(ret, "not now: %s", r->why_not);
	if (LINE(row)->first)
		return cell_str(ret, "at once");
	return cell_fmt(ret, "with --up-to %s", r->name);
}

const struct out_column ladder_columns[] = {
	{ "FUNCTION", "its address", OUT_USUAL, text_function, NULL },
	{ "RUNG", "for --up-to", OUT_USUAL, text_rung, NULL },
	{ "WHAT", "what is done", OUT_USUAL | OUT_WRAP, text_what, NULL },
	{ "ALSO-HITS", "other functions", OUT_USUAL | OUT_WRAP, text_hits, NULL },
	{ "WHEN", "it would be tried", OUT_USUAL | OUT_WRAP, text_when, NULL },
};
const size_t n_ladder_columns = ARRAY_SIZE(ladder_columns);

static int table(const struct out *o, const struct ladder_of *v, size_t n, struct problem **reterr)
{
	autofree const void **rows = NULL;
	autofree struct line *lines = NULL;
	size_t max = 1, k = 0;

	for (size_t i = 0; i < n; i++)
		max += v[i].ladder.n;
	rows = calloc(max, sizeof(*rows));
	lines = calloc(max, sizeof(*lines));
	if (!rows || !lines)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		bool first = true;

		for (size_t r = 0; r < v[i].ladder.n; r++) {
			const struct rung *rung = &v[i].ladder.v[r];

			lines[k] = (struct line) { &v[i], rung, first && !rung->why_not };
			rows[k] = &lines[k];
			first &= rung->why_not != NULL;
			k++;
		}
	}
	return out_table(o, ladder_columns, n_ladder_columns, rows, k, reterr);
}

static void rung_json(struct json *j, json_object *to, const struct rung *r)
{
	json_object *others;

	json_add_str(j, to, "rung", r->name);
	json_add_str(j, to, "text", r->text);
	others = json_add_array(j, to, "also_hits");
	for (size_t i = 0; i < r->n_others; i++)
		json_add_str(j, others, NULL, r->others[i]->address);
	json_add_str(j, to, "why_not", r->why_not);
}

int out_ladders(const struct out *o, const struct ladder_of *v, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list, *e, *rungs;

	if (!out_is_json(o))
		return table(o, v, n, reterr);
	list = json_add_array(&j, j.root, "functions");
	for (size_t i = 0; i < n; i++) {
		e = json_add_object(&j, list, NULL);
		json_add_str(&j, e, "address", v[i].f->address);
		json_add_str(&j, e, "health", health_state_name(v[i].health->state));
		rungs = json_add_array(&j, e, "rungs");
		for (size_t r = 0; r < v[i].ladder.n; r++)
			rung_json(&j, json_add_object(&j, rungs, NULL), &v[i].ladder.v[r]);
	}
	return json_print(&j, o, reterr);
}
