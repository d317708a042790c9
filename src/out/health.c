// SPDX-License-Identifier: GPL-2.0-or-later
#include "health.h"
#include "cell.h"
#include "fact.h"

#include <inttypes.h>

/* One line of the table: a finding, or (NULL) that there is none. */
struct line {
	const struct health_row *row;
	const struct health_finding *finding;
	size_t more; /* that it stands for */
};

#define LINE(row)     ((const struct line *)(row))
#define FUNCTION(row) (LINE(row)->row->f)
#define HEALTH(row)   (LINE(row)->row->health)

static int text_function(const void *row, char **ret)
{
	return cell_str(ret, FUNCTION(row)->address);
}

static int text_kind(const void *row, char **ret)
{
	return cell_str(ret, function_kind_name(FUNCTION(row)->kind));
}

/* As a selector takes it: an interface, a controller, "ens1f0/vf3". */
static int text_name(const void *row, char **ret)
{
	const struct function *f = FUNCTION(row), *pf = f->physfn ? f->physfn : f;
	const char *name = pf->n_netdevs ? pf->netdevs[0].name : pf->nvme;

	if (f->physfn)
		return cell_fmt(ret, "%s/vf%d", name ? name : pf->address, f->vf_index);
	return cell_str(ret, name);
}

static int text_driver(const void *row, char **ret)
{
	return cell_str(ret, FUNCTION(row)->driver);
}

/* That of the finding: the worst one's is the function's. */
static enum health_state state_of(const void *row)
{
	return LINE(row)->finding ? LINE(row)->finding->state : HEALTH_OK;
}

static int text_health(const void *row, char **ret)
{
	return cell_str(ret, health_state_name(state_of(row)));
}

static const char *color_health(const void *row)
{
	enum health_state s = state_of(row);

	return s == HEALTH_UNHEALTHY ? "red" : s == HEALTH_DEGRADED ? "brown" : NULL;
}

static int text_sign(const void *row, char **ret)
{
	return cell_str(ret, LINE(row)->finding ? LINE(row)->finding->sign->name : NULL);
}

static int text_reason(const void *row, char **ret)
{
	const struct line *l = LINE(row);

	if (!l->finding)
		return cell_str(ret, NULL);
	if (!l->more)
		return cell_str(ret, l->finding->text);
	return cell_fmt(ret, "%s (and %zu more)", l->finding->text, l->more);
}

static int text_evidence(const void *row, char **ret)
{
	const struct health_finding *f = LINE(row)->finding;

	if (!f || !f->fact.file)
		return cell_str(ret, NULL);
	return cell_fmt(ret, "%s: %s", f->fact.file, f->fact.value ? f->fact.value : "not there");
}

static int text_next(const void *row, char **ret)
{
	return cell_str(ret, LINE(row)->finding ? LINE(row)->finding->next : NULL);
}

static int text_count(const struct health_errors *e, uint64_t n, char **ret)
{
	return e->known ? cell_fmt(ret, "%" PRIu64, n) : cell_str(ret, NULL);
}

static int text_fatal(const void *row, char **ret)
{
	return text_count(&HEALTH(row)->total, HEALTH(row)->total.fatal, ret);
}

static int text_nonfatal(const void *row, char **ret)
{
	return text_count(&HEALTH(row)->total, HEALTH(row)->total.nonfatal, ret);
}

static int text_correctable(const void *row, char **ret)
{
	return text_count(&HEALTH(row)->total, HEALTH(row)->total.correctable, ret);
}

