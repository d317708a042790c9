// SPDX-License-Identifier: GPL-2.0-or-later
/* vm explain: what a running guest's devices cost, how it has its functions, and why not better. */
#include "verbs.h"
#include "explain.h"
#include "vm-sample.h"
#include "base/str.h"
#include "out/cell.h"
#include "out/json.h"
#include "out/table.h"

#include <inttypes.h>
#include <time.h>

enum { ANSWER_MS = 10000 };

void explain_rows_done(struct explain_rows *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].of);
		free(r->v[i].what);
		free(r->v[i].state);
		free(r->v[i].why);
	}
	free(r->v);
}

static int text_function(const void *row, char **ret)
{
	return cell_str(ret, ((const struct explain_row *)row)->of);
}

static int text_what(const void *row, char **ret)
{
	return cell_str(ret, ((const struct explain_row *)row)->what);
}

static int text_state(const void *row, char **ret)
{
	return cell_str(ret, ((const struct explain_row *)row)->state);
}

static int text_why(const void *row, char **ret)
{
	return cell_str(ret, ((const struct explain_row *)row)->why);
}

static const struct out_column columns[] = {
	{ "FUNCTION", "or other device", OUT_USUAL, text_function, NULL },
	{ "WHAT", "of it, or whose BAR by DMA", OUT_USUAL, text_what, NULL },
	{ "STATE", "as it is now", OUT_USUAL, text_state, NULL },
	{ "WHY", "not better", OUT_USUAL | OUT_WRAP, text_why, NULL },
};
static const size_t n_columns = ARRAY_SIZE(columns);

static const char *text_in(json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

static uint64_t number_in(json_object *o, const char *key)
{
	return (uint64_t)json_object_get_int64(json_object_object_get(o, key));
}

static char *copy(const char *s)
{
	return s ? str_printable(s) : NULL;
}

int explain_add(struct explain_rows *r, const char *of, char *what, char *state, const char *why)
{
	struct explain_row *v = reallocarray(r->v, r->n + 1, sizeof(*v));

	if (v)
		r->v = v;
	if (!v || !what || !state) {
		free(what);
		free(state);
		return -ENOMEM;
	}
	v[r->n++] = (struct explain_row) { copy(of), what, state, copy(why) };
	return 0;
}

/* "16K at 0x100000000, 8K trap" */
static char *bar_state(json_object *bar)
{
	uint64_t size = number_in(bar, "size_bytes"), direct = number_in(bar, "direct_bytes");
	autostrbuf b = { 0 };

	strbuf_add_size(&b, size);
	if (json_object_object_get(bar, "at"))
		strbuf_add(&b, " at 0x%" PRIx64, number_in(bar, "at"));
	else
		strbuf_add(&b, ", not decoded");
	if (!direct) {
		strbuf_add(&b, ", all of it traps");
	} else if (direct < size) {
		strbuf_add(&b, ", ");
		strbuf_add_size(&b, size - direct);
		strbuf_add(&b, " of it traps");
	}
	return strbuf_take(&b);
}

static int add_bars(struct explain_rows *r, json_object *f)
{
	json_object *bars = json_object_object_get(f, "bars");
	size_t n = bars ? json_object_array_length(bars) : 0;
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++) {
		json_object *b = json_object_array_get_idx(bars, i);

		e = explain_add(r, text_in(f, "name"),
			str_printf("BAR %" PRIu64, number_in(b, "bar")), bar_state(b),
			text_in(b, "why_trapped"));
	}
	return e;
}

static int add_rom(struct explain_rows *r, json_object *f)
{
	const char *how = text_in(f, "rom"), *why = text_in(f, "why_no_rom");
	uint64_t bytes = number_in(f, "rom_bytes");
	autostrbuf b = { 0 };

	if (bytes) {
		strbuf_add_size(&b, bytes);
		strbuf_add(&b, " of the %s's", how ? how : "device");
	} else {
		strbuf_add(&b, "not shown");
		why = why ? why : "rom=off: nobody would run it";
	}
	return explain_add(r, text_in(f, "name"), str_printf("ROM"), strbuf_take(&b), why);
}

static int add_function(struct explain_rows *r, json_object *f)
{
	const char *name = text_in(f, "name"), *irq = text_in(f, "interrupts");
	int e = explain_add(
		r, name, str_printf("slot"), str_printf("%" PRIu64, number_in(f, "slot")), NULL);

	if (e == 0)
		e = explain_add(r, name, str_printf("VFIO"), copy(text_in(f, "backend")), NULL);
	if (e == 0)
		e = explain_add(r, name, str_printf("interrupts"), copy(irq ? irq : "none"), NULL);
	if (e == 0)
		e = add_bars(r, f);
	return e == 0 ? add_rom(r, f) : e;
}

/* What the IOMMU lets through may yet have nobody to carry it. */
static const char *way_of(json_object *peer)
{
	json_object *way = json_object_object_get(peer, "way");

	return way ? json_object_get_string(way) : NULL;
}

static int add_peer(struct explain_rows *r, json_object *p)
{
	const char *why = text_in(p, "why_not");
	uint64_t bytes = number_in(p, "bytes");
	autostrbuf state = { 0 };

	if (bytes) {
		strbuf_add_size(&state, bytes);
		strbuf_add(&state, " reached");
	} else {
		strbuf_add(&state, why ? "not reached" : "nothing to reach");
	}
	return explain_add(r, text_in(p, "from"),
		str_printf("→ %s BAR %" PRIu64, text_in(p, "to"), number_in(p, "bar")),
		strbuf_take(&state), why ? why : way_of(p));
}

