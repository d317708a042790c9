// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/problem.h"

#include <string.h>

static int deep(struct problem **reterr)
{
	return problem(reterr, -EBUSY, PROBLEM_IN_USE, "stop it first", "%s is held", "vf1");
}

static void tells_the_story_from_the_top(void **state UNUSED)
{
	autoproblem *p = NULL;
	int r = problem_wrap(&p, deep(&p), "assign %s", "0000:3b:00.1");
	autofree char *text = problem_text(p);

	assert_int_equal(r, -EBUSY);
	assert_int_equal(p->kind, PROBLEM_IN_USE);
	assert_string_equal(text, "assign 0000:3b:00.1: vf1 is held");
	assert_string_equal(problem_best_hint(p), "stop it first");
}

static void a_cause_found_later_goes_below(void **state UNUSED)
{
	autoproblem *p = NULL;
	int r = problem_wrap(&p, deep(&p), "assign");
	autofree char *text = NULL;

	assert_int_equal(problem_because(&p, r, "by pid %d", 7), -EBUSY);
	text = problem_text(p);
	assert_string_equal(text, "assign: vf1 is held: by pid 7");
	assert_string_equal(problem_best_hint(p), "stop it first");
	assert_int_equal(problem_because(NULL, -EBUSY, "nobody asks"), -EBUSY);
}

static void a_caller_may_not_care(void **state UNUSED)
{
	assert_int_equal(deep(NULL), -EBUSY);
	assert_int_equal(problem_wrap(NULL, -EBUSY, "above"), -EBUSY);
}

static void a_second_problem_replaces_the_first(void **state UNUSED)
{
	autoproblem *p = NULL;

	deep(&p);
	problem(&p, -EIO, PROBLEM_IO, NULL, "other");
	assert_int_equal(p->code, -EIO);
	assert_null(p->cause);
}

static void every_kind_has_a_name_of_its_own(void **state UNUSED)
{
	for (int i = 0; i < PROBLEM_KINDS; i++) {
		int code = problem_kind_exit_code((enum problem_kind)i);

		assert_true(code >= 1 && code <= 10);
		assert_non_null(problem_kind_meaning((enum problem_kind)i));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(problem_kind_name((enum problem_kind)i),
				problem_kind_name((enum problem_kind)j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_story_from_the_top),
		cmocka_unit_test(a_cause_found_later_goes_below),
		cmocka_unit_test(a_caller_may_not_care),
		cmocka_unit_test(a_second_problem_replaces_the_first),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests_name("problem", tests, NULL, NULL);
}
