// SPDX-License-Identifier: GPL-2.0-or-later
/* Orders, news and stories: as they were sent, or refused. */
#include "cm.h"
#include "base/str.h"
#include "ipc/names.h"
#include "ipc/news.h"
#include "ipc/order.h"
#include "ipc/story.h"

#include <json-c/json.h>

static char *text_of(const struct order *o)
{
	json_object *j = order_to_json(o);
	char *text = strdup(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN));

	json_object_put(j);
	return text;
}

static void a_change_there_and_back(void **state UNUSED)
{
	autofree char *once = NULL, *twice = NULL;
	autoorder o = { .kind = ORDER_CHANGE,
		.keep_going = true,
		.as_is = true,
		.force = true,
		.record = true,
		.skip_refused = true,
		.timeout_ms = UINT32_MAX },
		  again = { 0 };
	struct pf_wish *pf = wishes_pf(&o.wishes, (struct bdf) { .bus = 1 });

	pf->num_vfs = 3;
	o.command = strdup("create eth0 3");
	once = text_of(&o);
	assert_int_equal(order_from_text(once, &again, NULL), 0);
	twice = text_of(&again);
	assert_string_equal(once, twice);
	assert_int_equal(again.kind, ORDER_CHANGE);
	assert_int_equal(again.wishes.v[0].num_vfs, 3);
	assert_string_equal(again.command, "create eth0 3");
	assert_true(again.keep_going && again.as_is && again.force && again.record);
	assert_true(again.skip_refused);
	assert_false(again.allow_destroy || again.allow_in_use || again.wait_for_holder);
	assert_int_equal(again.timeout_ms, UINT32_MAX);
}

static void a_reset_there_and_back(void **state UNUSED)
{
	autofree char *once = NULL;
	autoorder o = { .kind = ORDER_RESET, .allow_in_use = true }, again = { 0 };

	assert_int_equal(strv_add(&o.functions, "0000:01:10.0"), 0);
	o.method = strdup("flr");
	once = text_of(&o);
	assert_int_equal(order_from_text(once, &again, NULL), 0);
	assert_int_equal(again.kind, ORDER_RESET);
	assert_string_equal(again.functions[0], "0000:01:10.0");
	assert_string_equal(again.method, "flr");
	assert_true(again.allow_in_use);
	assert_null(again.command);
}

