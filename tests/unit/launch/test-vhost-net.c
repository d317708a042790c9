// SPDX-License-Identifier: GPL-2.0-or-later
/* Which interfaces the kernel is to serve, and what happens where it cannot. */
#include "cm.h"

#include "base/attr.h"
#include "base/str.h"
#include "fakevfio/fakevfio.h"
#include "host/given.h"
#include "launch/net.h"
#include "launch/vhost-net.h"

#include <sys/eventfd.h>

struct env {
	struct fakevfio v; /* a machine without /dev/vhost-net */
	struct launch_request r;
	struct problem *why;
	unsigned used;
};

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	fakevfio_init(&e->v, NULL);
	launch_request_init(&e->r);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	host_forget_given(&e->v.host);
	launch_request_done(&e->r);
	problem_free(e->why);
	left = fakevfio_done(&e->v);
	free(e);
	return left ? -1 : 0;
}

static const struct launch_net *net(struct env *e, const char *text)
{
	assert_int_equal(launch_add_net(&e->r, text, NULL), 0);
	return &e->r.nets[e->r.n_nets - 1];
}

static int open_pairs(
	struct env *e, const char *text, unsigned pairs, struct launch_kernel_net *ret)
{
	return launch_open_vhost(&e->v.host, net(e, text), pairs, &e->used, ret, &e->why);
}

static void lend(struct env *e, const char *path)
{
	assert_int_equal(host_give(&e->v.host, path, eventfd(0, EFD_CLOEXEC)), 0);
}

static void what_only_the_vmm_can_is_not_wished_for(void **state)
{
	static const char *const here[] = { "tap=a,vhost=off", "tap=a,model=e1000",
		"tap=a,poll=adaptive", "tap=a,threads=queue", "tap=a,pin=1,vhost=auto",
		"tap=a,packed=on", "tap=a,in-order=on" };
	static const char *const there[] = { "tap=a", "tap=a,vhost=on", "bridge=b,vhost=auto",
		"macvtap=c,queues=8,vhost=on", "tap=a,vhost=on,packed=off,in-order=off" };

	for (size_t i = 0; i < ARRAY_SIZE(here); i++)
		assert_false(launch_wants_vhost(net(*state, here[i])));
	for (size_t i = 0; i < ARRAY_SIZE(there); i++)
		assert_true(launch_wants_vhost(net(*state, there[i])));
}

static void what_excludes_it_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "tap=a,vhost=", "auto, on or off" },
		{ "tap=a,vhost=yes", "auto, on or off" },
		{ "tap=a,model=e1000,vhost=on", "no model=e1000" },
		{ "tap=a,vhost=on,poll=adaptive", "a thread of the kernel" },
		{ "tap=a,vhost=on,pin=0", "a thread of the kernel" },
		{ "tap=a,threads=io,vhost=on", "a thread of the kernel" },
		{ "tap=a,vhost=on,packed=on", "split rings only" },
		{ "tap=a,vhost=on,in-order=on", "does not promise" },
		{ "vhost-user=/a,vhost=on", "no such key" },
	};
	struct env *e = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(launch_add_net(&e->r, cases[i].text, &e->why), -EINVAL);
		assert_non_null(strstr(e->why->what, cases[i].says));
		problem_free(TAKE_PTR(e->why));
	}
}

static void where_it_is_not_auto_does_without(void **state)
{
	struct env *e = *state;
	struct launch_kernel_net k;

	assert_int_equal(open_pairs(e, "tap=a", 2, &k), 0);
	assert_int_equal(k.n, 0);
	assert_non_null(strstr(k.why->what, "there is no vhost-net"));
	assert_string_equal(problem_best_hint(k.why), "modprobe vhost_net");
	launch_kernel_net_done(&e->v.host, &k);
	assert_int_equal(open_pairs(e, "tap=a,vhost=off", 2, &k), 0);
	assert_true(k.n == 0 && !k.why);
}

static void where_it_is_not_a_wish_fails(void **state)
{
	struct env *e = *state;
	struct launch_kernel_net k;

	assert_int_equal(open_pairs(e, "tap=a,vhost=on", 1, &k), -ENOENT);
	assert_int_equal(e->why->kind, PROBLEM_UNSUPPORTED);
	assert_string_equal(problem_best_hint(e->why), "modprobe vhost_net");
	assert_true(k.n == 0 && !k.why);
}

/* One for each pair of all interfaces; half of one interface is none. */
static void what_was_lent_is_used_in_turn(void **state)
{
	struct env *e = *state;
	struct launch_kernel_net k[3];

	lend(e, "/dev/vhost-net");
	lend(e, "/dev/vhost-net#1");
	lend(e, "/dev/vhost-net#2");
	lend(e, "/dev/vhost-net#3");
	assert_int_equal(open_pairs(e, "tap=a", 1, &k[0]), 0);
	assert_int_equal(open_pairs(e, "tap=b", 2, &k[1]), 0);
	assert_int_equal(open_pairs(e, "tap=c", 2, &k[2]), 0);
	assert_int_equal(k[0].n, 1);
	assert_int_equal(k[1].n, 2);
	assert_int_not_equal(k[1].fds[0], k[1].fds[1]);
	assert_int_equal(k[2].n, 0);
	assert_non_null(k[2].why);
	for (size_t i = 0; i < ARRAY_SIZE(k); i++)
		launch_kernel_net_done(&e->v.host, &k[i]);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_only_the_vmm_can_is_not_wished_for),
		T(what_excludes_it_is_refused),
		T(where_it_is_not_auto_does_without),
		T(where_it_is_not_a_wish_fails),
		T(what_was_lent_is_used_in_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
