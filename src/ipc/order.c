// SPDX-License-Identifier: GPL-2.0-or-later
#include "order.h"
#include "order-inside.h"
#include "put.h"
#include "base/str.h"

#include <stdint.h>

enum option_type { OPTION_TEXT, OPTION_BOOL, OPTION_NUMBER };

static const struct option {
	const char *name;
	enum option_type type;
	size_t at;
} options[] = {
#define OPTION(name, type, field)                                                                  \
	{                                                                                          \
		name, OPTION_##type, offsetof(struct order, field)                                 \
	}
	OPTION("command", TEXT, command),
	OPTION("method", TEXT, method),
	OPTION("keep-going", BOOL, keep_going),
	OPTION("allow-destroy", BOOL, allow_destroy),
	OPTION("allow-in-use", BOOL, allow_in_use),
	OPTION("as-is", BOOL, as_is),
	OPTION("wait-for-holder", BOOL, wait_for_holder),
	OPTION("force", BOOL, force),
	OPTION("record", BOOL, record),
	OPTION("skip-refused", BOOL, skip_refused),
	OPTION("holders", BOOL, holders),
	OPTION("drift", BOOL, drift),
	OPTION("timeout-ms", NUMBER, timeout_ms),
#undef OPTION
};

static const char *const names[ORDER_KINDS] = {
	[ORDER_CHANGE] = "change",
	[ORDER_RESET] = "reset",
	[ORDER_RECOVER] = "recover",
	[ORDER_LIST] = "list",
	[ORDER_SHOW] = "show",
	[ORDER_ASSIGN] = "assign",
	[ORDER_RELEASE] = "release",
	[ORDER_LEASES] = "leases",
	[ORDER_OPEN] = "open",
	[ORDER_CHECK] = "check",
	[ORDER_RECONCILE] = "reconcile",
};

const char *order_name(enum order_kind kind)
{
	return names[kind];
}

void order_done(struct order *o)
{
	wishes_done(&o->wishes);
	strv_free(o->functions);
	order_claim_done(&o->claim);
	free(o->command);
	free(o->method);
	free(o->guest.vfio);
	*o = (struct order) { 0 };
}

static void *field(const struct order *o, const struct option *opt)
{
	return (void *)((uintptr_t)o + opt->at);
}

/* ---- Writing ---- */

static bool put_option(json_object *to, const struct order *o, const struct option *opt)
{
	const void *at = field(o, opt);

	switch (opt->type) {
	case OPTION_TEXT: {
		const char *s = *(char *const *)at;

		return put_text(to, opt->name, s);
	}
	case OPTION_BOOL:
		return !*(const bool *)at || put(to, opt->name, json_object_new_boolean(true));
	case OPTION_NUMBER:
		return !*(const unsigned *)at ||
		       put(to, opt->name, json_object_new_int64(*(const unsigned *)at));
	}
	return false;
}

static json_object *options_json(const struct order *o)
{
	json_object *j = json_object_new_object();

	for (size_t i = 0; j && i < ARRAY_SIZE(options); i++)
		if (!put_option(j, o, &options[i])) {
			json_object_put(j);
			return NULL;
		}
	return j;
}

json_object *order_words_json(char *const *words)
{
	json_object *list = json_object_new_array();

	for (char *const *w = words; list && w && *w; w++) {
		json_object *word = json_object_new_string(*w);

		if (word && json_object_array_add(list, word) == 0)
			continue;
		json_object_put(word);
		json_object_put(list);
		return NULL;
	}
	return list;
}

static json_object *what_json(const struct order *o)
{
	return o->kind == ORDER_CHANGE ? wishes_to_form(&o->wishes)
	       : order_is_of_claims(o) ? order_request_to_json(o)
				       : order_words_json(o->functions);
}

static const char *what_name(const struct order *o)
{
	return o->kind == ORDER_CHANGE ? "wishes" : order_is_of_claims(o) ? "request" : "functions";
}

json_object *order_to_json(const struct order *o)
{
	json_object *j = json_object_new_object();

	if (j && put(j, "do", json_object_new_string(order_name(o->kind))) &&
		put(j, what_name(o), what_json(o)) &&
		(!order_is_of_claims(o) || put(j, "asker", order_asker_json(&o->claim.asker))) &&
		(o->kind != ORDER_OPEN || put(j, "guest", order_guest_json(&o->guest))) &&
		put(j, "options", options_json(o)))
		return j;
	json_object_put(j);
	return NULL;
}

/* ---- Reading ---- */

int order_bad(struct problem **reterr, const char *key, const char *why)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "'%s' %s", key, why);
}

int order_no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

