// SPDX-License-Identifier: GPL-2.0-or-later
/* What is shown of claims: found out here, or read from what another process has printed. */
#include "lease.h"

#include "base/str.h"
#include "host/devnode.h"
#include "holder/holder.h"

void lease_rows_done(struct lease_rows *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->v[i].why);
	free(r->v);
	leases_done(&r->leases);
	*r = (struct lease_rows) { 0 };
}

static const char *name_of(const struct inventory *inv, struct bdf pf)
{
	const struct function *f = inv ? inventory_find_bdf(inv, pf) : NULL;

	if (!f)
		return NULL;
	return f->n_netdevs ? f->netdevs[0].name : f->nvme;
}

/* The owner is gone, and why is it not returned? Somebody he gave it to may have it open. */
static void add_users(struct host *h, struct lease_row *row)
{
	autofree char *before = row->why;
	autoholders found = { 0 };

	row->why = NULL;
	if (holders_find(h, &row->lease->bdf, 1, &found) >= 0)
		for (size_t i = 0; i < found.n && !row->why; i++)
			if (found.v[i].strength >= HOLD_USED && found.v[i].kind != HOLDER_CLAIM)
				row->why = str_printf("%s; still in use by %s",
					before ? before : "gone", found.v[i].text);
	if (!row->why)
		row->why = TAKE_PTR(before);
}

int lease_rows_look(struct host *h, const struct inventory *inv, const struct lease *const *v,
	size_t n, struct lease_rows *ret)
{
	autoleaserows r = { .v = calloc(n + 1, sizeof(*r.v)) };

	if (!r.v)
		return -ENOMEM;
	for (; r.n < n; r.n++) {
		const struct lease *l = v[r.n];

		r.v[r.n] = (struct lease_row) {
			.lease = l, .pf_name = name_of(inv, l->pf), .lost = !lease_is_of(h, l)
		};
		r.v[r.n].alive = owner_alive(h, &l->owner, &r.v[r.n].why);
		if (r.v[r.n].alive == OWNER_GONE && l->state == LEASE_HELD && !r.v[r.n].lost)
			add_users(h, &r.v[r.n]);
	}
	*ret = TAKE_STRUCT(r);
	return 0;
}

/* ---- From JSON ---- */

static const char *text(json_object *j, const char *key)
{
	json_object *v = NULL;

	return json_object_object_get_ex(j, key, &v) && json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : NULL;
}

static int64_t number(json_object *j, const char *key, int64_t otherwise)
{
	json_object *v = NULL;

	return json_object_object_get_ex(j, key, &v) && json_object_is_type(v, json_type_int)
		       ? json_object_get_int64(v)
		       : otherwise;
}

static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static int word_in(const char *word, const char *(*name)(unsigned i), unsigned n)
{
	for (unsigned i = 0; word && i < n; i++)
		if (str_eq(word, name(i)))
			return (int)i;
	return -EBADMSG;
}

static const char *kind_name(unsigned i)
{
	return owner_kind_name((enum owner_kind)i);
}

static const char *state_name(unsigned i)
{
	return lease_state_name((enum lease_state)i);
}

static const char *alive_name(unsigned i)
{
	return owner_alive_name((enum owner_alive)i);
}

static int read_owner(json_object *j, struct owner *o)
{
	int kind = word_in(text(j, "kind"), kind_name, OWNER_KINDS);

	if (kind < 0 || !text(j, "id"))
		return -EBADMSG;
	o->kind = (enum owner_kind)kind;
	o->pid = (int)number(j, "pid", 0);
	return copy(&o->id, text(j, "id"));
}

static int read_before(json_object *j, struct lease *l)
{
	json_object *words = NULL;
	int r = copy(&l->driver, text(j, "driver") ? text(j, "driver") : "");

	if (r == 0)
		r = copy(
			&l->override, text(j, "driver_override") ? text(j, "driver_override") : "");
	json_object_object_get_ex(j, "settings", &words);
	for (size_t i = 0; r == 0 && json_object_is_type(words, json_type_array) &&
			   i < json_object_array_length(words);
		i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(words, i));

		r = s ? strv_add(&l->settings, s) : -EBADMSG;
	}
	return r;
}

