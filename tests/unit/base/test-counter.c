// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of what is counted, and the names that reports use. */
#include "cm.h"

#include "base/attr.h"
#include "base/counter.h"

#include <string.h>

static void each_is_named_once(void **state UNUSED)
{
	assert_true(n_counters > 20);
	for (size_t i = 0; i < n_counters; i++) {
		assert_ptr_equal(counter_find(counters[i].of, counters[i].name), &counters[i]);
		assert_true(strlen(counters[i].what) > 5);
		assert_null(strchr(counters[i].what, '"'));
		assert_int_equal(strspn(counters[i].name, "abcdefghijklmnopqrstuvwxyz0123456789_-"),
			strlen(counters[i].name));
	}
}

static void names_say_whose(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum counter_of of;
		const char *name;
		int index;
	} all[] = {
		{ "queue0-doorbells", COUNTER_QUEUE, "doorbells", 0 },
		{ "queue12-bytes-in", COUNTER_QUEUE, "bytes-in", 12 },
		{ "queue-breaks", COUNTER_DEVICE, "queue-breaks", -1 },
		{ "queue1", COUNTER_DEVICE, "queue1", -1 },
		{ "queue1-", COUNTER_DEVICE, "queue1-", -1 },
		{ "queue99999999999999999999-x", COUNTER_DEVICE, "queue99999999999999999999-x",
			-1 },
		{ "vector3_merged", COUNTER_VECTOR, "merged", 3 },
		{ "vector3-merged", COUNTER_DEVICE, "vector3-merged", -1 },
		{ "interrupts_signalled", COUNTER_VECTOR, "signalled", -1 },
		{ "interrupts_of_mine", COUNTER_DEVICE, "interrupts_of_mine", -1 },
		{ "thread-wakeups", COUNTER_DEVICE, "thread-wakeups", -1 },
		{ "", COUNTER_DEVICE, "", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const char *name;
		int index;

		assert_int_equal(counter_parse(all[i].text, &name, &index), all[i].of);
		assert_string_equal(name, all[i].name);
		assert_int_equal(index, all[i].index);
	}
}

static void what_nobody_counts_is_not_found(void **state UNUSED)
{
	assert_null(counter_find(COUNTER_CPU, "doorbells"));
	assert_null(counter_find(COUNTER_QUEUE, ""));
	for (int of = COUNTER_GUEST; of <= COUNTER_REGION; of++)
		assert_non_null(counter_of_name((enum counter_of)of));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_named_once),
		cmocka_unit_test(names_say_whose),
		cmocka_unit_test(what_nobody_counts_is_not_found),
	};

	return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
