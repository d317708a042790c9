// SPDX-License-Identifier: GPL-2.0-or-later
#include "story.h"
#include "names.h"
#include "put.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>

enum { CAUSES_MAX = 16 };

/* Chains are short: what is wrapped is wrapped once a room. */
json_object *story_to_json(const struct problem *p)
{
	json_object *j = p ? json_object_new_object() : NULL;

	if (j && put_text(j, "kind", problem_kind_name(p->kind)) &&
		put(j, "code", json_object_new_int(p->code)) && put_text(j, "what", p->what) &&
		put_text(j, "hint", p->hint) &&
		(!p->cause || put(j, "cause", story_to_json(p->cause))))
		return j;
	json_object_put(j);
	return NULL;
}

static const char *get_text(json_object *j, const char *key)
{
	json_object *v = NULL;

	return json_object_object_get_ex(j, key, &v) && json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : NULL;
}

static enum problem_kind kind_named(const char *name)
{
	for (int i = 0; i < PROBLEM_KINDS; i++)
		if (str_eq(name, problem_kind_name((enum problem_kind)i)))
			return (enum problem_kind)i;
	return PROBLEM_FAILED;
}

static struct problem *one_from_json(json_object *j)
{
	const char *what = get_text(j, "what");
	struct problem *p = NULL;
	json_object *v = NULL;
	int code = -EIO;

	if (json_object_object_get_ex(j, "code", &v) && json_object_get_int(v) < 0)
		code = json_object_get_int(v);
	problem(&p, code, kind_named(get_text(j, "kind")), get_text(j, "hint"), "%s",
		what ? what : "?");
	return p;
}

struct problem *story_from_json(json_object *j)
{
	struct problem *first = NULL, **at = &first;

	for (int i = 0; i < CAUSES_MAX && json_object_is_type(j, json_type_object); i++) {
		json_object *cause = NULL;

		*at = one_from_json(j);
		if (!*at)
			break;
		at = &(*at)->cause;
		json_object_object_get_ex(j, "cause", &cause);
		j = cause;
	}
	return first;
}

/* A bus name's elements have letters, digits and '_' only: "in-use" is InUse. */
void error_name(enum problem_kind kind, char ret[ERROR_NAME_MAX])
{
	size_t n = (size_t)snprintf(ret, ERROR_NAME_MAX, "%s", ERROR_PREFIX);
	bool upper = true;

	for (const char *s = problem_kind_name(kind); *s && n + 1 < ERROR_NAME_MAX; s++) {
		if (*s != '-')
			ret[n++] = (char)(upper ? toupper((unsigned char)*s) : *s);
		upper = *s == '-';
	}
	ret[n] = '\0';
}

enum problem_kind error_kind(const char *name)
{
	char ours[ERROR_NAME_MAX];

	for (int i = 0; i < PROBLEM_KINDS; i++) {
		error_name((enum problem_kind)i, ours);
		if (str_eq(name, ours))
			return (enum problem_kind)i;
	}
	return PROBLEM_FAILED;
}