static int add_list(
	struct explain_rows *r, json_object *list, int (*one)(struct explain_rows *, json_object *))
{
	size_t n = list ? json_object_array_length(list) : 0;
	int e = 0;

	for (size_t i = 0; i < n && e == 0; i++)
		e = one(r, json_object_array_get_idx(list, i));
	return e;
}

static int show(struct cli *cli, json_object *functions, json_object *peers,
	const struct explain_devices *devices, struct problem **reterr)
{
	CLEANUP(explain_rows_done) struct explain_rows r = { 0 };
	autofree const void **rows = NULL;
	int e = explain_cpus_rows(devices, &r);

	if (e == 0)
		e = explain_devices_rows(devices, &r);
	if (e == 0)
		e = add_list(&r, functions, add_function);
	if (e == 0)
		e = add_list(&r, peers, add_peer);
	rows = calloc(r.n + 1, sizeof(*rows));
	if (e < 0 || !rows)
		return -ENOMEM;
	for (size_t i = 0; i < r.n; i++)
		rows[i] = &r.v[i];
	return out_table(&cli->out, columns, n_columns, rows, r.n, reterr);
}

static int group_of(const struct inventory *inv, const char *address)
{
	struct function *f;
	struct bdf a;

	if (!address || bdf_parse(address, &a) < 0)
		return -1;
	f = inventory_find_bdf(inv, a);
	return f ? f->iommu_group : -1;
}

/*
 * How a request gets from one to the other, which only this side knows: inside of a group the
 * bridge between them may turn it round before the IOMMU has seen it; otherwise it goes up.
 */
static void add_ways(const struct inventory *inv, json_object *peers)
{
	size_t n = json_object_array_length(peers);

	for (size_t i = 0; i < n; i++) {
		json_object *p = json_object_array_get_idx(peers, i);
		int from = group_of(inv, text_in(p, "from")), to = group_of(inv, text_in(p, "to"));

		json_object_object_add(p, "way",
			from < 0 || to < 0
				? NULL
				: json_object_new_string(
					  from == to ? "inside one IOMMU group: a bridge may "
						       "turn it round before the IOMMU"
						     : "by the root complex, if that sends "
						       "it down again"));
	}
}

static json_object *list_of(json_object *answer, const char *key)
{
	json_object *list = NULL;

	if (!json_object_object_get_ex(answer, key, &list) ||
		!json_object_is_type(list, json_type_array))
		list = NULL;
	return list ? json_object_get(list) : json_object_new_array();
}

static int tell(struct cli *cli, json_object *answer, struct explain_devices *devices,
	struct problem **reterr)
{
	json_object *functions = list_of(answer, "functions"), *peers = list_of(answer, "peers");
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autojson j = json_start();

	/* Without it less is told of functions, and all the rest is. */
	if (json_object_array_length(functions) &&
		cli_inventory(cli, INVENTORY_GROUPS, &inv, NULL) == 0) {
		add_ways(inv, peers);
		devices->inventory = inv;
	}
	json_object_object_add(j.root, "functions", functions);
	json_object_object_add(j.root, "peers", peers);
	if (!out_is_json(&cli->out))
		return show(cli, functions, peers, devices, reterr);
	explain_cpus_json(devices, &j, j.root);
	if (explain_devices_json(devices, &j, j.root) < 0)
		return -ENOMEM;
	return json_print(&j, &cli->out, reterr);
}

static int look_for(struct vm_talk *t, unsigned ms, struct cost_sample *before,
	struct cost_sample *now, struct problem **reterr)
{
	const struct timespec pause = { .tv_sec = ms / 1000 };
	int r = ms ? vm_sample(t, before, reterr) : 0;

	if (r == 0 && ms)
		nanosleep(&pause, NULL);
	return r < 0 ? r : vm_sample(t, now, reterr);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autosample before = { 0 }, now = { 0 };
	json_object *answer = NULL;
	autovmtalk t = { 0 };
	unsigned ms = 0;
	int r = args_seconds_ms(a, "during", &ms, reterr);

	if (r == 0)
		r = vm_open(cli, a, &t, reterr);
	if (r == 0)
		r = look_for(&t, ms, &before, &now, reterr);
	if (r == 0)
		r = vm_talk(&t, vm_question("explain"), NULL, 0, ANSWER_MS, &answer, NULL, reterr);
	if (r < 0)
		return r;
	r = tell(cli, answer,
		&(struct explain_devices) {
			.guest = t.name, .before = ms ? &before : NULL, .now = &now },
		reterr);
	json_object_put(answer);
	return r;
}

static const struct option options[] = {
	OPTION_COLUMNS,
	{ 0, "during", TAKES_VALUE, "SECONDS", "count only what happens in this time", "" },
};

static const struct example examples[] = {
	{ "vm explain web1", "what its devices cost" },
	{ "vm explain web1 --during 5", "of what it does just now" },
	{ "vm explain web1 --json", "for a program" },
};

const struct verb verb_vm_explain = {
	.name = "vm explain",
	.section = VERB_HAND_OVER,
	.args = "GUEST",
	.summary = "what a running guest's devices cost, and why",
	.description =
		"Shows of each device which way its I/O goes (vfctl-vm(8), PATHS), what a\n"
		"request costs there, exactly, and what would remove the most of it; the shares\n"
		"are estimates. Of each assigned function also by what it is opened, which\n"
		"interrupts it has on, what of its BARs traps, and of each pair of functions\n"
		"whether the one's DMA reaches the other's BARs; where something is less than it\n"
		"could be, why. See --peers of vm run. First of each CPU, why it leaves the\n"
		"guest, as far as KVM counts that.\n",
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
