// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record's text. Everything must be there and of its type: a record that says half of what was
 * before would bring back half of it.
 */
#include "lease.h"

#include "base/str.h"

#include <json-c/json.h>

enum { VERSION = 1, MAX_TEXT = 64 << 10 };

/* ---- Writing ---- */

struct writer {
	bool failed;
};

static void put(struct writer *w, json_object *to, const char *key, json_object *v, bool absent)
{
	if ((v || absent) && to && json_object_object_add(to, key, v) == 0)
		return;
	json_object_put(v);
	w->failed = true;
}

static void put_text(struct writer *w, json_object *to, const char *key, const char *s)
{
	put(w, to, key, s ? json_object_new_string(s) : NULL, !s);
}

static void put_number(struct writer *w, json_object *to, const char *key, uint64_t n)
{
	put(w, to, key, json_object_new_uint64(n), false);
}

static void put_words(struct writer *w, json_object *to, const char *key, char *const *words)
{
	json_object *list = json_object_new_array();

	STRV_FOREACH (s, words) {
		json_object *word = json_object_new_string(*s);

		if (!word || !list || json_object_array_add(list, word) < 0) {
			json_object_put(word);
			w->failed = true;
		}
	}
	put(w, to, key, list, false);
}

/* A new object below `to`; NULL, and failed, when memory is out. */
static json_object *put_object(struct writer *w, json_object *to, const char *key)
{
	json_object *o = json_object_new_object();

	put(w, to, key, o, false);
	return w->failed ? NULL : o;
}

static void put_owner(struct writer *w, json_object *to, const struct owner *o)
{
	put_text(w, to, "kind", owner_kind_name(o->kind));
	put_text(w, to, "id", o->id);
	put_number(w, to, "pid", (uint64_t)o->pid);
	put_number(w, to, "start", o->start);
	put_text(w, to, "path", o->path);
}

static void put_before(struct writer *w, json_object *to, const struct lease *l)
{
	put_text(w, to, "driver", l->driver);
	put_text(w, to, "override", l->override);
	put_words(w, to, "settings", l->settings);
}

static void put_node(struct writer *w, json_object *to, const struct lease *l)
{
	put_text(w, to, "name", l->node);
	put_number(w, to, "uid", l->node_uid);
	put_number(w, to, "gid", l->node_gid);
	put_number(w, to, "mode", l->node_mode);
}

static void put_all(struct writer *w, json_object *j, const struct lease *l)
{
	json_object *worker;

	put_number(w, j, "lease", VERSION);
	put_text(w, j, "address", BDF_TEXT(l->bdf));
	put_number(w, j, "incarnation", l->incarnation);
	put_text(w, j, "pf", BDF_TEXT(l->pf));
	put(w, j, "vf", json_object_new_int(l->vf), false);
	put_text(w, j, "pool", l->pool);
	put_text(w, j, "state", lease_state_name(l->state));
	put_text(w, j, "reason", l->reason);
	put_owner(w, put_object(w, j, "owner"), &l->owner);
	put(w, j, "since", json_object_new_int64(l->since_s), false);
	put_number(w, j, "since_boot_ms", l->since_boot_ms);
	put_number(w, j, "uid", l->uid);
	worker = put_object(w, j, "worker");
	put_number(w, worker, "pid", (uint64_t)l->worker);
	put_number(w, worker, "start", l->worker_start);
	put_before(w, put_object(w, j, "before"), l);
	put_node(w, put_object(w, j, "node"), l);
}

char *lease_to_json(const struct lease *l)
{
	json_object *j = json_object_new_object();
	struct writer w = { !j };
	const char *text;
	char *copy = NULL;

	if (j)
		put_all(&w, j, l);
	text = w.failed ? NULL : json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN);
	if (text)
		copy = str_printf("%s\n", text);
	json_object_put(j);
	return copy;
}

/* ---- Reading ---- */

struct reader {
	int code; /* of the first failure */
};

static json_object *get(struct reader *r, json_object *j, const char *key, json_type type)
{
	json_object *v = NULL;

	if (json_object_is_type(j, json_type_object) && json_object_object_get_ex(j, key, &v) &&
		json_object_is_type(v, type))
		return v;
	if (!r->code)
		r->code = -EBADMSG;
	return NULL;
}

static const char *get_text(struct reader *r, json_object *j, const char *key)
{
	json_object *v = get(r, j, key, json_type_string);

	/* A NUL within would cut it silently. */
	if (v && strlen(json_object_get_string(v)) == (size_t)json_object_get_string_len(v))
		return json_object_get_string(v);
	if (!r->code)
		r->code = -EBADMSG;
	return NULL;
}

static void copy_text(struct reader *r, json_object *j, const char *key, char **ret)
{
	const char *s = get_text(r, j, key);

	*ret = s ? strdup(s) : NULL;
	if (s && !*ret && !r->code)
		r->code = -ENOMEM;
}

/* null, or a text. */
static void copy_maybe(struct reader *r, json_object *j, const char *key, char **ret)
{
	json_object *v = NULL;

	if (j && json_object_object_get_ex(j, key, &v) && !v)
		return;
	copy_text(r, j, key, ret);
}

