// SPDX-License-Identifier: GPL-2.0-or-later
/* vm stats: what a running guest costs. */
#include "verbs.h"
#include "vm.h"
#include "base/counter.h"
#include "base/str.h"
#include "out/cell.h"
#include "out/json.h"
#include "out/table.h"
#include "vfio/hostirq.h"

enum { ANSWER_MS = 10000 };

/* A counter of a CPU, a device, one of its queues, or the whole guest. */
struct row {
	char *of;
	const char *name;
	int64_t v;
	const struct counter *means; /* NULL: nobody has said */
};

struct rows {
	struct row *v;
	size_t n;
};

static void rows_done(struct rows *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->v[i].of);
	free(c->v);
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
	return cell_fmt(ret, "%lld", (long long)((const struct row *)row)->v);
}

/* In one line, and nothing for what a newer or older VMM counts. */
static int text_means(const void *row, char **ret)
{
	const struct counter *c = ((const struct row *)row)->means;

	return cell_str(ret, c ? c->what : NULL);
}

static const struct out_column columns[] = {
	{ "OF", "guest, CPU or device", OUT_USUAL, text_of, NULL },
	{ "COUNTER", "what is counted", OUT_USUAL, text_name, NULL },
	{ "VALUE", "since its last boot", OUT_USUAL | OUT_RIGHT, text_value, NULL },
	{ "MEANS", "what one more means", 0, text_means, NULL },
};
static const size_t n_columns = ARRAY_SIZE(columns);

/* Of a device's report: a queue is called as "vm set" calls it. */
static int name_row(struct row *row, const char *device, const char *name)
{
	int index;
	const char *bare;
	enum counter_of of = counter_parse(name, &bare, &index);

	row->means = counter_find(of, bare);
	row->name = of == COUNTER_QUEUE ? bare : name;
	row->of = of == COUNTER_QUEUE ? str_printf("%s/%d", device, index) : strdup(device);
	return row->of ? 0 : -ENOMEM;
}

/* The numbers of an object. */
static int add(struct rows *c, enum counter_of kind, const char *of, json_object *from)
{
	json_object_object_foreach(from, name, value)
	{
		struct row *v;

		if (!json_object_is_type(value, json_type_int) || str_eq(name, "slot"))
			continue;
		v = reallocarray(c->v, c->n + 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		c->v = v;
		v += c->n++;
		*v = (struct row) { .name = name, .v = json_object_get_int64(value) };
		if (kind == COUNTER_DEVICE) {
			if (name_row(v, of, name) < 0)
				return -ENOMEM;
			continue;
		}
		v->means = counter_find(kind, name);
		v->of = strdup(of);
		if (!v->of)
			return -ENOMEM;
	}
	return 0;
}

/* Those of a list; elements without a name are numbered. */
static int add_list(struct rows *c, enum counter_of kind, json_object *list)
{
	size_t n = list ? json_object_array_length(list) : 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		json_object *one = json_object_array_get_idx(list, i);
		json_object *name = json_object_object_get(one, "name");
		autofree char *of = name ? strdup(json_object_get_string(name))
					 : str_printf("%s%zu", counter_of_name(kind), i);

		r = of ? add(c, kind, of, one) : -ENOMEM;
	}
	return r;
}

static int show(struct cli *cli, const char *guest, json_object *stats, struct problem **reterr)
{
	CLEANUP(rows_done) struct rows c = { 0 };
	autofree const void **rows = NULL;
	int r = add(&c, COUNTER_GUEST, guest, stats);

	if (r == 0)
		r = add_list(&c, COUNTER_CPU, json_object_object_get(stats, "cpus"));
	if (r == 0)
		r = add_list(&c, COUNTER_DEVICE, json_object_object_get(stats, "devices"));
	rows = calloc(c.n + 1, sizeof(*rows));
	if (r < 0 || !rows)
		return -ENOMEM;
	for (size_t i = 0; i < c.n; i++)
		rows[i] = &c.v[i];
	return out_table(&cli->out, columns, n_columns, rows, c.n, reterr);
}

static int add_vectors(json_object *to, const struct vfio_host_irq *v, size_t n)
{
	json_object *list = json_object_new_array();
	int64_t all = 0;

	if (!list || json_object_object_add(to, "host_vectors", list) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		json_object *one = json_object_new_object();

		if (!one || json_object_array_add(list, one) < 0)
			return -ENOMEM;
		json_object_object_add(
			one, "kind", json_object_new_string(vfio_host_irq_kind_name(v[i].kind)));
		json_object_object_add(one, "vector", json_object_new_int64(v[i].vector));
		json_object_object_add(one, "count", json_object_new_int64((int64_t)v[i].count));
		all += (int64_t)v[i].count;
	}
	return json_object_object_add(to, "host_interrupts", json_object_new_int64(all));
}

/* The VMM sees no interrupt that KVM takes from VFIO, and its sandbox has no /proc: we look. */
static int look_at_host(struct host *h, json_object *stats)
{
	json_object *list = json_object_object_get(stats, "devices");
	size_t n = list ? json_object_array_length(list) : 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		json_object *one = json_object_array_get_idx(list, i);
		autofree struct vfio_host_irq *v = NULL;
		size_t n_v = 0;

		/* What is not assigned has no such counter. */
		if (!json_object_object_get(one, "interrupts_signalled"))
			continue;
		if (vfio_host_irqs(h, json_object_get_string(json_object_object_get(one, "name")),
			    &v, &n_v) < 0)
			r = json_object_object_add(one, "host_interrupts", NULL);
		else
			r = add_vectors(one, v, n_v);
	}
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autojson j = json_start();
	json_object *stats = NULL;
	autovmtalk t = { 0 };
	struct host *h;
	int r = vm_open(cli, a, &t, reterr);

	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = vm_talk(&t, vm_question("stats"), NULL, 0, ANSWER_MS, &stats, NULL, reterr);
	if (r < 0)
		return r;
	if (look_at_host(h, stats) < 0) {
		json_object_put(stats);
		return -ENOMEM;
	}
	if (!j.root || json_object_object_add(j.root, "stats", stats) < 0) {
		json_object_put(stats);
		return -ENOMEM;
	}
	return out_is_json(&cli->out) ? json_print(&j, &cli->out, reterr)
				      : show(cli, t.name, stats, reterr);
}

static const struct option options[] = { OPTION_COLUMNS };

static const struct example examples[] = {
	{ "vm stats web1", "all counters" },
	{ "vm stats web1 --json", "for a program; more, by address" },
};

const struct verb verb_vm_stats = {
	.name = "vm stats",
	.section = VERB_HAND_OVER,
	.args = "GUEST",
	.summary = "what a running guest costs",
	.description =
		"Shows what was counted since the guest's last boot: exits by reason, accesses\n"
		"that trapped, doorbells, and what became of interrupts, by CPU and device;\n"
		"vfctl-vmm(8) says what the counters of interrupts mean. host_interrupts are\n"
		"those of the function that came in on this host since the guest's driver\n"
		"switched them on, those that no VMM sees included.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = columns,
	.n_columns = &n_columns,
	.completes = "<guest>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