int order_check_text(json_object *v, const char *key, const char **ret, struct problem **reterr)
{
	const char *s = json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;

	if (!s || strlen(s) != (size_t)json_object_get_string_len(v) ||
		strlen(s) > ORDER_TEXT_MAX || !str_is_printable(s))
		return order_bad(reterr, key, "is not a short printable text");
	*ret = s;
	return 0;
}

static int read_option(
	struct order *o, const struct option *opt, json_object *v, struct problem **reterr)
{
	void *at = field(o, opt);
	const char *s = NULL;
	int r;

	switch (opt->type) {
	case OPTION_TEXT:
		r = order_check_text(v, opt->name, &s, reterr);
		return r < 0 ? r : wish_put(at, s) < 0 ? order_no_memory(reterr) : 0;
	case OPTION_BOOL:
		if (!json_object_is_type(v, json_type_boolean))
			return order_bad(reterr, opt->name, "is not a truth value");
		*(bool *)at = json_object_get_boolean(v);
		return 0;
	case OPTION_NUMBER:
		if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0 ||
			json_object_get_int64(v) > UINT32_MAX)
			return order_bad(reterr, opt->name, "is not a number that it can be");
		*(unsigned *)at = (unsigned)json_object_get_int64(v);
		return 0;
	}
	return 0;
}

int order_options_from_json(struct order *o, json_object *j, struct problem **reterr)
{
	if (!json_object_is_type(j, json_type_object))
		return order_bad(reterr, "options", "are missing");
	json_object_object_foreach(j, key, v)
	{
		size_t i = 0;
		int r;

		while (i < ARRAY_SIZE(options) && !str_eq(options[i].name, key))
			i++;
		r = i < ARRAY_SIZE(options) ? read_option(o, &options[i], v, reterr)
					    : order_bad(reterr, key, "is no option");
		if (r < 0)
			return r;
	}
	return 0;
}

int order_read_words(json_object *j, const char *key, char ***to, struct problem **reterr)
{
	size_t n = json_object_is_type(j, json_type_array) ? json_object_array_length(j) : SIZE_MAX;

	if (n > ORDER_FUNCTIONS_MAX)
		return order_bad(reterr, key, "is no list, or too long");
	for (size_t i = 0; i < n; i++) {
		const char *s = NULL;
		int r = order_check_text(json_object_array_get_idx(j, i), key, &s, reterr);

		if (r < 0)
			return r;
		if (strv_add(to, s) < 0)
			return order_no_memory(reterr);
	}
	return 0;
}

static int read_kind(struct order *o, json_object *j, struct problem **reterr)
{
	json_object *v = NULL;

	json_object_object_get_ex(j, "do", &v);
	for (int i = 0; v && i < ORDER_KINDS; i++)
		if (str_eq(json_object_get_string(v), names[i])) {
			o->kind = (enum order_kind)i;
			return 0;
		}
	return order_bad(reterr, "do", "names nothing that can be done");
}

static int read_what(struct order *o, json_object *j, struct problem **reterr)
{
	json_object *what = NULL, *asker = NULL;
	int r;

	json_object_object_get_ex(j, what_name(o), &what);
	if (o->kind == ORDER_CHANGE)
		return wishes_from_form(what, &o->wishes, reterr);
	if (!order_is_of_claims(o)) {
		r = order_read_words(what, "functions", &o->functions, reterr);
		return r < 0 || o->kind != ORDER_OPEN ? r : order_read_guest(j, &o->guest, reterr);
	}
	r = order_request_from_json(o, what, reterr);
	json_object_object_get_ex(j, "asker", &asker);
	return r < 0 ? r : order_read_asker(asker, &o->claim.asker, reterr);
}

int order_from_json(json_object *j, struct order *ret, struct problem **reterr)
{
	json_object *how = NULL;
	autoorder o = { 0 };
	int r = json_object_is_type(j, json_type_object)
			? read_kind(&o, j, reterr)
			: order_bad(reterr, "order", "is no object");

	if (r == 0)
		r = read_what(&o, j, reterr);
	if (r < 0)
		return r;
	json_object_object_get_ex(j, "options", &how);
	r = order_options_from_json(&o, how, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(o);
	return 0;
}

int order_from_text(const char *text, struct order *ret, struct problem **reterr)
{
	enum json_tokener_error e = json_tokener_success;
	json_object *j;
	int r;

	if (strlen(text) > ORDER_BYTES_MAX)
		return problem(reterr, -E2BIG, PROBLEM_USAGE, NULL, "an order has at most %d MiB",
			ORDER_BYTES_MAX >> 20);
	j = json_tokener_parse_verbose(text, &e);
	r = e == json_tokener_success ? order_from_json(j, ret, reterr)
				      : problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
						"this is no JSON: %s", json_tokener_error_desc(e));
	json_object_put(j);
	return r;
}
