// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include "cost/exits.h"

#include <string.h>

#define CPU(user, all, halt, irq)                                                                  \
	"{\"user_exits\":" user ",\"kvm_exits\":" all ",\"kvm_halt_exits\":" halt                  \
	",\"kvm_irq_exits\":" irq ",\"kvm_irq_injections\":77}"
#define REPORT(cpus) "{\"cpus\":[" cpus "],\"devices\":[]}"

static void most_first_and_the_rest(void **state UNUSED)
{
	autosample s =
		sample_of(REPORT(CPU("10", "100", "20", "40") "," CPU("1", "0", "0", "0")), 1);
	struct cost_exits e;

	assert_true(cost_exits_of(NULL, &s, 0, &e));
	assert_int_equal(e.all, 100);
	assert_int_equal(e.n, 4);
	assert_string_equal(e.v[0].what, "interrupts of the host");
	assert_int_equal(e.v[0].n, 40);
	assert_int_equal(e.v[0].share, 40);
	assert_non_null(e.v[0].what_to_do);
	assert_int_equal(e.v[1].n, 30);
	assert_null(e.v[1].what_to_do);
	assert_string_equal(e.v[2].what, "the CPU waits");
	assert_string_equal(e.v[3].what, "for the VMM");
	assert_true(cost_exits_of(NULL, &s, 1, &e));
	assert_int_equal(e.all, 0);
	assert_int_equal(e.n, 0);
	assert_false(cost_exits_of(NULL, &s, 2, &e));
}

static void only_since_then(void **state UNUSED)
{
	autosample a = sample_of(REPORT(CPU("10", "100", "20", "40")), 1),
		   b = sample_of(REPORT(CPU("10", "104", "22", "40")), 2);
	struct cost_exits e;

	assert_true(cost_exits_of(&a, &b, 0, &e));
	assert_int_equal(e.all, 4);
	assert_int_equal(e.n, 2);
	assert_int_equal(e.v[0].n, 2);
	assert_int_equal(e.v[0].share, 50);
}

/* Numbers are a neighbour's: what contradicts itself is shown, and nothing is divided by it. */
static void nonsense(void **state UNUSED)
{
	autosample s = sample_of(REPORT(CPU("18446744073709551615", "1", "18446744073709551615",
					 "5") ",{\"user_exits\":5},7,{}"),
		1);
	struct cost_exits e;

	assert_true(cost_exits_of(NULL, &s, 0, &e));
	assert_int_equal(e.n, 3);
	for (size_t i = 0; i < e.n; i++)
		assert_in_range(e.v[i].share, 0, 100);
	assert_true(cost_exits_of(NULL, &s, 1, &e));
	assert_int_equal(e.all, 0);
	assert_false(cost_exits_of(NULL, &s, 3, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(most_first_and_the_rest),
		cmocka_unit_test(only_since_then),
		cmocka_unit_test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
