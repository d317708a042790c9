// SPDX-License-Identifier: GPL-2.0-or-later
/* The first thing that is in the way, by its kind. */
#include "cm.h"
#include "machine.h"
#include "fitness/fitness.h"

static void finds(const char *name, const char *address, enum problem_kind kind, const char *part)
{
	struct host *h = machine(name);
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoproblem *why = NULL;
	autofree char *text = NULL;

	assert_int_equal(inventory_load(h, INVENTORY_GROUPS, &inv, NULL), 0);
	assert_true(fitness_check(h, inv, NULL, inventory_find_bdf(inv, at(address)), &why) < 0);
	assert_int_equal(why->kind, kind);
	text = problem_text(why);
	assert_non_null(strstr(text, part));
	host_free(h);
}

static void what_is_in_the_way(void **state UNUSED)
{
	finds("s1-igb4-igbvf", "01:10.0", PROBLEM_NOT_BOUND_TO_VFIO, "driven by igbvf");
	finds("s3-nonviable", "05:01.0", PROBLEM_GROUP_NOT_VIABLE, "0000:05:02.0 (e1000)");
	finds("s3-nonviable", "04:00.0", PROBLEM_NOT_ASSIGNABLE, "is a bridge");
	finds("s5-held", "02:10.0", PROBLEM_IN_USE, "held by pid");
}

static void nothing_is(void **state UNUSED)
{
	struct host *h = machine("s2-vfio");
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct function *vf, *pf;

	assert_int_equal(inventory_load(h, INVENTORY_GROUPS, &inv, NULL), 0);
	vf = inventory_find_bdf(inv, at("02:10.0"));
	pf = vf->physfn;
	assert_int_equal(fitness_check(h, inv, NULL, vf, NULL), 0);
	assert_false(fitness_needs_token(vf));
	assert_false(fitness_needs_token(pf));
	/* As if its PF had been given to a program. */
	free(pf->driver);
	pf->driver = strdup("vfio-pci");
	assert_true(fitness_needs_token(vf));
	assert_false(fitness_needs_token(pf));
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_the_way),
		cmocka_unit_test(nothing_is),
	};

	return cmocka_run_group_tests_name("fitness", tests, NULL, NULL);
}
