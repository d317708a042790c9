// SPDX-License-Identifier: GPL-2.0-or-later
#include "method.h"

#include "base/str.h"

#include <json-c/json.h>

enum { OPTIONS_MAX = 32 };

static int bad(struct problem **reterr, int r, const char *what)
{
	return problem(reterr, r, PROBLEM_USAGE, "vfctld(8) has the methods",
		"%s cannot be read: %s", what, strerror(-r));
}

static int take_word(struct order *o, const char *word, struct problem **reterr)
{
	if (strlen(word) > ORDER_TEXT_MAX || !str_is_printable(word) || !*word)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"a selector is a short printable text");
	if (strv_len(o->functions) >= ORDER_FUNCTIONS_MAX)
		return problem(reterr, -E2BIG, PROBLEM_USAGE, NULL, "more than %d selectors",
			ORDER_FUNCTIONS_MAX);
	return strv_add(&o->functions, word) < 0
		       ? problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory")
		       : 0;
}

int method_function(sd_bus_message *m, struct order *o, struct problem **reterr)
{
	const char *word = NULL;
	int r = sd_bus_message_read(m, "s", &word);

	return r < 0 ? bad(reterr, r, "the selector") : take_word(o, word, reterr);
}

int method_functions(sd_bus_message *m, struct order *o, struct problem **reterr)
{
	const char *word = NULL;
	int r = sd_bus_message_enter_container(m, 'a', "s");

	while (r >= 0 && (r = sd_bus_message_read(m, "s", &word)) > 0) {
		r = take_word(o, word, reterr);
		if (r < 0)
			return r;
	}
	if (r >= 0)
		r = sd_bus_message_exit_container(m);
	return r < 0 ? bad(reterr, r, "the selectors") : 0;
}

typedef int take_json(struct order *o, json_object *j, struct problem **reterr);

static int take_wishes(struct order *o, json_object *j, struct problem **reterr)
{
	return wishes_from_form(j, &o->wishes, reterr);
}

/* "s": JSON of what `what` calls it. */
static int method_json(sd_bus_message *m, const char *what, struct order *o, take_json *take,
	struct problem **reterr)
{
	enum json_tokener_error e = json_tokener_success;
	const char *text = NULL;
	json_object *j;
	int r = sd_bus_message_read(m, "s", &text);

	if (r < 0)
		return bad(reterr, r, what);
	if (strlen(text) > ORDER_BYTES_MAX / 2)
		return problem(reterr, -E2BIG, PROBLEM_USAGE, NULL, "%s have at most %d MiB", what,
			ORDER_BYTES_MAX >> 21);
	j = json_tokener_parse_verbose(text, &e);
	r = e == json_tokener_success
		    ? take(o, j, reterr)
		    : problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s: this is no JSON: %s", what,
			      json_tokener_error_desc(e));
	json_object_put(j);
	return r;
}

int method_wishes(sd_bus_message *m, struct order *o, struct problem **reterr)
{
	return method_json(m, "the wishes", o, take_wishes, reterr);
}

int method_request(sd_bus_message *m, struct order *o, struct problem **reterr)
{
	return method_json(m, "the words of the request", o, order_request_from_json, reterr);
}

/* One value of the few types that options have. NULL: another type, or no memory. */
static json_object *take_value(sd_bus_message *m)
{
	const char *type = NULL, *s = NULL;
	json_object *v = NULL;
	uint32_t u = 0;
	int b = 0;

	if (sd_bus_message_peek_type(m, NULL, &type) < 0 ||
		sd_bus_message_enter_container(m, 'v', type) < 0)
		return NULL;
	if (str_eq(type, "b") && sd_bus_message_read(m, "b", &b) > 0)
		v = json_object_new_boolean(b);
	else if (str_eq(type, "u") && sd_bus_message_read(m, "u", &u) > 0)
		v = json_object_new_int64(u);
	else if (str_eq(type, "s") && sd_bus_message_read(m, "s", &s) > 0)
		v = json_object_new_string(s);
	if (v && sd_bus_message_exit_container(m) < 0) {
		json_object_put(v);
		return NULL;
	}
	return v;
}

static int take_options(sd_bus_message *m, json_object *to, struct problem **reterr)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		json_object *v = NULL;
		const char *key = NULL;

		r = sd_bus_message_read(m, "s", &key);
		if (r > 0)
			v = take_value(m);
		if (r > 0 && !v)
			return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
				"option '%s' is of no type that options have", key);
		if (v && (json_object_object_length(to) >= OPTIONS_MAX ||
				 json_object_object_add(to, key, v) < 0)) {
			json_object_put(v);
			return problem(reterr, -E2BIG, PROBLEM_USAGE, NULL, "too many options");
		}
		if (r >= 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? bad(reterr, r, "the options") : 0;
}

int method_options(sd_bus_message *m, struct order *o, struct problem **reterr)
{
	json_object *j = json_object_new_object();
	int r = j ? take_options(m, j, reterr)
		  : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");

	if (r == 0)
		r = order_options_from_json(o, j, reterr);
	json_object_put(j);
	return r;
}

char *order_text(const struct order *o)
{
	json_object *j = order_to_json(o);
	const char *text = j ? json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN) : NULL;
	char *copy = text ? strdup(text) : NULL;

	json_object_put(j);
	return copy;
}
