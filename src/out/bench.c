// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"
#include "cell.h"
#include "complaint.h"
#include "json.h"

#include <stdio.h>

#define RESULT(row) ((const struct bench_result *)(row))

static bool is_measured(const struct bench_result *r)
{
	return !r->why && r->ops;
}

static int text_path(const void *row, char **ret)
{
	return cell_str(ret, RESULT(row)->path->name);
}

static int text_number(const void *row, char **ret)
{
	return cell_fmt(ret, "%u", RESULT(row)->path->number);
}

static int text_workload(const void *row, char **ret)
{
	return cell_str(ret, RESULT(row)->workload ? RESULT(row)->workload->name : NULL);
}

static int text_ops(const void *row, char **ret)
{
	return is_measured(RESULT(row))
		       ? cell_fmt(ret, "%llu", (unsigned long long)RESULT(row)->ops)
		       : cell_str(ret, NULL);
}

static int text_us(double ns, char **ret)
{
	return ns > 0 ? cell_fmt(ret, "%.2f", ns / 1000) : cell_str(ret, NULL);
}

static int text_mean(const void *row, char **ret)
{
	return text_us(RESULT(row)->guest.mean, ret);
}

static int text_p50(const void *row, char **ret)
{
	return text_us(RESULT(row)->guest.p50, ret);
}

static int text_p99(const void *row, char **ret)
{
	return text_us(RESULT(row)->guest.p99, ret);
}

static int text_host(const void *row, char **ret)
{
	return text_us(RESULT(row)->host.mean, ret);
}

static int text_host_p50(const void *row, char **ret)
{
	return text_us(RESULT(row)->host.p50, ret);
}

static int text_host_p99(const void *row, char **ret)
{
	return text_us(RESULT(row)->host.p99, ret);
}

static int text_host_by(const void *row, char **ret)
{
	return cell_str(ret, RESULT(row)->host_by);
}

static int text_ratio(const void *row, char **ret)
{
	return RESULT(row)->ratio > 0 ? cell_fmt(ret, "%.2f", RESULT(row)->ratio)
				      : cell_str(ret, NULL);
}

static int text_why(const void *row, char **ret)
{
	*ret = RESULT(row)->why ? problem_text(RESULT(row)->why) : NULL;
	return RESULT(row)->why && !*ret ? -ENOMEM : 0;
}

static int text_figure(const void *row, enum bench_figure f, char **ret)
{
	double v = RESULT(row)->each[f];

	if (!is_measured(RESULT(row)) || v < 0)
		return cell_str(ret, NULL);
	return f == BENCH_CPU_NS ? cell_fmt(ret, "%.0f", v) : cell_fmt(ret, "%.3f", v);
}

#define FIGURE(id, ...)                                                                            \
	static int text_##id(const void *row, char **ret)                                          \
	{                                                                                          \
		return text_figure(row, BENCH_##id, ret);                                          \
	}
#include "bench/figure.def"
#undef FIGURE

/* What most want to see; the others can be asked for. */
enum {
	SHOW_USER_EXITS = OUT_USUAL,
	SHOW_EXITS = OUT_USUAL,
	SHOW_HALTS = 0,
	SHOW_HOST_IRQS = 0,
	SHOW_DOORBELLS = OUT_USUAL,
	SHOW_SUPPRESSED = 0,
	SHOW_SYSCALLS = OUT_USUAL,
	SHOW_WAKEUPS = OUT_USUAL,
	SHOW_INJECTIONS = OUT_USUAL,
	SHOW_SIGNALLED = 0,
	SHOW_SLEEPS = 0,
	SHOW_CPU_NS = 0,
};

const struct out_column bench_columns[] = {
	{ "PATH", "of the I/O", OUT_USUAL, text_path, NULL },
	{ "NUMBER", "of the path", OUT_RIGHT, text_number, NULL },
	{ "WORKLOAD", "what the guest does", OUT_USUAL, text_workload, NULL },
	{ "OPS", "how many", OUT_RIGHT, text_ops, NULL },
	{ "US", "for each, on average", OUT_USUAL | OUT_RIGHT, text_mean, NULL },
	{ "P50", "microseconds, median", OUT_RIGHT, text_p50, NULL },
	{ "P99", "of 100 one is slower", OUT_RIGHT, text_p99, NULL },
	{ "HOST", "US without a guest", OUT_USUAL | OUT_RIGHT, text_host, NULL },
	{ "HOST-P50", "microseconds, median", OUT_RIGHT, text_host_p50, NULL },
	{ "HOST-P99", "of 100 one is slower", OUT_RIGHT, text_host_p99, NULL },
	{ "HOST-BY", "how that was done", 0, text_host_by, NULL },
	{ "RATIO", "guest to host", OUT_USUAL | OUT_RIGHT, text_ratio, NULL },
#define FIGURE(id, json, column, from, counter, brief, what)                                       \
	{ column, brief, SHOW_##id | OUT_RIGHT, text_##id, NULL },
#include "bench/figure.def"
#undef FIGURE
	{ "REASON", "why not measured", OUT_USUAL | OUT_WRAP, text_why, NULL },
};
const size_t n_bench_columns = ARRAY_SIZE(bench_columns);

static void add_number(struct json *j, json_object *to, const char *key, double v, bool known)
{
	char text[40];
	json_object *o = NULL;

	snprintf(text, sizeof(text), "%.3f", v);
	if (known)
		o = json_object_new_double_s(v, text);

	if ((known && !o) || (to && json_object_object_add(to, key, o) < 0))
		j->failed = true;
}

static void times_json(
	struct json *j, json_object *to, const char *key, const struct bench_times *t)
{
	json_object *o;

	if (t->mean <= 0) {
		json_add_null(j, to, key);
		return;
	}
	o = json_add_object(j, to, key);
	add_number(j, o, "mean_ns", t->mean, true);
	add_number(j, o, "p50_ns", t->p50, true);
	add_number(j, o, "p99_ns", t->p99, true);
}

static void result_json(struct json *j, json_object *list, const struct bench_result *r)
{
	json_object *o = json_add_object(j, list, NULL), *each;

	json_add_str(j, o, "path", r->path->name);
	json_add_u64(j, o, "number", r->path->number);
	json_add_str(j, o, "what", r->path->what);
	json_add_str(j, o, "workload", r->workload ? r->workload->name : NULL);
	json_add_u64(j, o, "ops", r->ops);
	times_json(j, o, "guest", &r->guest);
	times_json(j, o, "host", &r->host);
	json_add_str(j, o, "host_by", r->host_by);
	add_number(j, o, "ratio", r->ratio, r->ratio > 0);
	add_number(j, o, "ratio_p50", r->ratio_p50, r->ratio_p50 > 0);
	each = json_add_object(j, o, "each");
	for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
		add_number(j, each, bench_figures[f].json, r->each[f],
			is_measured(r) && r->each[f] >= 0);
	if (r->why)
		out_problem_json(j, o, "reason", r->why);
	else
		json_add_null(j, o, "reason");
}

static int show_json(const struct out *o, const struct bench_results *r, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "bench");

	for (size_t i = 0; i < r->n; i++)
		result_json(&j, list, &r->v[i]);
	return json_print(&j, o, reterr);
}

int out_bench(const struct out *o, const struct bench_results *r, struct problem **reterr)
{
	autofree const void **rows = calloc(r->n + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	if (out_is_json(o))
		return show_json(o, r, reterr);
	for (size_t i = 0; i < r->n; i++)
		rows[i] = &r->v[i];
	return out_table(o, bench_columns, n_bench_columns, rows, r->n, reterr);
}