static void refused(void **state UNUSED)
{
	static const char *const bad[] = {
		"",
		"x",
		"[]",
		"{}",
		"{\"do\":\"format\"}",
		"{\"do\":\"list\"}",
		"{\"do\":\"list\",\"functions\":[]}",
		"{\"do\":\"list\",\"functions\":[7],\"options\":{}}",
		"{\"do\":\"list\",\"functions\":[\"\\u001b\"],\"options\":{}}",
		"{\"do\":\"list\",\"functions\":[],\"options\":{\"nonsense\":1}}",
		"{\"do\":\"list\",\"functions\":[],\"options\":{\"holders\":1}}",
		"{\"do\":\"list\",\"functions\":[],\"options\":{\"command\":true}}",
		"{\"do\":\"list\",\"functions\":[],\"options\":{\"timeout-ms\":-1}}",
		"{\"do\":\"list\",\"functions\":[],\"options\":{\"timeout-ms\":4294967296}}",
		"{\"do\":\"change\",\"functions\":[],\"options\":{}}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;
		autoorder o = { 0 };

		if (order_from_text(bad[i], &o, &p) >= 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(p->kind, PROBLEM_USAGE);
	}
}

static void an_order_too_long(void **state UNUSED)
{
	autofree char *text = malloc(ORDER_BYTES_MAX + 2);
	autoproblem *p = NULL;
	autoorder o = { 0 };

	memset(text, ' ', ORDER_BYTES_MAX + 1);
	text[ORDER_BYTES_MAX + 1] = '\0';
	assert_int_equal(order_from_text(text, &o, &p), -E2BIG);
}

static void a_story_whole(void **state UNUSED)
{
	struct problem *p = NULL, *again;
	json_object *j;

	problem(&p, -EBUSY, PROBLEM_IN_USE, "stop it", "0000:01:10.0 is held");
	problem_wrap(&p, -EBUSY, "cannot bind");
	j = story_to_json(p);
	again = story_from_json(j);
	json_object_put(j);
	assert_int_equal(again->code, -EBUSY);
	assert_int_equal(again->kind, PROBLEM_IN_USE);
	assert_string_equal(again->what, "cannot bind");
	assert_null(again->hint);
	assert_string_equal(again->cause->what, "0000:01:10.0 is held");
	assert_string_equal(again->cause->hint, "stop it");
	assert_null(again->cause->cause);
	problem_free(p);
	problem_free(again);
	assert_null(story_from_json(NULL));
}

/* What the bus calls an error can be a bus name, and says which kind it is. */
static void names_of_errors(void **state UNUSED)
{
	for (int i = 0; i < PROBLEM_KINDS; i++) {
		char name[ERROR_NAME_MAX];

		error_name((enum problem_kind)i, name);
		assert_true(str_starts(name, ERROR_PREFIX));
		assert_null(strchr(name, '-'));
		assert_int_equal(error_kind(name), i);
	}
	assert_int_equal(error_kind("org.freedesktop.DBus.Error.NoReply"), PROBLEM_FAILED);
}

static void a_result_there_and_back(void **state UNUSED)
{
	struct news n = { .kind = NEWS_RESULT, .code = -EBUSY };
	autofree char *line = NULL;
	autonews again = { 0 };
	autostrv char **words = NULL;

	assert_int_equal(strv_add(&words, "vlan=9"), 0);
	n.action = (struct action) {
		.kind = ACTION_SETTINGS, .bdf = { .bus = 1 }, .vf = 2, .words = words
	};
	n.text = news_borrow("vlan=9");
	problem(&n.problem, -EBUSY, PROBLEM_IN_USE, NULL, "no\nway");
	line = news_to_text(&n);
	problem_free(n.problem);
	assert_null(strchr(line, '\n'));
	assert_int_equal(news_from_text(line, &again), 0);
	assert_int_equal(again.kind, NEWS_RESULT);
	assert_int_equal(again.code, -EBUSY);
	assert_int_equal(again.action.vf, 2);
	assert_string_equal(again.action.words[0], "vlan=9");
	assert_string_equal(again.text, "vlan=9");
	assert_int_equal(again.problem->kind, PROBLEM_IN_USE);
}

static void other_news(void **state UNUSED)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"news\":\"rumour\"}",
		"{\"news\":\"result\"}", "{\"news\":\"result\",\"action\":{\"do\":\"explode\"}}" };
	struct news n = { .kind = NEWS_RECOVERED, .id = 17, .how = JOURNAL_UNDONE };
	autofree char *line = NULL, *raw = NULL;
	autonews again = { 0 }, answer = { 0 };

	n.text = news_borrow("create eth0 4");
	line = news_to_text(&n);
	assert_int_equal(news_from_text(line, &again), 0);
	assert_int_equal(again.id, 17);
	assert_int_equal(again.how, JOURNAL_UNDONE);
	assert_string_equal(again.text, "create eth0 4");
	/* An answer is JSON: what is escaped in it stays escaped. */
	n = (struct news) { .kind = NEWS_ANSWER, .text = news_borrow("{\"a\":\"\\n\\\\x1b\"}") };
	raw = news_to_text(&n);
	assert_int_equal(news_from_text(raw, &answer), 0);
	assert_string_equal(answer.text, n.text);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autonews none = { 0 };

		if (news_from_text(bad[i], &none) >= 0)
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_there_and_back),
		cmocka_unit_test(a_reset_there_and_back),
		cmocka_unit_test(refused),
		cmocka_unit_test(an_order_too_long),
		cmocka_unit_test(a_story_whole),
		cmocka_unit_test(names_of_errors),
		cmocka_unit_test(a_result_there_and_back),
		cmocka_unit_test(other_news),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
