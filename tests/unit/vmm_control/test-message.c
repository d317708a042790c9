/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/control/message.h"

#include <stdio.h>
#include <string.h>

static int parse(const char *text, char *buf, struct message *m)
{
	strcpy(buf, text);
	return message_parse(buf, m, NULL);
}

static void what_is_said_is_understood(void **state UNUSED)
{
	char buf[400];
	struct message m;
	uint32_t n;
	bool b;

	assert_int_equal(
		parse(" { \"cmd\" : \"detach\",\"name\":\"a\\\"b\\\\\\u0041\\n\" , \"wait_ms\": 12 ,"
		      "\"force\":true,\"n\":null }  \r",
			buf, &m),
		0);
	assert_int_equal(m.n, 5);
	assert_string_equal(message_str(&m, "cmd"), "detach");
	assert_string_equal(message_str(&m, "name"), "a\"b\\A\n");
	assert_null(message_str(&m, "wait_ms"));
	assert_null(message_str(&m, "absent"));
	assert_int_equal(message_u32(&m, "wait_ms", 5, &n), 0);
	assert_int_equal(n, 12);
	assert_int_equal(message_u32(&m, "absent", 5, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(message_u32(&m, "cmd", 5, &n), -EINVAL);
	assert_true(message_u32(&m, "force", 5, &n) < 0);
	assert_int_equal(message_bool(&m, "force", false, &b), 0);
	assert_true(b);
	assert_int_equal(message_bool(&m, "wait_ms", false, &b), -EINVAL);
	assert_int_equal(message_bool(&m, "absent", true, &b), 0);
	assert_true(b);
}

static void what_is_not_one_flat_object_is_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", "{", "}", "{}", "[]", "{\"a\"}", "{\"a\":}",
		"{\"a\":1", "{\"a\":1,}", "{\"a\":1}x", "{a:1}", "{\"a\":{\"b\":1}}", "{\"a\":[1]}",
		"{\"a\":\"b}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\u00e4\"}", "{\"a\":\"\\x\"}",
		"{\"a\":\"\\", "{\"a\":\"\\u12", "{\"a\":\"\t\"}", "{\"a\" 1}", "{\"a\":'b'}",
		"{\"a\":1 \"b\":2}", "\"a\":1}" };
	char buf[800] = "{", pair[24];
	struct problem *why = NULL;
	struct message m;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse(bad[i], buf, &m) != -EINVAL)
			fail_msg("%s", bad[i]);
	strcpy(buf, "{");
	for (unsigned i = 0; i <= MESSAGE_KEYS_MAX; i++) {
		snprintf(pair, sizeof(pair), "%s\"k%u\":%u", i ? "," : "", i, i);
		strcat(buf, pair);
	}
	strcat(buf, "}");
	assert_int_equal(message_parse(buf, &m, &why), -EINVAL);
	assert_int_equal(why->kind, PROBLEM_USAGE);
	problem_free(why);
}

/* Cut anywhere, with any byte anywhere: refused or understood, never out of bounds. */
static void no_line_does_harm(void **state UNUSED)
{
	static const char good[] = "{\"cmd\":\"detach\",\"n\\u0061me\":\"x\\\"\",\"wait_ms\":1}";
	char buf[sizeof(good)];
	struct message m;

	for (size_t cut = 0; cut < sizeof(good); cut++) {
		memcpy(buf, good, sizeof(good));
		buf[cut] = '\0';
		assert_int_equal(
			message_parse(buf, &m, NULL), cut == sizeof(good) - 1 ? 0 : -EINVAL);
		for (int c = 1; c < 256; c++) {
			memcpy(buf, good, sizeof(good));
			if (cut < sizeof(good) - 1)
				buf[cut] = (char)c;
			message_parse(buf, &m, NULL);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_is_understood),
		cmocka_unit_test(what_is_not_one_flat_object_is_refused),
		cmocka_unit_test(no_line_does_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
