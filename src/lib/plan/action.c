// SPDX-License-Identifier: GPL-2.0-or-later
#include "action.h"
#include "wish.h"

#include "base/str.h"

#include <json-c/json.h>
#include <limits.h>

/* Names in the journal and in JSON. */
static const char *const names[ACTION_KINDS] = {
	[ACTION_LINK] = "link",
	[ACTION_AUTOPROBE] = "autoprobe",
	[ACTION_NUM_VFS] = "num_vfs",
	[ACTION_SETTINGS] = "set",
	[ACTION_DRIVER] = "driver",
};

void action_done(struct action *a)
{
	free(a->driver);
	free(a->override);
	strv_free(a->words);
	*a = (struct action) { 0 };
}

void actions_done(struct actions *s)
{
	for (size_t i = 0; i < s->n; i++)
		action_done(&s->v[i]);
	free(s->v);
	*s = (struct actions) { 0 };
}

struct action *actions_add(struct actions *s, enum action_kind kind, struct bdf bdf, int vf)
{
	bool full = (s->n & (s->n - 1)) == 0;
	struct action *v = full ? reallocarray(s->v, s->n ? s->n * 2 : 1, sizeof(*v)) : s->v;

	if (!v)
		return NULL;
	s->v = v;
	v[s->n] = (struct action) { .kind = kind, .bdf = bdf, .vf = vf };
	return &v[s->n++];
}

static char *driver_text(const struct action *a)
{
	if (str_eq(a->driver, WISH_RESTORE))
		return strdup("restore");
	if (str_eq(a->driver, WISH_BEST_VFIO))
		return strdup("bind to VFIO");
	if (!*a->driver)
		return strdup("unbind");
	if (!a->override || str_eq(a->override, a->driver))
		return str_printf("bind to %s", a->driver);
	return str_printf("back to %s", a->driver);
}

static char *words_text(char *const *words)
{
	autostrbuf b = { 0 };

	STRV_FOREACH (w, words)
		strbuf_add(&b, "%s%s", b.len ? " " : "", *w);
	return strbuf_take(&b);
}

char *action_text(const struct action *a)
{
	switch (a->kind) {
	case ACTION_LINK:
		return str_printf("link %s", a->number ? "up" : "down");
	case ACTION_AUTOPROBE:
		return str_printf("autoprobe %s", a->number ? "on" : "off");
	case ACTION_NUM_VFS:
		return a->number ? str_printf("%u VF%s", a->number, a->number == 1 ? "" : "s")
				 : strdup("no VFs");
	case ACTION_SETTINGS:
		return words_text(a->words);
	case ACTION_DRIVER:
		return driver_text(a);
	case ACTION_KINDS:
		break;
	}
	return NULL;
}

char *action_target(const struct action *a)
{
	if (a->vf == OF_ITSELF)
		return strdup(BDF_TEXT(a->bdf));
	return str_printf("%s/vf%d", BDF_TEXT(a->bdf), a->vf);
}

/* ---- JSON ---- */

static bool put(json_object *to, const char *key, json_object *value)
{
	if (value && json_object_object_add(to, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool put_text(json_object *to, const char *key, const char *text)
{
	return !text || put(to, key, json_object_new_string(text));
}

static json_object *words_json(char *const *words)
{
	json_object *list = json_object_new_array();

	STRV_FOREACH (w, words) {
		json_object *word = json_object_new_string(*w);

		if (list && word && json_object_array_add(list, word) == 0)
			continue;
		json_object_put(word);
		json_object_put(list);
		return NULL;
	}
	return list;
}

static bool put_goal(json_object *j, const struct action *a)
{
	switch (a->kind) {
	case ACTION_SETTINGS:
		return put(j, "words", words_json(a->words));
	case ACTION_DRIVER:
		return put_text(j, "driver", a->driver) && put_text(j, "override", a->override);
	default:
		return put(j, "number", json_object_new_int64(a->number));
	}
}

json_object *action_to_json(const struct action *a)
{
	json_object *j = json_object_new_object();

	if (j && put_text(j, "do", names[a->kind]) && put_text(j, "function", BDF_TEXT(a->bdf)) &&
		(a->vf == OF_ITSELF || put(j, "vf", json_object_new_int(a->vf))) && put_goal(j, a))
		return j;
	json_object_put(j);
	return NULL;
}

static const char *get_text(json_object *j, const char *key)
{
	json_object *v = NULL;

	if (!json_object_object_get_ex(j, key, &v) || !json_object_is_type(v, json_type_string))
		return NULL;
	return json_object_get_string(v);
}

/* False: there, and no number up to `max`. */
static bool get_number(json_object *j, const char *key, int64_t max, int64_t *ret)
{
	json_object *v = NULL;

	if (!json_object_object_get_ex(j, key, &v))
		return true;
	if (!json_object_is_type(v, json_type_int))
		return false;
	*ret = json_object_get_int64(v);
	return *ret >= 0 && *ret <= max;
}

static int copy_text(char **to, const char *text)
{
	return wish_put(to, text);
}

static int get_words(json_object *j, char ***ret)
{
	json_object *list = NULL;
	int r = 0;

	if (!json_object_object_get_ex(j, "words", &list) ||
		!json_object_is_type(list, json_type_array))
		return -EINVAL;
	for (size_t i = 0; r == 0 && i < json_object_array_length(list); i++) {
		json_object *word = json_object_array_get_idx(list, i);

		r = json_object_is_type(word, json_type_string)
			    ? strv_add(ret, json_object_get_string(word))
			    : -EINVAL;
	}
	return r;
}

static int get_goal(json_object *j, struct action *a)
{
	int64_t number = -1;
	int r;

	if (a->kind == ACTION_SETTINGS)
		return get_words(j, &a->words);
	if (a->kind == ACTION_DRIVER) {
		r = copy_text(&a->driver, get_text(j, "driver"));
		if (r == 0)
			r = copy_text(&a->override, get_text(j, "override"));
		return r < 0 ? r : a->driver ? 0 : -EINVAL;
	}
	if (!get_number(j, "number", UINT16_MAX, &number) || number < 0)
		return -EINVAL;
	a->number = (unsigned)number;
	return 0;
}

int action_from_json(json_object *j, struct action *ret)
{
	CLEANUP(action_done) struct action a = { .vf = OF_ITSELF };
	const char *kind = get_text(j, "do"), *function = get_text(j, "function");
	int64_t vf = OF_ITSELF;
	int r;

	while (a.kind < ACTION_KINDS && !str_eq(names[a.kind], kind))
		a.kind++;
	if (a.kind == ACTION_KINDS || !function || bdf_parse(function, &a.bdf) < 0 ||
		!get_number(j, "vf", UINT16_MAX, &vf))
		return -EINVAL;
	a.vf = (int)vf;
	r = get_goal(j, &a);
	if (r < 0)
		return r;
	*ret = a;
	a = (struct action) { 0 };
	return 0;
}
