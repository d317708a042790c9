// SPDX-License-Identifier: GPL-2.0-or-later
/* Pools of huge pages and NUMA nodes, on a machine of files. */
#include "cm.h"

#include "base/str.h"
#include "host/tree.h"
#include "launch/memory.h"

#include <stdio.h>
#include <string.h>

#define POOL_2M "/sys/kernel/mm/hugepages/hugepages-2048kB/"
#define POOL_1G "/sys/kernel/mm/hugepages/hugepages-1048576kB/"
#define NODE	"/sys/devices/system/node/"

struct env {
	struct host *h;
	struct tree *t;
	struct launch_request r;
	struct launch_plan p;
	struct launch_choice choice;
	struct function function;
	struct launch_memory m;
	struct problem *why;
	char *text;
};

static void put(struct env *e, const char *path, const char *text)
{
	assert_int_equal(tree_put_file(e->t, path, text, strlen(text), 0644), 0);
}

static int set_up(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	e->t = tree_new();
	put(e, POOL_2M "nr_hugepages", "600\n");
	put(e, POOL_2M "free_hugepages", "600\n");
	put(e, POOL_2M "resv_hugepages", "0\n");
	put(e, POOL_2M "nr_overcommit_hugepages", "0\n");
	put(e, POOL_2M "surplus_hugepages", "0\n");
	for (unsigned i = 0; i < 2; i++) {
		char path[128];

		snprintf(path, sizeof(path), NODE "node%u/meminfo", i);
		put(e, path, "Node 0 MemTotal:       8388608 kB\nNode 0 MemFree: 1 kB\n");
		snprintf(path, sizeof(path),
			NODE "node%u/hugepages/hugepages-2048kB/free_hugepages", i);
		put(e, path, i ? "100\n" : "500\n");
	}
	put(e, NODE "possible", "0-1\n");
	launch_request_init(&e->r);
	e->function.numa_node = 1;
	e->choice = (struct launch_choice) { .how = LAUNCH_VFIO, .function = &e->function };
	e->p = (struct launch_plan) { .v = &e->choice, .n = 1 };
	*state = e;
	return host_new_from_tree(e->t, &e->h, NULL);
}

static void forget(struct env *e)
{
	problem_free(e->why);
	free(e->text);
	e->why = NULL;
	e->text = NULL;
}

static int tear_down(void **state)
{
	struct env *e = *state;

	forget(e);
	host_free(e->h);
	free(e);
	return 0;
}

static int plan(struct env *e)
{
	int r;

	forget(e);
	r = launch_memory_plan(e->h, &e->r, &e->p, &e->m, &e->why);
	e->text = e->why ? problem_text(e->why) : NULL;
	return r;
}

static void says(struct env *e, const char *part, const char *hint)
{
	const char *got = problem_best_hint(e->why);

	if (!strstr(e->text, part))
		fail_msg("no \"%s\" in \"%s\"", part, e->text);
	if (hint && (!got || !strstr(got, hint)))
		fail_msg("no \"%s\" in the hint \"%s\"", hint, got ? got : "(none)");
}

static void memory_is_near_the_function(void **state)
{
	struct env *e = *state;

	assert_int_equal(plan(e), 0);
	assert_int_equal(e->m.node, 1);
	assert_false(e->m.only);
	e->function.numa_node = -1;
	assert_int_equal(plan(e), 0);
	assert_int_equal(e->m.node, -1);
	e->function.numa_node = 0;
	e->choice.how = LAUNCH_NET; /* it got the fallback */
	assert_int_equal(plan(e), 0);
	assert_int_equal(e->m.node, -1);
	e->choice.how = LAUNCH_VFIO;
	e->r.numa = LAUNCH_NUMA_OFF;
	assert_int_equal(plan(e), 0);
	assert_int_equal(e->m.node, -1);
	e->r.numa = LAUNCH_NUMA_AUTO;
	assert_int_equal(tree_remove(e->t, NODE "node1"), 0);
	assert_int_equal(plan(e), 0);
	assert_int_equal(e->m.node, -1); /* one node: nothing to choose */
}

