// SPDX-License-Identifier: GPL-2.0-or-later
/* The first thing that is in the way, by its kind. */
#include "cm.h"
#include "machine.h"
#include "base/str.h"
#include "fake/fake.h"
#include "fitness/fitness.h"
#include "lease/lease.h"

#include <stdio.h>

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

/* A running guest's own VMM is in nobody's way when it gets more of a group; anybody else is. */
static void the_guest_itself_is_not(void **state UNUSED)
{
	struct host *h = machine("s5-held");
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autoproblem *why = NULL;
	const struct function *f;
	int pid = 0;

	assert_int_equal(inventory_load(h, INVENTORY_GROUPS, &inv, NULL), 0);
	f = inventory_find_bdf(inv, at("02:10.0"));
	assert_true(fitness_check_beside(h, inv, NULL, f, 1, &why) < 0);
	assert_int_equal(why->kind, PROBLEM_IN_USE);
	assert_int_equal(sscanf(strstr(why->what, "pid "), "pid %d", &pid), 1);
	assert_int_equal(fitness_check_beside(h, inv, NULL, f, pid, NULL), 0);
	host_free(h);
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

/* A claim of the VF by this owner, as another vfctl has written it down. */
static void claim(struct host *h, enum owner_kind kind, const char *id, int pid, uint32_t uid)
{
	struct lease l = { .bdf = at("02:10.0"), .pf = at("01:00.0"), .state = LEASE_HELD };
	autofree char *text = NULL;

	assert_int_equal(lease_incarnation(h, l.bdf, &l.incarnation), 0);
	l.owner = (struct owner) { .kind = kind, .id = strdup(id), .pid = pid, .start = 8321 };
	l.uid = uid;
	l.driver = strdup("igbvf");
	l.override = strdup("");
	text = lease_to_json(&l);
	fake_put(h, text, "/run/vfctl/claims/0000:02:10.0");
	lease_done(&l);
}

static void process(struct host *h, int pid, int parent)
{
	autofree char *stat = str_printf(
		"%d (a) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 8321 0 0\n", pid, parent);

	fake_put(h, stat, "/proc/%d/stat", pid);
}

static int own(struct host *h, const char *owner, struct problem **p)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;

	assert_int_equal(inventory_load(h, 0, &inv, NULL), 0);
	return fitness_check_own(h, inventory_find_bdf(inv, at("02:10.0")), owner, p);
}

/* His who acts, his forefathers', of whom he acts for; nobody else's. */
static void whose_it_is(void **state UNUSED)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	autoproblem *p = NULL;

	assert_int_equal(own(h, NULL, NULL), 0);
	process(h, getpid(), 4711);
	process(h, 4711, 4710);
	process(h, 4710, 1);
	process(h, 4800, 1);
	claim(h, OWNER_PROCESS, "4710", 4710, 0);
	assert_int_equal(own(h, NULL, NULL), 0);
	claim(h, OWNER_PROCESS, "4800", 4800, getuid() + 1);
	assert_int_equal(own(h, NULL, &p), -EBUSY);
	assert_int_equal(p->kind, PROBLEM_IN_USE);
	assert_non_null(strstr(p->what, "claimed by process:4800"));
	claim(h, OWNER_MANUAL, "lab", 0, getuid());
	assert_int_equal(own(h, NULL, NULL), 0);
	claim(h, OWNER_MANUAL, "lab", 0, getuid() + 1);
	assert_int_equal(own(h, NULL, NULL), -EBUSY);
	claim(h, OWNER_DOMAIN, "web1", 0, getuid());
	assert_int_equal(own(h, NULL, NULL), getuid() ? 0 : -EBUSY);
	claim(h, OWNER_DOMAIN, "web1", 0, getuid() + 1);
	assert_int_equal(own(h, NULL, NULL), -EBUSY);
	assert_int_equal(own(h, "domain:web2", NULL), -EBUSY);
	assert_int_equal(own(h, "domain:web1", NULL), 0);
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_the_way),
		cmocka_unit_test(the_guest_itself_is_not),
		cmocka_unit_test(nothing_is),
		cmocka_unit_test(whose_it_is),
	};

	return cmocka_run_group_tests_name("fitness", tests, NULL, NULL);
}
