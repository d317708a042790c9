// SPDX-License-Identifier: GPL-2.0-or-later
/* vm list: the guests of this user that run. */
#include "verbs.h"
#include "vm.h"
#include "base/str.h"
#include "out/cell.h"
#include "out/json.h"
#include "out/table.h"

enum { ANSWER_MS = 5000 };

static json_object *field(const void *row, const char *key)
{
	return json_object_object_get((json_object *)(uintptr_t)row, key);
}

static int text_name(const void *row, char **ret)
{
	return cell_str(ret, json_object_get_string(field(row, "name")));
}

static int text_pid(const void *row, char **ret)
{
	return cell_known(ret, json_object_get_int64(field(row, "pid")));
}

static int text_cpus(const void *row, char **ret)
{
	return cell_known(ret, json_object_get_int64(field(row, "cpus")));
}

static int text_memory(const void *row, char **ret)
{
	autostrbuf b = { 0 };

	strbuf_add_size(&b, (uint64_t)json_object_get_int64(field(row, "memory_bytes")));
	return cell_take(ret, &b);
}

static int text_reboots(const void *row, char **ret)
{
	return cell_known(ret, json_object_get_int64(field(row, "reboots")));
}

/* Functions of this machine: what can be detached. */
static int text_functions(const void *row, char **ret)
{
	json_object *list = field(row, "devices");
	size_t n = list ? json_object_array_length(list) : 0;
	autostrbuf b = { 0 };

	for (size_t i = 0; i < n; i++) {
		json_object *d = json_object_array_get_idx(list, i);

		if (json_object_get_boolean(json_object_object_get(d, "removable")))
			strbuf_add(&b, "%s%s", b.len ? "," : "",
				json_object_get_string(json_object_object_get(d, "name")));
	}
	return cell_take(ret, &b);
}

static int text_lost(const void *row, char **ret)
{
	json_object *list = field(row, "lost");
	size_t n = list ? json_object_array_length(list) : 0;
	autostrbuf b = { 0 };

	for (size_t i = 0; i < n; i++)
		strbuf_add(&b, "%s%s", i ? "; " : "",
			json_object_get_string(json_object_array_get_idx(list, i)));
	return cell_take(ret, &b);
}

static const struct out_column columns[] = {
	{ "NAME", "what it is called", OUT_USUAL, text_name, NULL },
	{ "PID", "the process of its VMM", OUT_USUAL | OUT_RIGHT, text_pid, NULL },
	{ "CPUS", "how many it has", OUT_USUAL | OUT_RIGHT, text_cpus, NULL },
	{ "MEMORY", "how much it has", OUT_USUAL | OUT_RIGHT, text_memory, NULL },
	{ "FUNCTIONS", "of this machine", OUT_USUAL, text_functions, NULL },
	{ "LOST", "what was taken away", OUT_USUAL | OUT_WRAP, text_lost, NULL },
	{ "REBOOTS", "how often it has rebooted", OUT_RIGHT, text_reboots, NULL },
};
static const size_t n_columns = ARRAY_SIZE(columns);

/* One that ends while we ask is none that runs. */
static int add_status(struct cli *cli, const char *name, json_object *list)
{
	struct vm_talk t = { .cli = cli, .name = name };
	json_object *status;
	int r = t.socket = vm_connect(cli->run_dir, name, NULL);

	if (r < 0)
		return 0;
	r = vm_talk(&t, vm_question("status"), NULL, 0, ANSWER_MS, &status, NULL, NULL);
	close(t.socket);
	if (r < 0)
		return 0;
	json_object_object_del(status, "ok");
	return json_object_array_add(list, status) < 0 ? -ENOMEM : 0;
}

static int show(struct cli *cli, struct json *j, json_object *list, struct problem **reterr)
{
	size_t n = json_object_array_length(list);
	autofree const void **rows = calloc(n + 1, sizeof(*rows));

	if (out_is_json(&cli->out))
		return json_print(j, &cli->out, reterr);
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rows[i] = json_object_array_get_idx(list, i);
	return out_table(&cli->out, columns, n_columns, rows, n, reterr);
}

static int run(struct cli *cli, const struct args *a UNUSED, struct problem **reterr)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "guests");
	autostrv char **names = NULL;
	int r = 0;

	if (!cli->root)
		r = vm_names(cli->run_dir, &names);
	STRV_FOREACH (name, names) {
		if (r == 0)
			r = list ? add_status(cli, *name, list) : -ENOMEM;
	}
	return r < 0 || !list ? -ENOMEM : show(cli, &j, list, reterr);
}

static const struct option options[] = { OPTION_COLUMNS };

static const struct example examples[] = {
	{ "vm list", "which run, and what they have" },
	{ "vm list -o NAME,FUNCTIONS", "only that" },
	{ "vm list --json", "for a program" },
};

const struct verb verb_vm_list = {
	.name = "vm list",
	.section = VERB_HAND_OVER,
	.args = "",
	.summary = "guests that run",
	.description =
		"Shows the guests that vm run has started for this user and that run, by what\n"
		"their VMMs answer.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = columns,
	.n_columns = &n_columns,
	.run = run,
};
