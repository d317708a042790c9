// SPDX-License-Identifier: GPL-2.0-or-later
/* Selectors on captured machines. */
#include "cm.h"
#include "machine.h"
#include "inventory/inventory.h"
#include "select/attribute.h"
#include "select/select.h"

#include <stdio.h>

struct fixture {
	struct host *h;
	struct inventory *inv;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = machine("s2-vfio");
	assert_int_equal(inventory_load(f->h, 0, &f->inv, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	inventory_free(f->inv);
	host_free(f->h);
	free(f);
	return 0;
}

/* The addresses that `words` (up to three) select, joined by blanks. */
static char *selected(struct fixture *f, const char *a, const char *b, const char *c)
{
	const char *words[] = { a, b, c };
	autoselection s = { 0 };
	autostrbuf text = { 0 };
	size_t n = 0;

	while (n < 3 && words[n])
		n++;
	assert_int_equal(select_matching(f->h, f->inv, words, n, &s, NULL), 0);
	for (size_t i = 0; i < s.n; i++)
		strbuf_add(&text, "%s%s", i ? " " : "", s.v[i]->address);
	return strbuf_take(&text);
}

#define EXPECT(f, a, b, c, want)                                                                   \
	do {                                                                                       \
		autofree char *got = selected(f, a, b, c);                                         \
		assert_string_equal(got, want);                                                    \
	} while (0)

static void names(void **state)
{
	struct fixture *f = *state;

	EXPECT(f, "0000:01:00.0", NULL, NULL, "0000:01:00.0");
	EXPECT(f, "01:00.0", NULL, NULL, "0000:01:00.0");
	EXPECT(f, "eth1", NULL, NULL, "0000:02:00.0");
	EXPECT(f, "nvme0", NULL, NULL, "0000:03:00.0");
	EXPECT(f, "nvme0n1", NULL, NULL, "0000:03:00.0");
	/* Names add up, in their order, once each. */
	EXPECT(f, "eth1", "01:00.0", "02:00.0", "0000:02:00.0 0000:01:00.0");
}

static void vfs_of_a_pf(void **state)
{
	struct fixture *f = *state;

	EXPECT(f, "eth0/vf3", NULL, NULL, "0000:01:10.6");
	EXPECT(f, "0000:01:00.0/vf0", NULL, NULL, "0000:01:10.0");
	EXPECT(f, "01:00.0/vf0-1,3", NULL, NULL, "0000:01:10.0 0000:01:10.2 0000:01:10.6");
	EXPECT(f, "eth0/vf2,0", "eth1/vf1", NULL, "0000:01:10.4 0000:01:10.0 0000:02:10.2");
}

static void attributes(void **state)
{
	struct fixture *f = *state;

	EXPECT(f, "driver=vfio-pci", NULL, NULL, "0000:02:10.0 0000:02:10.2");
	EXPECT(f, "vendor=8086:10ca", "driver=igbvf", "path=pci-0000:01:10.[02]",
		"0000:01:10.0 0000:01:10.2");
	EXPECT(f, "kind=pf", NULL, NULL, "0000:01:00.0 0000:02:00.0 0000:03:00.0");
	EXPECT(f, "class=network", "kind=function", NULL, "0000:05:01.0 0000:05:02.0");
	EXPECT(f, "group=6", NULL, NULL, "0000:00:1f.0 0000:00:1f.2 0000:00:1f.3");
	EXPECT(f, "mac=52:54:00:aa:00:01", NULL, NULL, "0000:01:00.0");
	EXPECT(f, "driver=none", "class=bridge", "path=pci-0000:04:*", "0000:04:00.0");
	/* Attributes pick among the names. */
	EXPECT(f, "eth0/vf0-3", "eth1/vf0", "driver=vfio-pci", "0000:02:10.0");
	EXPECT(f, "driver=nobody", NULL, NULL, "");
	EXPECT(f, "numa=1", NULL, NULL, "");
}

static void everything(void **state)
{
	struct fixture *f = *state;
	autoselection s = { 0 };

	assert_int_equal(select_matching(f->h, f->inv, NULL, 0, &s, NULL), 0);
	assert_int_equal(s.n, f->inv->n_functions);
	assert_ptr_equal(s.v[5], &f->inv->functions[5]);
}

static void refused(
	struct fixture *f, const char *word, int code, enum problem_kind kind, const char *hint)
{
	autoproblem *p = NULL;
	autoselection s = { 0 };

	assert_int_equal(select_some(f->h, f->inv, &word, 1, &s, &p), code);
	assert_non_null(p);
	assert_int_equal(p->kind, kind);
	assert_int_equal(s.n, 0);
	if (!hint)
		return;
	assert_non_null(p->hint);
	if (!strstr(p->hint, hint))
		fail_msg("%s: hint is '%s'", word, p->hint);
}

static void refusals(void **state)
{
	struct fixture *f = *state;

	refused(f, "eht1", -ENOENT, PROBLEM_NOT_FOUND, "did you mean eth");
	refused(f, "1:10.1", -ENOENT, PROBLEM_NOT_FOUND, NULL);
	refused(f, "01:10.1", -ENOENT, PROBLEM_NOT_FOUND, "did you mean 0000:01:10.0");
	refused(f, "eth0/vf4", -ENOENT, PROBLEM_NOT_FOUND, "vfctl create eth0 5");
	refused(f, "eth0/vf0-7", -ENOENT, PROBLEM_NOT_FOUND, NULL);
	refused(f, "eth0/vf7", -ENOENT, PROBLEM_NOT_FOUND, "7 at most");
	refused(f, "eth4/vf0", -ENODEV, PROBLEM_UNSUPPORTED, NULL);
	refused(f, "eth2/vf0", -ENODEV, PROBLEM_UNSUPPORTED, "kind=pf");
	refused(f, "eth9/vf0", -ENOENT, PROBLEM_NOT_FOUND, NULL);
	refused(f, "", -ENOENT, PROBLEM_NOT_FOUND, NULL);
	refused(f, "driver=nobody", -ENOENT, PROBLEM_NOT_FOUND, NULL);
	refused(f, "drver=igb", -EINVAL, PROBLEM_USAGE, "did you mean driver=");
	refused(f, "frob=1", -EINVAL, PROBLEM_USAGE, "attributes are driver=, vendor=");
	refused(f, "=1", -EINVAL, PROBLEM_USAGE, NULL);
}

static void bad_words(void **state)
{
	static const char *const words[] = { "eth0/vf", "eth0/vf-", "eth0/vf1-", "eth0/vf-1",
		"eth0/vf3-1", "eth0/vf1,", "eth0/vf,1", "eth0/vfx", "eth0/vf0x1", "eth0/vf65536",
		"eth0/vf4294967296", "eth0/vf+1", "eth0/vf 1", "eth0/vf1/vf2",
		"vendor=", "vendor=x", "vendor=10000", "vendor=8086:", "vendor=8086:10000",
		"numa=-1", "numa=0x", "group=4294967295", "kind=port", "mac=52:54", "driver=" };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		refused(f, words[i], -EINVAL, PROBLEM_USAGE, "");
}

static void exactly_one(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL, *q = NULL;
	struct function *one = NULL;

	assert_int_equal(select_one(f->h, f->inv, "eth0", &one, NULL), 0);
	assert_string_equal(one->address, "0000:01:00.0");
	one = NULL;
	assert_int_equal(select_one(f->h, f->inv, "driver=vfio-pci", &one, &p), -ENOTUNIQ);
	assert_null(one);
	assert_int_equal(p->kind, PROBLEM_AMBIGUOUS);
	assert_string_equal(p->what, "driver=vfio-pci matches 2 functions");
	assert_string_equal(p->hint, "choose one of 0000:02:10.0, 0000:02:10.2");
	/* A long list is cut, and says so. */
	assert_int_equal(select_one(f->h, f->inv, "path=*", &one, &q), -ENOTUNIQ);
	assert_non_null(strstr(q->hint, " and 13 more"));
}

static void of_a_kind(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;
	struct function *one = NULL;

	assert_int_equal(select_pf(f->h, f->inv, "nvme0", &one, NULL), 0);
	assert_int_equal(select_pf(f->h, f->inv, "eth0/vf0", &one, &p), -ENODEV);
	assert_int_equal(p->kind, PROBLEM_UNSUPPORTED);
}

/* A name that reaches the kernel is asked for by every name that it may have. */
static void other_names(void **state)
{
	struct fixture *f = *state;
	struct host_ops ops = *f->h->ops;
	struct host h = { .ops = &ops, .captured = true };
	struct function *one = NULL;
	const char *word = "enp1s0np0-a-name-of-more-than-15-letters";

	ops.link_index = NULL;
	assert_int_equal(select_one(&h, f->inv, word, &one, NULL), -ENOENT);
}

static int eth1_has_another_name(struct host *h UNUSED, const char *name, int *ret)
{
	if (!str_eq(name, "storage-port"))
		return -ENOENT;
	*ret = 3;
	return 0;
}

static void alternative_names(void **state)
{
	struct fixture *f = *state;
	struct host_ops ops = *f->h->ops;
	struct host h = { .ops = &ops, .captured = true };
	struct function *one = NULL;

	ops.link_index = eth1_has_another_name;
	assert_int_equal(inventory_find_netdev(f->inv, "eth1")->netdevs[0].ifindex, 3);
	assert_int_equal(select_one(&h, f->inv, "storage-port", &one, NULL), 0);
	assert_string_equal(one->address, "0000:02:00.0");
	assert_int_equal(select_one(&h, f->inv, "storage-port/vf1", &one, NULL), 0);
	assert_string_equal(one->address, "0000:02:10.2");
}

static void every_attribute_explains_itself(void **state UNUSED)
{
	unsigned n = 0;

	for (; attribute_key(n); n++)
		assert_non_null(attribute_help(n));
	assert_true(n >= 9);
	assert_null(attribute_help(n));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(names),
		T(vfs_of_a_pf),
		T(attributes),
		T(everything),
		T(refusals),
		T(bad_words),
		T(exactly_one),
		T(of_a_kind),
		T(other_names),
		T(alternative_names),
		cmocka_unit_test(every_attribute_explains_itself),
	};

	return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
