// SPDX-License-Identifier: GPL-2.0-or-later
/* Wishes as JSON and back, all of them: how one process asks another for a change. */
#include "wish.h"

#include "base/str.h"

#include <json-c/json.h>

enum { FUNCTIONS_MAX = 4096, SETTINGS_MAX = 64, TEXT_MAX = 512, NAME_MAX_BYTES = 63 };

/* ---- Writing ---- */

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

static bool put_number(json_object *to, const char *key, int number)
{
	return number == WISH_LEAVE || put(to, key, json_object_new_int(number));
}

static bool append(json_object *list, json_object *value)
{
	if (value && json_object_array_add(list, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool put_words(json_object *to, char *const *words)
{
	json_object *list = words ? json_object_new_array() : NULL;
	bool ok = list || !words;

	for (char *const *w = words; ok && w && *w; w++)
		ok = append(list, json_object_new_string(*w));
	if (ok && words)
		return put(to, "settings", list);
	json_object_put(list);
	return ok;
}

static json_object *vf_to_json(const struct vf_wish *v)
{
	json_object *j = json_object_new_object();

	if (j && put(j, "index", json_object_new_int64(v->index)) &&
		put_text(j, "driver", v->driver) && put_text(j, "driver_override", v->override) &&
		put_text(j, "source", v->source) && put_words(j, v->settings))
		return j;
	json_object_put(j);
	return NULL;
}

static bool put_vfs(json_object *to, const struct pf_wish *p)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < p->n_vfs; i++)
		if (!append(list, vf_to_json(&p->vfs[i]))) {
			json_object_put(list);
			return false;
		}
	return put(to, "vfs", list);
}

static json_object *pf_to_json(const struct pf_wish *p)
{
	json_object *j = json_object_new_object();

	if (j && put(j, "function", json_object_new_string(BDF_TEXT(p->bdf))) &&
		put_text(j, "source", p->source) && put_number(j, "num_vfs", p->num_vfs) &&
		put_number(j, "autoprobe", p->autoprobe) &&
		put_text(j, "eswitch_mode", p->eswitch_mode) && put_text(j, "driver", p->driver) &&
		put_text(j, "driver_override", p->override) && put_words(j, p->settings) &&
		(!p->n_vfs || put_vfs(j, p)))
		return j;
	json_object_put(j);
	return NULL;
}

json_object *wishes_to_form(const struct wishes *w)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < w->n; i++)
		if (!append(list, pf_to_json(&w->v[i]))) {
			json_object_put(list);
			return NULL;
		}
	return list;
}

/* ---- Reading: from whoever asks, so everything is looked at twice ---- */

static int bad(struct problem **reterr, const char *key, const char *why)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "wishes: '%s' %s", key, why);
}

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

static int get_number(json_object *v, const char *key, int max, int *ret, struct problem **reterr)
{
	int64_t n = json_object_is_type(v, json_type_int) ? json_object_get_int64(v) : -1;

	if (n < 0 || n > max)
		return bad(reterr, key, "is not a number that it can be");
	*ret = (int)n;
	return 0;
}

static int get_text(json_object *v, const char *key, char **ret, struct problem **reterr)
{
	const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;

	if (!s || strlen(s) != (size_t)json_object_get_string_len(v) || strlen(s) > TEXT_MAX ||
		!str_is_printable(s))
		return bad(reterr, key, "is not a short printable text");
	return wish_put(ret, s) < 0 ? no_memory(reterr) : 0;
}

/* It becomes a part of a path: a name, or "" for none. */
static int get_name(json_object *v, const char *key, char **ret, struct problem **reterr)
{
	int r = get_text(v, key, ret, reterr);

	if (r < 0)
		return r;
	if (strlen(*ret) > NAME_MAX_BYTES || **ret == '.' || strpbrk(*ret, "/ \t"))
		return bad(reterr, key, "is not a driver's or a mode's name");
	return 0;
}

static int get_words(json_object *v, char ***ret, struct problem **reterr)
{
	size_t n = json_object_is_type(v, json_type_array) ? json_object_array_length(v)
							   : SETTINGS_MAX + 1;

	if (n > SETTINGS_MAX)
		return bad(reterr, "settings", "is not a list, or too long");
	for (size_t i = 0; i < n; i++) {
		autofree char *word = NULL;
		int r = get_text(json_object_array_get_idx(v, i), "settings", &word, reterr);

		if (r < 0)
			return r;
		if (!strchr(word, '=') || *word == '=')
			return bad(reterr, word, "is not KEY=VALUE");
		if (wish_setting(ret, word) < 0)
			return no_memory(reterr);
	}
	return 0;
}

