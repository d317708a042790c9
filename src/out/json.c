// SPDX-License-Identifier: GPL-2.0-or-later
#include "json.h"
#include "base/str.h"

struct json json_start(void)
{
	struct json j = { .root = json_object_new_object() };

	j.failed = !j.root;
	return j;
}

void json_done(struct json *j)
{
	json_object_put(j->root);
	j->root = NULL;
}

/* Takes `v` over, also when it cannot be added. A NULL `v` is JSON's null. */
static json_object *add(struct json *j, json_object *to, const char *key, json_object *v)
{
	int r = -1;

	if (to && key)
		r = json_object_object_add(to, key, v);
	else if (to)
		r = json_object_array_add(to, v);
	if (r == 0)
		return v;
	json_object_put(v);
	j->failed = true;
	return NULL;
}

static json_object *add_new(struct json *j, json_object *to, const char *key, json_object *v)
{
	if (!v)
		j->failed = true;
	return add(j, to, key, v);
}

json_object *json_add_object(struct json *j, json_object *to, const char *key)
{
	return add_new(j, to, key, json_object_new_object());
}

json_object *json_add_array(struct json *j, json_object *to, const char *key)
{
	return add_new(j, to, key, json_object_new_array());
}

void json_add_null(struct json *j, json_object *to, const char *key)
{
	add(j, to, key, NULL);
}

void json_add_bool(struct json *j, json_object *to, const char *key, bool v)
{
	add_new(j, to, key, json_object_new_boolean(v));
}

void json_add_u64(struct json *j, json_object *to, const char *key, uint64_t v)
{
	add_new(j, to, key, json_object_new_uint64(v));
}

void json_add_known(struct json *j, json_object *to, const char *key, int64_t v)
{
	if (v < 0)
		json_add_null(j, to, key);
	else
		json_add_u64(j, to, key, (uint64_t)v);
}

void json_add_maybe(struct json *j, json_object *to, const char *key, int v)
{
	if (v < 0)
		json_add_null(j, to, key);
	else
		json_add_bool(j, to, key, v);
}

void json_add_str(struct json *j, json_object *to, const char *key, const char *s)
{
	autofree char *printable = s ? str_printable(s) : NULL;

	if (!s)
		json_add_null(j, to, key);
	else
		add_new(j, to, key, printable ? json_object_new_string(printable) : NULL);
}

void json_add_fmt(struct json *j, json_object *to, const char *key, const char *fmt, ...)
{
	autofree char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0) {
		s = NULL;
		j->failed = true;
	}
	va_end(ap);
	json_add_str(j, to, key, s);
}

int json_print(const struct json *j, const struct out *o, struct problem **reterr)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = NULL;

	if (o->format != OUT_JSON_SHORT)
		flags |= JSON_C_TO_STRING_PRETTY;
	if (!j->failed)
		text = json_object_to_json_string_ext(j->root, flags);
	if (!text)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL,
			"memory ran out while the result was written as JSON");
	fprintf(o->to, "%s\n", text);
	return 0;
}