/* The record has names below the folder of device nodes. */
static int read_node(json_object *j, struct lease *l)
{
	autofree char *dev = devnode_path("%s", "");
	const char *path = text(j, "node");

	if (!dev)
		return -ENOMEM;
	return copy(&l->node, path && str_starts(path, dev) ? path + strlen(dev) : path);
}

static int read_state(json_object *j, struct lease *l, struct lease_row *row)
{
	const char *word = text(j, "state");
	int state = word_in(word, state_name, LEASE_STATES);

	row->lost = str_eq(word, "lost");
	if (state < 0 && !row->lost)
		return -EBADMSG;
	l->state = row->lost ? LEASE_HELD : (enum lease_state)state;
	return 0;
}

static int read_lease(json_object *j, struct lease *l, struct lease_row *row)
{
	json_object *owner = NULL, *before = NULL;
	int alive = word_in(text(j, "alive"), alive_name, OWNER_UNKNOWN + 1);
	int r = alive < 0 ? alive : 0;

	json_object_object_get_ex(j, "owner", &owner);
	json_object_object_get_ex(j, "before", &before);
	if (r < 0 || !text(j, "address") || bdf_parse(text(j, "address"), &l->bdf) < 0 ||
		!text(j, "pf") || bdf_parse(text(j, "pf"), &l->pf) < 0)
		return -EBADMSG;
	row->alive = (enum owner_alive)alive;
	l->vf = (int)number(j, "vf_index", -1);
	l->since_s = number(j, "since", 0);
	l->uid = (uint32_t)number(j, "uid", 0);
	r = read_state(j, l, row);
	if (r == 0)
		r = read_owner(owner, &l->owner);
	if (r == 0)
		r = read_before(before, l);
	if (r == 0)
		r = read_node(j, l);
	if (r == 0)
		r = copy(&l->reason, text(j, "reason"));
	if (r == 0)
		r = copy(&l->pool, text(j, "pool"));
	return r == 0 ? copy(&row->why, text(j, "alive_because")) : r;
}

static int read_unreadable(json_object *root, struct leases *s)
{
	json_object *list = NULL;
	int r = 0;

	json_object_object_get_ex(root, "unreadable", &list);
	for (size_t i = 0; r == 0 && json_object_is_type(list, json_type_array) &&
			   i < json_object_array_length(list);
		i++) {
		const char *s0 = json_object_get_string(json_object_array_get_idx(list, i));

		r = s0 ? strv_add(&s->unreadable, s0) : 0;
	}
	return r;
}

static int read_all(json_object *root, const struct inventory *inv, struct lease_rows *rows)
{
	json_object *list = NULL;
	size_t n;
	int r = 0;

	if (!json_object_is_type(root, json_type_object) ||
		!json_object_object_get_ex(root, "leases", &list) ||
		!json_object_is_type(list, json_type_array))
		return -EBADMSG;
	n = json_object_array_length(list);
	rows->v = calloc(n + 1, sizeof(*rows->v));
	rows->leases.v = calloc(n + 1, sizeof(*rows->leases.v));
	if (!rows->v || !rows->leases.v)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct lease *l = &rows->leases.v[rows->leases.n++];
		struct lease_row *row = &rows->v[rows->n++];

		row->lease = l;
		r = read_lease(json_object_array_get_idx(list, i), l, row);
		row->pf_name = name_of(inv, l->pf);
	}
	return r < 0 ? r : read_unreadable(root, &rows->leases);
}

int lease_rows_from_json(const char *json, const struct inventory *inv, struct lease_rows *ret)
{
	json_object *root = json_tokener_parse(json);
	autoleaserows rows = { 0 };
	int r = read_all(root, inv, &rows);

	json_object_put(root);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(rows);
	return 0;
}
