// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests of assign and release: as they were sent, or refused. */
#include "cm.h"
#include "base/str.h"
#include "ipc/order.h"

#include <json-c/json.h>

static int read_request(enum order_kind kind, const char *text, struct order *o, struct problem **p)
{
	json_object *j = json_tokener_parse(text);
	int r;

	o->kind = kind;
	r = order_request_from_json(o, j, p);
	json_object_put(j);
	return r;
}

static void there_and_back(void **state UNUSED)
{
	static const char request[] =
		"{\"owner\":\"domain:web1\",\"pool\":\"fast\",\"settings\":[\"vlan=3\"],"
		"\"count\":2,\"near\":1,\"memory\":17179869184,\"give\":{\"uid\":0,\"gid\":36}}";
	autoorder o = { 0 }, again = { 0 };
	json_object *j;

	assert_int_equal(read_request(ORDER_ASSIGN, request, &o, NULL), 0);
	assert_string_equal(o.claim.owner, "domain:web1");
	assert_int_equal(o.claim.near, 1);
	assert_int_equal(o.claim.memory_bytes, 16ULL << 30);
	assert_int_equal(o.claim.give_gid, 36);
	o.claim.asker = (struct order_asker) { .uid = 1000, .automatic = true, .start = 8321 };
	j = order_to_json(&o);
	assert_int_equal(order_from_json(j, &again, NULL), 0);
	json_object_put(j);
	j = order_request_to_json(&again);
	assert_string_equal(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN), request);
	json_object_put(j);
	assert_int_equal(again.claim.asker.uid, 1000);
	assert_int_equal(again.claim.asker.start, 8321);
	assert_true(again.claim.asker.automatic);
	assert_false(again.claim.asker.admin);
}

static void what_is_left_out(void **state UNUSED)
{
	autoorder o = { 0 };

	assert_int_equal(read_request(ORDER_ASSIGN,
				 "{\"owner\":\"manual:x\",\"functions\":[\"0000:01:10.0\"],"
				 "\"give\":{\"uid\":7}}",
				 &o, NULL),
		0);
	assert_int_equal(o.claim.near, -1);
	assert_int_equal(o.claim.count, 0);
	assert_int_equal(o.claim.give_uid, 7);
	assert_int_equal(o.claim.give_gid, UINT32_MAX);
	assert_string_equal(o.functions[0], "0000:01:10.0");
}

static void refused(void **state UNUSED)
{
	static const struct {
		enum order_kind kind;
		const char *text, *says;
	} bad[] = {
		{ ORDER_ASSIGN, "[]", "no object" },
		{ ORDER_ASSIGN, "{}", "'owner' is missing" },
		{ ORDER_ASSIGN, "{\"owner\":\"manual:x\"}", "one of them" },
		{ ORDER_ASSIGN, "{\"owner\":\"\",\"pool\":\"a\"}", "'owner' is empty" },
		{ ORDER_ASSIGN, "{\"owner\":7,\"pool\":\"a\"}", "'owner' is not a short" },
		{ ORDER_ASSIGN, "{\"owner\":\"a\\u0000b\",\"pool\":\"a\"}", "'owner' is not a" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"functions\":[\"b\"]}",
			"one of them" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"count\":0}", "nothing" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"count\":9999}", "'count'" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"count\":-1}", "'count'" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"near\":1.5}", "'near'" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"give\":{}}", "no user" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"give\":{\"me\":1}}",
			"nobody to give to" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"give\":{\"uid\":4294967295}}",
			"'uid'" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"settings\":\"vlan=1\"}",
			"'settings' is no list" },
		/* Who asks is the daemon's to say. */
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"uid\":0}", "'uid'" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"asker\":{}}", "'asker'" },
		{ ORDER_ASSIGN, "{\"owner\":\"m:x\",\"pool\":\"a\",\"quarantined\":true}",
			"nothing that assign knows" },
		{ ORDER_RELEASE, "{}", "one of them" },
		{ ORDER_RELEASE, "{\"owner\":\"m:x\",\"functions\":[\"a\"]}", "one of them" },
		{ ORDER_RELEASE, "{\"owner\":\"m:x\",\"pool\":\"a\"}",
			"nothing that release knows" },
		{ ORDER_RELEASE, "{\"owner\":\"m:x\",\"quarantined\":1}", "truth value" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;
		autoorder o = { 0 };

		if (read_request(bad[i].kind, bad[i].text, &o, &p) >= 0)
			fail_msg("taken: %s", bad[i].text);
		assert_int_equal(p->kind, PROBLEM_USAGE);
		if (!strstr(p->what, bad[i].says))
			fail_msg("%s: %s", bad[i].text, p->what);
	}
}

/* An order without the daemon's word for who asks is none. */
static void nobody_asks(void **state UNUSED)
{
	static const char *const bad[] = { "", ",\"asker\":7", ",\"asker\":{}",
		",\"asker\":{\"uid\":-1,\"admin\":false,\"automatic\":false,\"start\":0}",
		",\"asker\":{\"uid\":0,\"automatic\":false,\"start\":0}" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autofree char *text = str_printf("{\"do\":\"release\",\"request\":{\"owner\":"
						 "\"manual:x\"},\"options\":{}%s}",
			bad[i]);
		autoorder o = { 0 };

		if (order_from_text(text, &o, NULL) >= 0)
			fail_msg("taken: %s", text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(refused),
		cmocka_unit_test(nobody_asks),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
