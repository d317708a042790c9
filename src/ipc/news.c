// SPDX-License-Identifier: GPL-2.0-or-later
#include "news.h"
#include "story.h"
#include "put.h"
#include "base/str.h"
#include "plan/wish.h"

static const char *const names[NEWS_KINDS] = {
	[NEWS_RESULT] = "result",
	[NEWS_LINE] = "line",
	[NEWS_WAITING] = "waiting",
	[NEWS_NOTE] = "note",
	[NEWS_RECOVERED] = "recovered",
	[NEWS_ANSWER] = "answer",
	[NEWS_ENDED] = "ended",
};

const char *news_name(enum news_kind kind)
{
	return names[kind];
}

void news_done(struct news *n)
{
	action_done(&n->action);
	free(n->subject);
	free(n->text);
	free(n->hint);
	problem_free(n->problem);
	*n = (struct news) { 0 };
}

static bool put_number(json_object *to, const char *key, int64_t n)
{
	return put(to, key, json_object_new_int64(n));
}

/* An answer is JSON of our own; what is escaped in it must stay so. */
static bool put_plain(json_object *to, const char *key, const char *text, bool as_is)
{
	return text && as_is ? put(to, key, json_object_new_string(text)) : put_text(to, key, text);
}

static bool put_all(json_object *j, const struct news *n)
{
	const char *text_key = n->kind == NEWS_RESULT ? "word" : "text";

	return put_text(j, "news", news_name(n->kind)) &&
	       (n->kind != NEWS_RESULT || put(j, "action", action_to_json(&n->action))) &&
	       put_text(j, "subject", n->subject) &&
	       put_plain(j, text_key, n->text, n->kind == NEWS_ANSWER) &&
	       put_text(j, "hint", n->hint) && (!n->id || put_number(j, "id", n->id)) &&
	       (n->kind != NEWS_WAITING || put_number(j, "waited-ms", n->waited_ms)) &&
	       (n->kind != NEWS_RECOVERED || put_text(j, "how", journal_end_name(n->how))) &&
	       (!n->pid || put_number(j, "pid", n->pid)) && put_number(j, "code", n->code) &&
	       (!n->problem || put(j, "problem", story_to_json(n->problem)));
}

char *news_to_text(const struct news *n)
{
	json_object *j = json_object_new_object();
	const char *text = NULL;
	char *copy;

	if (j && put_all(j, n))
		text = json_object_to_json_string_ext(
			j, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	copy = text ? strdup(text) : NULL;
	json_object_put(j);
	return copy;
}

static json_object *get(json_object *j, const char *key, json_type type)
{
	json_object *v = NULL;

	json_object_object_get_ex(j, key, &v);
	return json_object_is_type(v, type) ? v : NULL;
}

static int take_text(json_object *j, const char *key, char **ret)
{
	json_object *v = get(j, key, json_type_string);

	return v ? wish_put(ret, json_object_get_string(v)) : 0;
}

static int64_t number(json_object *j, const char *key)
{
	json_object *v = get(j, key, json_type_int);

	return v ? json_object_get_int64(v) : 0;
}

static int read_kind(json_object *j, struct news *n)
{
	json_object *v = get(j, "news", json_type_string);

	for (int i = 0; v && i < NEWS_KINDS; i++)
		if (str_eq(json_object_get_string(v), names[i])) {
			n->kind = (enum news_kind)i;
			return 0;
		}
	return -EINVAL;
}

static void read_how(json_object *j, struct news *n)
{
	json_object *v = get(j, "how", json_type_string);

	for (int i = JOURNAL_DONE; v && i < JOURNAL_ENDS; i++)
		if (str_eq(json_object_get_string(v), journal_end_name((enum journal_end)i)))
			n->how = (enum journal_end)i;
}

static int read_all(json_object *j, struct news *n)
{
	int r = read_kind(j, n);

	if (r == 0 && n->kind == NEWS_RESULT)
		r = action_from_json(get(j, "action", json_type_object), &n->action);
	if (r == 0)
		r = take_text(j, "subject", &n->subject);
	if (r == 0)
		r = take_text(j, n->kind == NEWS_RESULT ? "word" : "text", &n->text);
	if (r == 0)
		r = take_text(j, "hint", &n->hint);
	if (r < 0)
		return r;
	n->code = (int)number(j, "code");
	n->id = (unsigned)number(j, "id");
	n->pid = (int)number(j, "pid");
	n->waited_ms = (unsigned)number(j, "waited-ms");
	read_how(j, n);
	n->problem = story_from_json(get(j, "problem", json_type_object));
	return 0;
}

int news_from_text(const char *text, struct news *ret)
{
	json_object *j = json_tokener_parse(text);
	autonews n = { 0 };
	int r = json_object_is_type(j, json_type_object) ? read_all(j, &n) : -EINVAL;

	json_object_put(j);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(n);
	return 0;
}
