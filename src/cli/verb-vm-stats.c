// SPDX-License-Identifier: GPL-2.0-or-later
/* vm stats: what running guests cost, once or again and again. */
#include "verbs.h"
#include "vm-sample.h"
#include "base/str.h"
#include "cost/sum.h"
#include "out/cell.h"
#include "out/json.h"
#include "out/metrics.h"
#include "out/table.h"

#include <time.h>

enum { WATCH_SECONDS = 1, WATCH_SECONDS_MAX = 24 * 3600, ENOUGH = 1 };

static const char watch_columns[] = "OF,COUNTER,RATE,PER-OP";

/* A counter, and how it grew. */
struct row {
	char *of, *name;
	uint64_t v;
	const struct counter *means; /* NULL: nobody has said */
	double seconds;		     /* 0: it was looked at once */
	uint64_t growth, operations; /* of its device meanwhile; 0: none, or it is nobody's */
};

struct rows {
	struct row *v;
	size_t n;
};

static void rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		free(rows->v[i].of);
		free(rows->v[i].name);
	}
	free(rows->v);
}

static int text_of(const void *row, char **ret)
{
	return cell_str(ret, ((const struct row *)row)->of);
}

static int text_name(const void *row, char **ret)
{
	return cell_str(ret, ((const struct row *)row)->name);
}

static int text_value(const void *row, char **ret)
{
	return cell_fmt(ret, "%llu", (unsigned long long)((const struct row *)row)->v);
}

static int text_rate(const void *row, char **ret)
{
	const struct row *x = row;

	return x->seconds > 0 ? cell_fmt(ret, "%.1f", (double)x->growth / x->seconds)
			      : cell_str(ret, NULL);
}

static int text_per_op(const void *row, char **ret)
{
	const struct row *x = row;

	return x->operations ? cell_fmt(ret, "%.3f", (double)x->growth / (double)x->operations)
			     : cell_str(ret, NULL);
}

static int text_means(const void *row, char **ret)
{
	const struct counter *c = ((const struct row *)row)->means;

	return cell_str(ret, c ? c->what : NULL);
}

static const struct out_column columns[] = {
	{ "OF", "CPU, device, queue …", OUT_USUAL, text_of, NULL },
	{ "COUNTER", "what is counted", OUT_USUAL, text_name, NULL },
	{ "VALUE", "since its last boot", OUT_USUAL | OUT_RIGHT, text_value, NULL },
	{ "RATE", "per second (--watch)", OUT_RIGHT, text_rate, NULL },
	{ "PER-OP", "per request (--watch)", OUT_RIGHT, text_per_op, NULL },
	{ "MEANS", "what one more is", 0, text_means, NULL },
};
static const size_t n_columns = ARRAY_SIZE(columns);

/* Two looks at a guest; `before` is NULL at the first. */
struct look {
	const char *guest;
	bool of_many;
	const struct cost_sample *before, *now;
};

static double seconds_of(const struct look *l)
{
	return l->before ? (double)(l->now->at_us - l->before->at_us) / 1e6 : 0;
}

static uint64_t operations_of(const struct look *l, const struct cost_count *c)
{
	struct cost_sum sum;

	for (size_t i = 0; c->whose && l->before && i < l->now->n_devices; i++)
		if (str_eq(l->now->devices[i].name, c->whose)) {
			cost_sum_device(l->before, l->now, &l->now->devices[i], &sum);
			return sum.operations;
		}
	return 0;
}

static int fill_row(struct row *row, const struct look *l, size_t i)
{
	const struct cost_count *c = &l->now->counts[i];
	autofree char *label = cost_label(c, l->guest);
	bool prefix = l->of_many && !(c->of == COUNTER_GUEST);

	*row = (struct row) {
		.of = !label   ? NULL
		      : prefix ? str_printf("%s:%s", l->guest, label)
			       : TAKE_PTR(label),
		.name = cost_name(c),
		.v = c->v,
		.means = c->means,
		.seconds = seconds_of(l),
		.growth = cost_growth(l->before, l->now, i),
		.operations = operations_of(l, c),
	};
	return row->of && row->name ? 0 : -ENOMEM;
}

/* KVM counts much that never happens on this processor: that is for programs. */
static bool is_worth_a_line(const struct look *l, size_t i)
{
	const struct cost_count *c = &l->now->counts[i];

	if (l->before)
		return cost_growth(l->before, l->now, i);
	return c->v || c->of != COUNTER_CPU || !str_starts(c->name, "kvm_");
}

/* Of two looks only what has changed between them. */
static int add_rows(struct rows *rows, const struct look *l)
{
	struct row *v = reallocarray(rows->v, rows->n + l->now->n + 1, sizeof(*v));
	int r = 0;

	if (!v)
		return -ENOMEM;
	rows->v = v;
	for (size_t i = 0; i < l->now->n && r == 0; i++)
		if (is_worth_a_line(l, i))
			r = fill_row(&v[rows->n++], l, i);
	return r;
}