static uint64_t get_number(struct reader *r, json_object *j, const char *key, uint64_t most)
{
	json_object *v = get(r, j, key, json_type_int);
	uint64_t n = v ? json_object_get_uint64(v) : 0;

	if (v && (json_object_get_int64(v) < 0 || n > most) && !r->code)
		r->code = -EBADMSG;
	return n;
}

static struct bdf get_bdf(struct reader *r, json_object *j, const char *key)
{
	const char *s = get_text(r, j, key);
	struct bdf a = { 0 };

	if (s && bdf_parse(s, &a) < 0 && !r->code)
		r->code = -EBADMSG;
	return a;
}

static unsigned get_choice(struct reader *r, json_object *j, const char *key, unsigned n,
	const char *(*name)(unsigned))
{
	const char *s = get_text(r, j, key);

	for (unsigned i = 0; s && i < n; i++)
		if (str_eq(s, name(i)))
			return i;
	if (!r->code)
		r->code = -EBADMSG;
	return 0;
}

static const char *kind_name(unsigned i)
{
	return owner_kind_name((enum owner_kind)i);
}

static const char *state_name(unsigned i)
{
	return lease_state_name((enum lease_state)i);
}

static void get_words(struct reader *r, json_object *j, const char *key, char ***ret)
{
	json_object *list = get(r, j, key, json_type_array);
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n && !r->code; i++) {
		json_object *word = json_object_array_get_idx(list, i);

		if (!json_object_is_type(word, json_type_string))
			r->code = -EBADMSG;
		else if (strv_add(ret, json_object_get_string(word)) < 0)
			r->code = -ENOMEM;
	}
}

static void get_owner(struct reader *r, json_object *j, struct owner *o)
{
	o->kind = (enum owner_kind)get_choice(r, j, "kind", OWNER_KINDS, kind_name);
	copy_text(r, j, "id", &o->id);
	o->pid = (int)get_number(r, j, "pid", INT32_MAX);
	o->start = get_number(r, j, "start", UINT64_MAX);
	copy_maybe(r, j, "path", &o->path);
}

static void get_times(struct reader *r, json_object *j, struct lease *l)
{
	json_object *worker = get(r, j, "worker", json_type_object);

	l->since_s = (int64_t)get_number(r, j, "since", INT64_MAX);
	l->since_boot_ms = get_number(r, j, "since_boot_ms", UINT64_MAX);
	l->uid = (uint32_t)get_number(r, j, "uid", UINT32_MAX);
	l->worker = (int)get_number(r, worker, "pid", INT32_MAX);
	l->worker_start = get_number(r, worker, "start", UINT64_MAX);
}

static void get_before(struct reader *r, json_object *j, struct lease *l)
{
	json_object *before = get(r, j, "before", json_type_object);
	json_object *node = get(r, j, "node", json_type_object);

	copy_text(r, before, "driver", &l->driver);
	copy_text(r, before, "override", &l->override);
	get_words(r, before, "settings", &l->settings);
	copy_maybe(r, node, "name", &l->node);
	l->node_uid = (uint32_t)get_number(r, node, "uid", UINT32_MAX);
	l->node_gid = (uint32_t)get_number(r, node, "gid", UINT32_MAX);
	l->node_mode = (uint32_t)get_number(r, node, "mode", 07777);
}

static bool is_shown(const char *s)
{
	return !s || str_is_printable(s);
}

static void get_all(struct reader *r, json_object *j, struct lease *l)
{
	json_object *vf = get(r, j, "vf", json_type_int);

	l->bdf = get_bdf(r, j, "address");
	l->incarnation = get_number(r, j, "incarnation", UINT64_MAX);
	l->pf = get_bdf(r, j, "pf");
	l->vf = vf ? json_object_get_int(vf) : -1;
	copy_maybe(r, j, "pool", &l->pool);
	l->state = (enum lease_state)get_choice(r, j, "state", LEASE_STATES, state_name);
	copy_maybe(r, j, "reason", &l->reason);
	get_owner(r, get(r, j, "owner", json_type_object), &l->owner);
	get_times(r, j, l);
	get_before(r, j, l);
	/* What is shown to people must not speak to their terminals. */
	if (!r->code && !(is_shown(l->owner.id) && is_shown(l->owner.path) && is_shown(l->pool) &&
				is_shown(l->reason) && is_shown(l->node)))
		r->code = -EBADMSG;
	/* A name becomes a path: it must stay below the folder of device nodes. */
	if (!r->code && (l->vf < -1 || l->vf > UINT16_MAX ||
				(l->node && (strstr(l->node, "..") || *l->node == '/'))))
		r->code = -EBADMSG;
}

int lease_from_json(const char *text, struct lease *ret)
{
	json_object *j = strlen(text) < MAX_TEXT ? json_tokener_parse(text) : NULL;
	CLEANUP(lease_done) struct lease l = { 0 };
	struct reader r = { 0 };
	uint64_t version = get_number(&r, j, "lease", UINT64_MAX);

	if (!r.code && version != VERSION)
		r.code = -EPROTONOSUPPORT;
	if (!r.code)
		get_all(&r, j, &l);
	json_object_put(j);
	if (r.code)
		return r.code;
	*ret = l;
	l = (struct lease) { 0 };
	return 0;
}