static int read_vf(struct pf_wish *pf, json_object *j, struct problem **reterr)
{
	json_object *number = NULL;
	size_t had = pf->n_vfs;
	struct vf_wish *w;
	int index, r;

	if (!json_object_is_type(j, json_type_object) ||
		!json_object_object_get_ex(j, "index", &number))
		return bad(reterr, "vfs", "has one without index");
	r = get_number(number, "index", UINT16_MAX, &index, reterr);
	if (r < 0)
		return r;
	w = pf_wish_vf(pf, (unsigned)index);
	if (!w)
		return no_memory(reterr);
	if (pf->n_vfs == had)
		return bad(reterr, "vfs", "has one VF twice");
	json_object_object_foreach(j, key, v)
	{
		r = str_eq(key, "index")	     ? 0
		    : str_eq(key, "driver")	     ? get_name(v, key, &w->driver, reterr)
		    : str_eq(key, "driver_override") ? get_name(v, key, &w->override, reterr)
		    : str_eq(key, "source")	     ? get_text(v, key, &w->source, reterr)
		    : str_eq(key, "settings")	     ? get_words(v, &w->settings, reterr)
						     : bad(reterr, key, "is no key of a VF");
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_vfs(struct pf_wish *pf, json_object *v, struct problem **reterr)
{
	int r = 0;

	if (!json_object_is_type(v, json_type_array))
		return bad(reterr, "vfs", "is not a list");
	for (size_t i = 0; r == 0 && i < json_object_array_length(v); i++)
		r = read_vf(pf, json_object_array_get_idx(v, i), reterr);
	return r;
}

static int read_key(struct pf_wish *p, const char *key, json_object *v, struct problem **reterr)
{
	if (str_eq(key, "function"))
		return 0;
	if (str_eq(key, "source"))
		return get_text(v, key, &p->source, reterr);
	if (str_eq(key, "num_vfs"))
		return get_number(v, key, UINT16_MAX, &p->num_vfs, reterr);
	if (str_eq(key, "autoprobe"))
		return get_number(v, key, 1, &p->autoprobe, reterr);
	if (str_eq(key, "eswitch_mode"))
		return get_name(v, key, &p->eswitch_mode, reterr);
	if (str_eq(key, "driver"))
		return get_name(v, key, &p->driver, reterr);
	if (str_eq(key, "driver_override"))
		return get_name(v, key, &p->override, reterr);
	if (str_eq(key, "settings"))
		return get_words(v, &p->settings, reterr);
	if (str_eq(key, "vfs"))
		return read_vfs(p, v, reterr);
	return bad(reterr, key, "is no key of a function");
}

static int read_function(struct wishes *w, json_object *j, struct problem **reterr)
{
	json_object *address = NULL;
	struct pf_wish *p;
	size_t had = w->n;
	struct bdf bdf;

	if (!json_object_is_type(j, json_type_object) ||
		!json_object_object_get_ex(j, "function", &address) ||
		!json_object_is_type(address, json_type_string) ||
		bdf_parse(json_object_get_string(address), &bdf) < 0)
		return bad(reterr, "function", "is missing or no address");
	p = wishes_pf(w, bdf);
	if (!p)
		return no_memory(reterr);
	if (w->n == had)
		return bad(reterr, "function", "is there twice");
	json_object_object_foreach(j, key, v)
	{
		int r = read_key(p, key, v, reterr);

		if (r < 0)
			return r;
	}
	return 0;
}

int wishes_from_form(json_object *j, struct wishes *ret, struct problem **reterr)
{
	autowishes w = { 0 };
	size_t n;
	int r = 0;

	if (!json_object_is_type(j, json_type_array))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "wishes: this is no list");
	n = json_object_array_length(j);
	if (n > FUNCTIONS_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"wishes: more than %d functions", FUNCTIONS_MAX);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = read_function(&w, json_object_array_get_idx(j, i), reterr);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(w);
	return 0;
}