static int show_table(struct cli *cli, const struct look *looks, size_t n, struct problem **reterr)
{
	CLEANUP(rows_done) struct rows all = { 0 };
	autofree const void **rows = NULL;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_rows(&all, &looks[i]);
	rows = calloc(all.n + 1, sizeof(*rows));
	if (r < 0 || !rows)
		return -ENOMEM;
	for (size_t i = 0; i < all.n; i++)
		rows[i] = &all.v[i];
	return out_table(&cli->out, columns, n_columns, rows, all.n, reterr);
}

static void add_rate(struct json *j, json_object *list, const struct row *row)
{
	json_object *o = json_add_object(j, list, NULL);

	json_add_str(j, o, "of", row->of);
	json_add_str(j, o, "counter", row->name);
	json_add_u64(j, o, "growth", row->growth);
	json_object_object_add(
		o, "per_second", json_object_new_double((double)row->growth / row->seconds));
	if (row->operations)
		json_object_object_add(o, "per_operation",
			json_object_new_double((double)row->growth / (double)row->operations));
	else
		json_add_null(j, o, "per_operation");
}

static int add_rates(struct json *j, json_object *to, const struct look *l)
{
	CLEANUP(rows_done) struct rows rows = { 0 };
	json_object *list = json_add_array(j, to, "rates");

	if (add_rows(&rows, l) < 0)
		return -ENOMEM;
	json_object_object_add(to, "seconds", json_object_new_double(seconds_of(l)));
	for (size_t i = 0; i < rows.n; i++)
		add_rate(j, list, &rows.v[i]);
	return 0;
}

static void add_stats(json_object *to, const struct look *l)
{
	json_object_object_add(to, "stats", json_object_get(l->now->from));
}

static int show_json(struct cli *cli, const struct look *looks, size_t n, struct problem **reterr)
{
	autojson j = json_start();
	int r = 0;

	if (!looks->of_many) {
		add_stats(j.root, looks);
		r = looks->before ? add_rates(&j, j.root, looks) : 0;
	} else {
		json_object *list = json_add_array(&j, j.root, "guests");

		for (size_t i = 0; i < n; i++) {
			json_object *o = json_add_object(&j, list, NULL);

			json_add_str(&j, o, "name", looks[i].guest);
			add_stats(o, &looks[i]);
		}
	}
	return r < 0 ? r : json_print(&j, &cli->out, reterr);
}

static int show_metrics(
	struct cli *cli, const struct look *looks, size_t n, struct problem **reterr)
{
	autofree struct metrics_guest *v = calloc(n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		v[i] = (struct metrics_guest) { looks[i].guest, looks[i].now };
	return out_metrics(&cli->out, v, n, reterr);
}

static int show(
	struct cli *cli, bool metrics, const struct look *looks, size_t n, struct problem **reterr)
{
	if (metrics)
		return show_metrics(cli, looks, n, reterr);
	return out_is_json(&cli->out) ? show_json(cli, looks, n, reterr)
				      : show_table(cli, looks, n, reterr);
}

/* ---- again and again ---- */

struct watch {
	unsigned seconds; /* 0: once */
	uint32_t left;	  /* how many times to show; UINT32_MAX: until somebody ends it */
};

/* 0, ENOUGH, or what went wrong. */
static int look_again(struct cli *cli, struct vm_talk *t, struct cost_sample *before,
	struct watch *w, struct problem **reterr)
{
	const struct timespec pause = { .tv_sec = w->seconds };
	struct cost_sample now;
	int r;

	nanosleep(&pause, NULL);
	r = vm_sample(t, &now, reterr);
	if (r < 0)
		return r;
	r = show(cli, false, &(struct look) { t->name, false, before, &now }, 1, reterr);
	cost_sample_done(before);
	*before = now;
	if (r < 0)
		return r;
	if (w->left != UINT32_MAX && --w->left == 0)
		return ENOUGH;
	if (!out_is_json(&cli->out))
		fputc('\n', cli->out.to);
	/* Nobody reads any more: that is an end like any other. */
	return fflush(cli->out.to) == EOF || ferror(cli->out.to) ? ENOUGH : 0;
}

static int watch(struct cli *cli, const struct args *a, struct watch *w, struct problem **reterr)
{
	autosample before = { 0 };
	autovmtalk t = { 0 };
	int r = vm_open(cli, a, &t, reterr);

	if (r == 0)
		r = vm_sample(&t, &before, reterr);
	if (!cli->out.columns)
		cli->out.columns = watch_columns;
	while (r == 0)
		r = look_again(cli, &t, &before, w, reterr);
	return r == ENOUGH ? 0 : r;
}

/* ---- once ---- */

/* A guest that ends while all are asked is none of them any more; one that was named is missed. */
static int look_once(struct cli *cli, const char *name, bool named, struct look *looks,
	struct cost_sample *samples, size_t *n, struct problem **reterr)
{
	autovmtalk t = { 0 };
	struct problem *why = NULL;
	int r = vm_open_named(cli, name, &t, &why);

