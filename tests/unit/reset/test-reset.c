// SPDX-License-Identifier: GPL-2.0-or-later
/* Resets: who goes along, who is spared, and what is left behind. */
#include "cm.h"
#include "machine.h"
#include "made/made.h"
#include "fake/fake.h"
#include "reset/reset.h"

struct scene {
	struct host *h;
	struct inventory *inv;
	struct topology *t;
	char dir[32]; /* "": none */
};

static void look(struct scene *s)
{
	assert_int_equal(inventory_load(s->h, 0, &s->inv, NULL), 0);
	assert_int_equal(topology_load(s->h, s->inv, &s->t, NULL), 0);
}

static void set_links_up(const struct scene *s, bool up)
{
	for (size_t i = 0; i < s->inv->n_functions; i++) {
		autofree struct netdev *v = NULL;
		size_t n = 0;

		assert_int_equal(netdevs_of(s->h, s->inv->functions[i].bdf, &v, &n), 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(host_link_set_up(s->h, v[k].ifindex, up), 0);
	}
	fake_log_clear(s->h);
}

static struct scene kernel(const char *capture)
{
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", capture);
	struct scene s = { .h = fake_kernel_new(path) };

	look(&s);
	set_links_up(&s, true);
	return s;
}

static struct scene made(const char *text)
{
	struct scene s = { .dir = "/tmp/vfctl-reset-XXXXXX" };

	assert_non_null(mkdtemp(s.dir));
	assert_int_equal(made_machine(s.dir, text), 0);
	assert_int_equal(host_new_captured(s.dir, &s.h, NULL), 0);
	look(&s);
	return s;
}

static void done(struct scene *s)
{
	autofree char *clean = str_printf("rm -rf '%s'", s->dir);

	topology_free(s->t);
	inventory_free(s->inv);
	host_free(s->h);
	if (*s->dir)
		assert_int_equal(system(clean), 0);
}
#define autoscene CLEANUP(done) struct scene

static const struct function *function(const struct scene *s, const char *address)
{
	struct function *f = inventory_find_bdf(s->inv, at(address));

	assert_non_null(f);
	return f;
}

static struct reset_plan plan(const struct scene *s, const char *address, const char *method)
{
	autoproblem *p = NULL;
	struct reset_plan plan;

	assert_int_equal(reset_plan(s->h, s->t, function(s, address), method, &plan, &p), 0);
	assert_null(p);
	return plan;
}

static void assert_refused(
	const struct scene *s, const char *address, const char *method, int code, const char *part)
{
	autoproblem *p = NULL;
	autofree char *text = NULL, *all = NULL;
	struct reset_plan plan;

	assert_int_equal(reset_plan(s->h, s->t, function(s, address), method, &plan, &p), code);
	assert_int_equal(p->kind, PROBLEM_UNSUPPORTED);
	text = problem_text(p);
	all = str_printf("%s; %s", text, problem_best_hint(p) ? problem_best_hint(p) : "");
	if (!strstr(all, part))
		fail_msg("'%s' is not in '%s'", part, all);
}

/* With consent: the captured functions have their host drivers. */
static int reset(
	const struct scene *s, const char *address, const char *method, struct problem **reterr)
{
	struct reset_opts opts = { .force = true };
	autoresetplan p = plan(s, address, method);

	return reset_do(s->h, &p, &opts, reterr);
}

static int reset_without_consent(
	const struct scene *s, const char *address, const char *method, struct problem **reterr)
{
	struct reset_opts opts = { .force = false };
	autoresetplan p = plan(s, address, method);

	return reset_do(s->h, &p, &opts, reterr);
}

static void a_vf_is_reset_alone(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoresetplan p = plan(&s, "0000:01:10.2", NULL);

	assert_int_equal(p.n_set, 1);
	assert_string_equal(p.method, "flr");
	assert_false(p.must_set);
	assert_int_equal(reset(&s, "0000:01:10.2", NULL, NULL), 1);
	assert_int_equal(fake_resets(s.h, "0000:01:10.2"), 1);
	assert_string_equal(fake_log(s.h), "write /sys/bus/pci/devices/0000:01:10.2/reset 1\n");
	assert_int_equal(fake_hangs(s.h), 0);
}

static void a_pf_takes_its_vfs_along(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoresetplan p = plan(&s, "0000:01:00.0", "pm");

	assert_int_equal(p.n_set, 5);
	assert_string_equal(p.set[0]->address, "0000:01:00.0");
	assert_string_equal(p.set[4]->address, "0000:01:10.6");
	assert_true(p.must_set);
}

static void a_chosen_method_is_put_back(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autofree char *left = NULL;

	assert_int_equal(reset(&s, "0000:02:00.0", "pm", NULL), 1);
	assert_string_equal(fake_reset_method(s.h, "0000:02:00.0"), "pm");
	left = fake_text(s.h, "/sys/bus/pci/devices/0000:02:00.0/reset_method");
	assert_string_equal(left, "flr pm bus");
}

static void also_after_a_failure(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autofree char *left = NULL;
	autoproblem *p = NULL;

	fake_fail_nth(s.h, FAKE_WRITE, 2, -ENOTTY);
	assert_int_equal(reset(&s, "0000:02:00.0", "bus", &p), -ENOTTY);
	assert_int_equal(p->kind, PROBLEM_UNSUPPORTED);
	assert_non_null(strstr(p->what, "reset by bus failed"));
	assert_non_null(strstr(p->what, "no method worked"));
	left = fake_text(s.h, "/sys/bus/pci/devices/0000:02:00.0/reset_method");
	assert_string_equal(left, "flr pm bus");
	assert_int_equal(fake_resets(s.h, "0000:02:00.0"), 0);
}

static void what_cannot_be_put_back_is_told(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL;

	fake_fail_nth(s.h, FAKE_WRITE, 3, -EIO);
	assert_int_equal(reset(&s, "0000:02:00.0", "pm", &p), -EIO);
	assert_int_equal(fake_resets(s.h, "0000:02:00.0"), 1);
	assert_non_null(strstr(p->what, "was reset, but"));
	assert_non_null(strstr(problem_best_hint(p), "flr pm bus"));
}

static void what_the_kernel_refuses_is_clear(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL;

	fake_fail_nth(s.h, FAKE_WRITE, 1, -EINVAL);
	assert_int_equal(reset(&s, "0000:02:00.0", "pm", &p), -EINVAL);
	assert_int_equal(p->kind, PROBLEM_UNSUPPORTED);
	assert_string_equal(problem_best_hint(p), "what it has: flr pm bus");
	assert_int_equal(fake_resets(s.h, "0000:02:00.0"), 0);
	assert_refused(&s, "0000:03:00.0", "pm", -EINVAL, "what it has: flr bus");
	assert_refused(&s, "0000:03:00.0", "fl", -EINVAL, "what it has: flr bus");
	assert_refused(&s, "0000:00:1f.2", NULL, -EOPNOTSUPP, "no way to be reset");
}

static void a_held_member_stops_it(void **state UNUSED)
{
	static const char *const fds[] = { "/dev/vfio/vfio", "/dev/vfio/15", NULL };
	autoscene s = kernel("s2-vfio");
	autoproblem *p = NULL, *again = NULL;

	fake_hold(s.h, "0000:02:10.0");
	fake_process(s.h, 4711, "qemu-system-x86 -name web1", fds);
	assert_int_equal(reset_without_consent(&s, "0000:02:00.0", NULL, &p), -EBUSY);
	assert_int_equal(p->kind, PROBLEM_IN_USE);
	assert_non_null(strstr(p->what, "0000:02:10.0: pid 4711"));
	assert_non_null(strstr(p->what, "2 more with it"));
	/* Nor by consent. */
	assert_int_equal(reset(&s, "0000:02:00.0", NULL, &again), -EBUSY);
	assert_string_equal(fake_log(s.h), "");
	assert_int_equal(fake_hangs(s.h), 0);
	/* Its neighbour is nobody's. */
	assert_int_equal(reset_without_consent(&s, "0000:02:10.2", NULL, NULL), 1);
}

static void what_the_host_uses_needs_consent(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL;

	fake_put(s.h,
		"Iface\tDestination\tGateway\neth1\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\n",
		"/proc/self/net/route");
	assert_int_equal(reset_without_consent(&s, "0000:02:00.0", NULL, &p), -EBUSY);
	assert_non_null(strstr(p->what, "default route"));
	assert_int_equal(fake_resets(s.h, "0000:02:00.0"), 0);
	assert_int_equal(reset(&s, "0000:02:00.0", NULL, NULL), 1);
	assert_int_equal(fake_resets(s.h, "0000:02:00.0"), 1);
}

static void a_host_driver_needs_consent(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL, *all = NULL;

	assert_int_equal(reset_without_consent(&s, "0000:02:00.0", NULL, &p), -EBUSY);
	assert_int_equal(p->kind, PROBLEM_IN_USE);
	assert_non_null(strstr(p->what, "0000:02:00.0 (igb)"));
	/* Those of VFs that go along, too. */
	assert_int_equal(reset_without_consent(&s, "0000:01:00.0", NULL, &all), -EBUSY);
	assert_non_null(strstr(all->what, "0000:01:10.0 (igbvf)"));
	assert_string_equal(fake_log(s.h), "");
	assert_int_equal(reset(&s, "0000:02:00.0", NULL, NULL), 1);
}

/* The kernel would wait in napi_disable() for ever, and hold the bridge's lock meanwhile. */
static void igbvf_is_not_reset_while_it_is_down(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL, *bus = NULL;

	set_links_up(&s, false);
	assert_int_equal(reset(&s, "0000:01:10.2", NULL, &p), -EBUSY);
	assert_non_null(strstr(p->what, "is down"));
	assert_non_null(strstr(problem_best_hint(p), "vfctl unbind 0000:01:10.2"));
	assert_int_equal(reset(&s, "0000:01:00.0", "bus", &bus), -EBUSY);
	assert_non_null(strstr(bus->what, "0000:01:10.0: igbvf"));
	assert_string_equal(fake_log(s.h), "");
	set_links_up(&s, true);
	assert_int_equal(reset(&s, "0000:01:10.2", NULL, NULL), 1);
}

static void a_driver_gets_time_to_start_again(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");

	fake_reset_breaks(s.h, "0000:02:00.0", false, 900);
	assert_int_equal(reset(&s, "0000:02:00.0", NULL, NULL), 1);
}

static void what_does_not_come_back_is_told(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL, *dead = NULL;

	fake_reset_breaks(s.h, "0000:02:00.0", false, 0);
	assert_int_equal(reset(&s, "0000:02:00.0", NULL, &p), -EIO);
	assert_int_equal(p->kind, PROBLEM_DRIFT);
	assert_non_null(strstr(p->what, "its command register is 0000, was 0"));
	fake_reset_breaks(s.h, "0000:01:10.4", true, 0);
	assert_int_equal(reset(&s, "0000:01:10.4", NULL, &dead), -EIO);
	assert_non_null(strstr(dead->what, "all ones"));
}

/* The kernel restores a PF that it resets, but not its VFs: idle ones are as good as before. */
static void a_vf_that_follows_may_lose_its_command_register(void **state UNUSED)
{
	autoscene idle = kernel("s2-vfio"), busy = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL, *dead = NULL;

	assert_int_equal(reset(&idle, "0000:02:00.0", NULL, NULL), 1);
	fake_reset_breaks(idle.h, "0000:02:00.0", true, 0);
	assert_int_equal(reset(&idle, "0000:02:00.0", NULL, &dead), -EIO);
	/* One with a driver at work is not. */
	assert_int_equal(reset(&busy, "0000:01:00.0", NULL, &p), -EIO);
	assert_int_equal(p->kind, PROBLEM_DRIFT);
	assert_non_null(strstr(p->what, "0000:01:10.0 has not"));
}

static void a_write_that_hangs_ends(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoproblem *p = NULL;
	autofree char *left = NULL;

	fake_fail_nth(s.h, FAKE_WRITE, 2, -ETIMEDOUT);
	assert_int_equal(reset(&s, "0000:02:00.0", "pm", &p), -ETIMEDOUT);
	assert_int_equal(p->kind, PROBLEM_TIMEOUT);
	left = fake_text(s.h, "/sys/bus/pci/devices/0000:02:00.0/reset_method");
	assert_string_equal(left, "flr pm bus");
}

/* The PF's VFs are on its bus, so that the kernel would refuse "bus" for the PF itself. */
static void a_shared_bus_goes_through_its_bridge(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");
	autoresetplan p = plan(&s, "0000:01:10.0", "bus");

	assert_string_equal(p.bridge->address, "0000:00:01.0");
	assert_int_equal(p.n_set, 5);
	assert_int_equal(reset(&s, "0000:01:10.0", "bus", NULL), 1);
	assert_string_equal(fake_reset_method(s.h, "0000:01:00.0"), "subordinate");
	fake_vanish(s.h, "/sys/devices/pci0000:00/0000:00:01.0/reset_subordinate");
	assert_refused(&s, "0000:01:10.0", "bus", -EINVAL, "resets no whole bus");
}

static void a_bus_is_all_that_hangs_below_it(void **state UNUSED)
{
	autoscene s = made("0000:00:01.0 pci0000:00 type=root group=1\n"
			   "0000:01:00.0 0000:00:01.0 type=up group=1\n"
			   "0000:02:00.0 0000:01:00.0 type=down group=1\n"
			   "0000:03:00.0 0000:02:00.0 group=1 reset=bus vfs=4:8:1\n"
			   "vfs 0000:03:00.0 2 at=100:1 group=1/\n"
			   "0000:02:01.0 0000:01:00.0 type=down group=1\n"
			   "0000:05:00.0 0000:02:01.0 group=1 reset=bus\n"
			   "0000:05:00.1 0000:02:01.0 mf group=1 reset=bus\n"
			   "0000:06:00.0 pci0000:00 group=2 reset=bus\n");
	autoresetplan one = plan(&s, "0000:03:00.0", NULL);

	/* VFs on a bus of their own do not keep the kernel from it, but are reset along. */
	assert_string_equal(one.method, "bus");
	assert_int_equal(one.n_set, 3);
	assert_null(one.bridge);
	assert_refused(&s, "0000:05:00.0", NULL, -EOPNOTSUPP, "--method bus");
	assert_refused(&s, "0000:05:00.0", "bus", -EINVAL, "others share its bus");
	assert_refused(&s, "0000:06:00.0", "bus", -EINVAL, "root bus");
}

static void an_old_kernel_is_asked_all_the_same(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");

	fake_vanish(s.h, "/sys/devices/pci0000:00/0000:00:01.0/0000:01:10.0/reset_method");
	autoresetplan p = plan(&s, "0000:01:10.0", NULL);
	assert_null(p.method);
	assert_int_equal(p.n_set, 1);
	assert_refused(&s, "0000:01:10.0", "flr", -EINVAL, "lets nobody choose");
	fake_vanish(s.h, "/sys/devices/pci0000:00/0000:00:01.0/0000:01:10.0/reset");
	assert_refused(&s, "0000:01:10.0", NULL, -EOPNOTSUPP, "no way");
}

/* An administrator has switched them off: none is used behind his back. */
static void methods_switched_off_stay_off(void **state UNUSED)
{
	autoscene s = kernel("s1-igb4-igbvf");

	fake_put(s.h, "\n", "/sys/bus/pci/devices/0000:02:00.0/reset_method");
	assert_refused(&s, "0000:02:00.0", NULL, -EOPNOTSUPP, "no way");
	assert_refused(&s, "0000:02:00.0", "flr", -EINVAL, "cannot be reset by flr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vf_is_reset_alone),
		cmocka_unit_test(a_pf_takes_its_vfs_along),
		cmocka_unit_test(a_chosen_method_is_put_back),
		cmocka_unit_test(also_after_a_failure),
		cmocka_unit_test(what_cannot_be_put_back_is_told),
		cmocka_unit_test(what_the_kernel_refuses_is_clear),
		cmocka_unit_test(a_held_member_stops_it),
		cmocka_unit_test(what_the_host_uses_needs_consent),
		cmocka_unit_test(a_host_driver_needs_consent),
		cmocka_unit_test(igbvf_is_not_reset_while_it_is_down),
		cmocka_unit_test(a_driver_gets_time_to_start_again),
		cmocka_unit_test(what_does_not_come_back_is_told),
		cmocka_unit_test(a_vf_that_follows_may_lose_its_command_register),
		cmocka_unit_test(a_write_that_hangs_ends),
		cmocka_unit_test(a_shared_bus_goes_through_its_bridge),
		cmocka_unit_test(a_bus_is_all_that_hangs_below_it),
		cmocka_unit_test(an_old_kernel_is_asked_all_the_same),
		cmocka_unit_test(methods_switched_off_stay_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