static void a_node_that_was_named_must_be_there(void **state)
{
	struct env *e = *state;

	assert_int_equal(launch_set_numa(&e->r, "0", NULL), 0);
	assert_int_equal(plan(e), 0);
	assert_int_equal(e->m.node, 0);
	assert_true(e->m.only);
	e->r.memory_bytes = 9ULL << 30;
	assert_int_equal(plan(e), -ENOMEM);
	says(e, "NUMA node 0 has 8192 MiB in all, the guest needs 9216", NULL);
	assert_int_equal(launch_set_numa(&e->r, "2", NULL), 0);
	assert_int_equal(plan(e), -ENOENT);
	says(e, "no NUMA node 2", NULL);
}

static void a_pool_is_large_enough_or_that_is_told(void **state)
{
	struct env *e = *state;

	assert_int_equal(launch_set_huge_pages(&e->r, "2M", NULL), 0);
	e->r.memory_bytes = 1200ULL << 20;
	assert_int_equal(plan(e), 0);
	e->r.memory_bytes += 2 << 20;
	assert_int_equal(plan(e), -ENOMEM);
	assert_int_equal(e->why->kind, PROBLEM_NO_MEMORY);
	says(e, "the guest needs 601 huge pages of 2M, 600 can be had",
		"echo 601 >" POOL_2M "nr_hugepages");
	/* What others mapped is theirs, also while it is free. */
	e->r.memory_bytes = 1200ULL << 20;
	put(e, POOL_2M "resv_hugepages", "100\n");
	assert_int_equal(plan(e), -ENOMEM);
	says(e, "500 can be had (600 reserved, 600 of them free)", "echo 700 >");
	/* Some the kernel would make on demand. */
	put(e, POOL_2M "nr_overcommit_hugepages", "150\n");
	put(e, POOL_2M "surplus_hugepages", "50\n");
	assert_int_equal(plan(e), 0);
}

static void a_node_has_a_pool_of_its_own(void **state)
{
	struct env *e = *state;

	assert_int_equal(launch_set_huge_pages(&e->r, NULL, NULL), 0);
	assert_int_equal(launch_set_numa(&e->r, "1", NULL), 0);
	e->r.memory_bytes = 200ULL << 20;
	assert_int_equal(plan(e), 0);
	e->r.memory_bytes = 202ULL << 20;
	assert_int_equal(plan(e), -ENOMEM);
	says(e, "the guest needs 101 huge pages of 2M, NUMA node 1 has 100 free",
		"echo 101 >" NODE "node1/hugepages/hugepages-2048kB/nr_hugepages");
	/* Only a wish: the rest comes from elsewhere. */
	e->r.numa = LAUNCH_NUMA_AUTO;
	assert_int_equal(plan(e), 0);
	assert_int_equal(e->m.node, 1);
}

static void machines_have_no_pages_of_1G_or_some(void **state)
{
	struct env *e = *state;

	assert_int_equal(launch_set_huge_pages(&e->r, "1G", NULL), 0);
	e->r.memory_bytes = 2ULL << 30;
	assert_int_equal(plan(e), -EOPNOTSUPP);
	says(e, "no huge pages of 1G", NULL);
	put(e, POOL_1G "nr_hugepages", "1\n");
	put(e, POOL_1G "free_hugepages", "1\n");
	assert_int_equal(plan(e), -ENOMEM);
	says(e, "needs 2 huge pages of 1G, 1 can be had", "hugepagesz=1G");
	put(e, POOL_1G "free_hugepages", "2\n");
	assert_int_equal(plan(e), 0);
}

static void transparent_pages_may_be_off(void **state)
{
	struct env *e = *state;

	assert_int_equal(plan(e), 0);
	assert_false(e->m.no_thp);
	put(e, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	assert_int_equal(plan(e), 0);
	assert_false(e->m.no_thp);
	put(e, "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	assert_int_equal(plan(e), 0);
	assert_true(e->m.no_thp);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(memory_is_near_the_function),
		T(a_node_that_was_named_must_be_there),
		T(a_pool_is_large_enough_or_that_is_told),
		T(a_node_has_a_pool_of_its_own),
		T(machines_have_no_pages_of_1G_or_some),
		T(transparent_pages_may_be_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