	if (r == 0)
		r = vm_sample(&t, &samples[*n], &why);
	if (r == 0) {
		looks[*n] = (struct look) { .guest = name, .now = &samples[*n] };
		(*n)++;
		return 0;
	}
	if (named && reterr)
		*reterr = TAKE_PTR(why);
	problem_free(why);
	return named ? r : 0;
}

static int look_at_all(struct cli *cli, char *const *names, size_t n_names, bool named,
	bool metrics, struct problem **reterr)
{
	autofree struct look *looks = calloc(n_names + 1, sizeof(*looks));
	autofree struct cost_sample *samples = calloc(n_names + 1, sizeof(*samples));
	size_t n = 0;
	int r = looks && samples ? 0 : -ENOMEM;

	for (size_t i = 0; i < n_names && r == 0; i++)
		r = look_once(cli, names[i], named, looks, samples, &n, reterr);
	for (size_t i = 0; i < n; i++)
		looks[i].of_many = n_names > 1 || !named;
	if (r == 0)
		r = show(cli, metrics, looks, n, reterr);
	for (size_t i = 0; i < n; i++)
		cost_sample_done(&samples[i]);
	return r;
}

static int once(struct cli *cli, const struct args *a, bool metrics, struct problem **reterr)
{
	autostrv char **running = NULL;
	size_t n = 0;

	if (a->n_words)
		return look_at_all(
			cli, (char *const *)(uintptr_t)a->words, a->n_words, true, metrics, reterr);
	if (!cli->root && vm_names(cli->run_dir, &running) < 0)
		return -ENOMEM;
	while (running && running[n])
		n++;
	return look_at_all(cli, running, n, false, metrics, reterr);
}

/* ---- what is asked for ---- */

static int read_format(
	struct cli *cli, const struct args *a, bool *ret_metrics, struct problem **reterr)
{
	const char *format = args_value(a, "format");

	*ret_metrics = format && str_eq(format, "openmetrics");
	if (format && !*ret_metrics && !str_eq(format, "table"))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--format %s: table or openmetrics, or --json", format);
	if (*ret_metrics && (out_is_json(&cli->out) || cli->out.columns))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--format openmetrics has no columns and is no JSON");
	return 0;
}

static int read_watch(
	const struct args *a, bool metrics, struct watch *ret, struct problem **reterr)
{
	const char *count = args_value(a, "count");
	unsigned ms = 0;
	int r = args_seconds_ms(a, "watch", &ms, reterr);

	*ret = (struct watch) { .left = UINT32_MAX };
	if (r < 0)
		return r;
	if (args_has(a, "watch"))
		ret->seconds = ms ? ms / 1000 : WATCH_SECONDS;
	if (count && (parse_u32(count, &ret->left) < 0 || !ret->left))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--count %s: not a number above 0", count);
	if (count && !ret->seconds)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "--count goes with --watch");
	if (ret->seconds && (metrics || a->n_words != 1))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--watch takes one guest, and shows a table or JSON");
	return 0;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct watch w;
	bool metrics;
	int r = read_format(cli, a, &metrics, reterr);

	if (r == 0)
		r = read_watch(a, metrics, &w, reterr);
	if (r < 0)
		return r;
	return w.seconds ? watch(cli, a, &w, reterr) : once(cli, a, metrics, reterr);
}

static const struct option options[] = {
	OPTION_COLUMNS,
	{ 0, "format", TAKES_VALUE, "table|openmetrics", "how to show it; see also --json",
		"table openmetrics" },
	{ 'w', "watch", TAKES_MAYBE, "SECONDS", "what changes, every so often; 1 is usual", "" },
	{ 0, "count", TAKES_VALUE, "N", "with --watch: end after so many", "" },
};

static const struct example examples[] = {
	{ "vm stats web1", "all counters" },
	{ "vm stats web1 -o OF,COUNTER,VALUE,MEANS", "and what they mean" },
	{ "vm stats web1 --watch", "what changes, and how fast" },
	{ "vm stats --format openmetrics", "all guests, for a collector" },
	{ "vm stats web1 --json", "for a program; more, by address" },
};

const struct verb verb_vm_stats = {
	.name = "vm stats",
	.section = VERB_HAND_OVER,
	.args = "[GUEST…]",
	.summary = "what running guests cost",
	.description =
		"Shows what was counted since each guest's last boot, of all that run if none is\n"
		"named: exits by reason, accesses that trapped, and of each queue doorbells,\n"
		"wake-ups, system calls, requests and what became of interrupts. MEANS says what\n"
		"one more means. With --watch only what changes is shown, per second and for\n"
		"each request of the device. host_interrupts are those of a function that came\n"
		"in on this host since the guest's driver switched them on, those that no VMM\n"
		"sees included.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = columns,
	.n_columns = &n_columns,
	.completes = "<guest>",
	.max_args = ANY_NUMBER,
	.run = run,
};
