// SPDX-License-Identifier: GPL-2.0-or-later
#include "lease.h"
#include "cell.h"

#include "host/devnode.h"

#include <time.h>

#define ROW(row)   ((const struct lease_row *)(row))
#define LEASE(row) (ROW(row)->lease)

static int text_function(const void *row, char **ret)
{
	return cell_str(ret, BDF_TEXT(LEASE(row)->bdf));
}

/* As a selector takes it: "ens1f0/vf3". */
static int text_vf(const void *row, char **ret)
{
	const struct lease *l = LEASE(row);

	if (l->vf < 0)
		return cell_str(ret, NULL);
	return cell_fmt(
		ret, "%s/vf%d", ROW(row)->pf_name ? ROW(row)->pf_name : BDF_TEXT(l->pf), l->vf);
}

static int text_owner(const void *row, char **ret)
{
	*ret = owner_text(&LEASE(row)->owner);
	return *ret ? 0 : -ENOMEM;
}

static int text_alive(const void *row, char **ret)
{
	return cell_str(ret, owner_alive_name(ROW(row)->alive));
}

static const char *color_alive(const void *row)
{
	return ROW(row)->alive == OWNER_GONE ? "red" : NULL;
}

static const char *state_of(const struct lease_row *r)
{
	return r->lost ? "lost" : lease_state_name(r->lease->state);
}

static int text_state(const void *row, char **ret)
{
	return cell_str(ret, state_of(ROW(row)));
}

static const char *color_state(const void *row)
{
	const struct lease_row *r = ROW(row);

	return r->lost || r->lease->state == LEASE_QUARANTINE ? "red" : NULL;
}

static int text_pool(const void *row, char **ret)
{
	return cell_str(ret, LEASE(row)->pool);
}

static int text_since(const void *row, char **ret)
{
	time_t s = (time_t)LEASE(row)->since_s;
	char text[32];
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(text, sizeof(text), "%F %T", &tm))
		return cell_str(ret, NULL);
	return cell_str(ret, text);
}

static int text_user(const void *row, char **ret)
{
	return cell_fmt(ret, "%u", LEASE(row)->uid);
}

static int text_node(const void *row, char **ret)
{
	*ret = LEASE(row)->node ? devnode_path("%s", LEASE(row)->node) : NULL;
	return LEASE(row)->node && !*ret ? -ENOMEM : 0;
}

static int text_why(const void *row, char **ret)
{
	const struct lease_row *r = ROW(row);

	if (r->lost)
		return cell_str(ret, "the function is gone, or another stands there");
	return cell_str(ret, r->lease->reason ? r->lease->reason : r->why);
}

const struct out_column lease_columns[] = {
	{ "FUNCTION", "its address", OUT_USUAL, text_function, NULL },
	{ "VF", "PF and index", OUT_USUAL, text_vf, NULL },
	{ "OWNER", "who has it", OUT_USUAL, text_owner, NULL },
	{ "ALIVE", "alive, gone or unknown", OUT_USUAL, text_alive, color_alive },
	{ "STATE", "held, quarantine…", OUT_USUAL, text_state, color_state },
	{ "POOL", "it was chosen from", OUT_USUAL, text_pool, NULL },
	{ "SINCE", "when it was given", OUT_USUAL, text_since, NULL },
	{ "USER", "who asked", 0, text_user, NULL },
	{ "NODE", "given to a user", 0, text_node, NULL },
	{ "WHY", "why so", OUT_USUAL | OUT_WRAP, text_why, NULL },
};
const size_t n_lease_columns = ARRAY_SIZE(lease_columns);

static void owner_json(struct json *j, json_object *to, const struct owner *o)
{
	json_add_str(j, to, "kind", owner_kind_name(o->kind));
	json_add_str(j, to, "id", o->id);
	json_add_known(j, to, "pid", o->pid ? o->pid : -1);
}

static void before_json(struct json *j, json_object *to, const struct lease *l)
{
	json_object *words;

	json_add_str(j, to, "driver", *l->driver ? l->driver : NULL);
	json_add_str(j, to, "driver_override", *l->override ? l->override : NULL);
	words = json_add_array(j, to, "settings");
	STRV_FOREACH (s, l->settings) {
		json_add_str(j, words, NULL, *s);
	}
}

static void lease_json(struct json *j, json_object *to, const struct lease_row *r)
{
	const struct lease *l = r->lease;
	autofree char *node = l->node ? devnode_path("%s", l->node) : NULL;

	json_add_str(j, to, "address", BDF_TEXT(l->bdf));
	json_add_str(j, to, "pf", BDF_TEXT(l->pf));
	json_add_known(j, to, "vf_index", l->vf);
	owner_json(j, json_add_object(j, to, "owner"), &l->owner);
	json_add_str(j, to, "alive", owner_alive_name(r->alive));
	json_add_str(j, to, "alive_because", r->why);
	json_add_str(j, to, "state", state_of(r));
	json_add_str(j, to, "reason", l->reason);
	json_add_str(j, to, "pool", l->pool);
	json_add_u64(j, to, "since", (uint64_t)l->since_s);
	json_add_u64(j, to, "uid", l->uid);
	json_add_str(j, to, "node", node);
	before_json(j, json_add_object(j, to, "before"), l);
}

int out_leases(const struct out *o, const struct lease_row *v, size_t n, char *const *unreadable,
	struct problem **reterr)
{
	autofree const void **rows = calloc(n + 1, sizeof(*rows));
	autojson j = json_start();
	json_object *list;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rows[i] = &v[i];
	if (!out_is_json(o))
		return out_table(o, lease_columns, n_lease_columns, rows, n, reterr);
	list = json_add_array(&j, j.root, "leases");
	for (size_t i = 0; i < n; i++)
		lease_json(&j, json_add_object(&j, list, NULL), &v[i]);
	list = json_add_array(&j, j.root, "unreadable");
	STRV_FOREACH (u, unreadable) {
		json_add_str(&j, list, NULL, *u);
	}
	return json_print(&j, o, reterr);
}

void claim_json(struct json *j, json_object *to, const char *key, const struct lease *l)
{
	json_object *e;

	if (!l) {
		json_add_null(j, to, key);
		return;
	}
	e = json_add_object(j, to, key);
	owner_json(j, json_add_object(j, e, "owner"), &l->owner);
	json_add_str(j, e, "state", lease_state_name(l->state));
	json_add_str(j, e, "reason", l->reason);
	json_add_str(j, e, "pool", l->pool);
	json_add_u64(j, e, "since", (uint64_t)l->since_s);
}

int claim_cell(char **ret, const struct lease *l)
{
	if (!l)
		return cell_str(ret, NULL);
	if (l->state == LEASE_QUARANTINE)
		return cell_str(ret, "quarantine");
	*ret = owner_text(&l->owner);
	return *ret ? 0 : -ENOMEM;
}