const struct out_column health_columns[] = {
	{ "FUNCTION", "its address", OUT_USUAL, text_function, NULL },
	{ "KIND", "pf, vf or function", OUT_USUAL, text_kind, NULL },
	{ "NAME", "interface, controller, PF/vfN", OUT_USUAL, text_name, NULL },
	{ "DRIVER", "bound now", OUT_USUAL, text_driver, NULL },
	{ "HEALTH", "healthy, degraded or unhealthy", OUT_USUAL, text_health, color_health },
	{ "SIGN", "what tells", 0, text_sign, NULL },
	{ "REASON", "why so", OUT_USUAL | OUT_WRAP, text_reason, NULL },
	{ "EVIDENCE", "where it stands", OUT_WRAP, text_evidence, NULL },
	{ "NEXT", "what to do", OUT_USUAL | OUT_WRAP, text_next, NULL },
	{ "FATAL", "fatal PCIe errors", OUT_RIGHT, text_fatal, NULL },
	{ "NONFATAL", "non-fatal ones", OUT_RIGHT, text_nonfatal, NULL },
	{ "CORRECTABLE", "correctable ones", OUT_RIGHT, text_correctable, NULL },
};
const size_t n_health_columns = ARRAY_SIZE(health_columns);

static size_t add_lines(struct line *to, const struct health_row *row, bool all)
{
	const struct health *health = row->health;

	if (!health->n || !all) {
		*to = (struct line) { row, health->n ? health->v : NULL,
			health->n ? health->n - 1 : 0 };
		return 1;
	}
	for (size_t i = 0; i < health->n; i++)
		to[i] = (struct line) { row, &health->v[i], 0 };
	return health->n;
}

static int table(const struct out *o, const struct health_row *v, size_t n, bool all,
	struct problem **reterr)
{
	autofree const void **rows = NULL;
	autofree struct line *lines = NULL;
	size_t max = 1, k = 0;

	for (size_t i = 0; i < n; i++)
		max += v[i].health->n + 1;
	rows = calloc(max, sizeof(*rows));
	lines = calloc(max, sizeof(*lines));
	if (!rows || !lines)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		k += add_lines(&lines[k], &v[i], all);
	for (size_t i = 0; i < k; i++)
		rows[i] = &lines[i];
	return out_table(o, health_columns, n_health_columns, rows, k, reterr);
}

static void errors_json(
	struct json *j, json_object *to, const char *key, const struct health_errors *e)
{
	json_object *o;

	if (!e->known) {
		json_add_null(j, to, key);
		return;
	}
	o = json_add_object(j, to, key);
	json_add_u64(j, o, "correctable", e->correctable);
	json_add_u64(j, o, "nonfatal", e->nonfatal);
	json_add_u64(j, o, "fatal", e->fatal);
}

static void finding_json(struct json *j, json_object *to, const struct health_finding *f)
{
	json_add_str(j, to, "sign", f->sign->name);
	json_add_str(j, to, "health", health_state_name(f->state));
	json_add_str(j, to, "text", f->text);
	fact_json(j, to, "evidence", &f->fact);
	json_add_str(j, to, "next", f->next);
}

/* Into an object that is there; `key` is what the state is called in it. */
static void fill(struct json *j, json_object *to, const char *key, const struct health *health)
{
	json_object *list;

	json_add_str(j, to, key, health_state_name(health->state));
	json_add_str(j, to, "reason", health->n ? health->v[0].text : NULL);
	list = json_add_array(j, to, "findings");
	for (size_t i = 0; i < health->n; i++)
		finding_json(j, json_add_object(j, list, NULL), &health->v[i]);
	errors_json(j, to, "errors", &health->total);
	errors_json(j, to, "new_errors", &health->fresh);
}

void health_json(struct json *j, json_object *to, const char *key, const struct health *health)
{
	if (health)
		fill(j, json_add_object(j, to, key), "state", health);
	else
		json_add_null(j, to, key);
}

int out_healths(const struct out *o, const struct health_row *v, size_t n, bool all,
	struct problem **reterr)
{
	autojson j = json_start();
	json_object *list;

	if (!out_is_json(o))
		return table(o, v, n, all, reterr);
	list = json_add_array(&j, j.root, "functions");
	for (size_t i = 0; i < n; i++) {
		json_object *e = json_add_object(&j, list, NULL);

		json_add_str(&j, e, "address", v[i].f->address);
		fill(&j, e, "health", v[i].health);
	}
	return json_print(&j, o, reterr);
}
