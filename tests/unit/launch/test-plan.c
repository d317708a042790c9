// SPDX-License-Identifier: GPL-2.0-or-later
/* Decisions on captured machines. */
#include "cm.h"

#include "base/str.h"
#include "host/devlink.h"
#include "host/tree.h"
#include "identity/identity.h"
#include "launch/plan.h"

#include <linux/devlink.h>
#include <stdio.h>

struct env {
	struct host *h;
	struct inventory *inv;
	struct launch_request r;
	struct launch_plan p;
	struct problem *why;
};

static struct env open_env(const char *tar)
{
	struct env e = { 0 };
	autofree char *path = str_printf(HOSTS_DIR "/%s.tar.gz", tar);

	assert_int_equal(host_new_captured(path, &e.h, NULL), 0);
	assert_int_equal(inventory_load(e.h, INVENTORY_GROUPS, &e.inv, NULL), 0);
	launch_request_init(&e.r);
	return e;
}

static void close_env(struct env *e)
{
	launch_plan_done(&e->p);
	launch_request_done(&e->r);
	inventory_free(e->inv);
	host_free(e->h);
	problem_free(e->why);
}
#define autoenv CLEANUP(close_env) struct env

static int plan(struct env *e, const char *const *vfs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(launch_add_vf(&e->r, vfs[i], NULL), 0);
	return launch_plan_make(e->h, e->inv, &e->r, NULL, NULL, &e->p, &e->why);
}
#define PLAN(e, ...)                                                                               \
	plan(e, (const char *const[]) { __VA_ARGS__ },                                             \
		ARRAY_SIZE(((const char *const[]) { __VA_ARGS__ })))

static void refused(
	const char *tar, const char *vf, int code, enum problem_kind kind, const char *part)
{
	autoenv e = open_env(tar);
	autofree char *text = NULL;

	assert_int_equal(PLAN(&e, vf), code);
	assert_int_equal(e.why->kind, kind);
	text = problem_text(e.why);
	if (!strstr(text, part))
		fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void a_vf_on_vfio_is_given(void **state)
{
	autoenv e = open_env("s2-vfio");

	(void)state;
	assert_int_equal(PLAN(&e, "0000:02:00.0/vf0", "0000:02:10.2"), 0);
	assert_int_equal(e.p.v[0].how, LAUNCH_VFIO);
	assert_string_equal(e.p.v[0].function->address, "0000:02:10.0");
	assert_string_equal(e.p.v[1].function->address, "0000:02:10.2");
	assert_null(e.p.v[0].why);
	assert_true(launch_plan_has_vfio(&e.p));
}

static void without_a_fallback_the_reason_is_told(void **state)
{
	(void)state;
	refused("s2-vfio", "eth0/vf0", -ENODEV, PROBLEM_NOT_BOUND_TO_VFIO,
		"eth0/vf0: 0000:01:10.0 is driven by igbvf");
	refused("s4-nvme-vf", "0000:03:00.1", -ENODEV, PROBLEM_NOT_BOUND_TO_VFIO,
		"0000:03:00.1 has no driver");
	refused("s3-nonviable", "05:01.0", -EPERM, PROBLEM_GROUP_NOT_VIABLE,
		"0000:05:02.0 (e1000)");
	refused("s0-pf-only", "0000:77:00.0", -ENOENT, PROBLEM_NOT_FOUND, "0000:77:00.0");
	refused("s0-pf-only", "0000:00:01.0", -EINVAL, PROBLEM_NOT_ASSIGNABLE, "is a bridge");
	refused("s2-vfio", "eth0/vf0-1", -ENODEV, PROBLEM_NOT_BOUND_TO_VFIO,
		"none of 2 functions can be had: 0000:01:10.0 is driven by igbvf");
}

static void with_one_the_guest_gets_it(void **state)
{
	autoenv e = open_env("s3-nonviable");
	autofree char *net = NULL, *disk = NULL;

	(void)state;
	assert_int_equal(
		PLAN(&e, "05:01.0,fallback=virtio-net:tap0", "nvme0/vf0,fallback=virtio-blk:d.img"),
		0);
	assert_int_equal(e.p.v[0].how, LAUNCH_NET);
	assert_int_equal(e.p.v[0].why->kind, PROBLEM_GROUP_NOT_VIABLE);
	assert_int_equal(e.p.v[1].how, LAUNCH_DISK);
	assert_int_equal(e.p.v[1].why->kind, PROBLEM_NOT_FOUND);
	assert_null(e.p.v[1].function);
	assert_false(launch_plan_has_vfio(&e.p));
	assert_string_equal(net = launch_choice_text(&e.p.v[0]), "virtio-net on tap0");
	assert_string_equal(disk = launch_choice_text(&e.p.v[1]), "virtio-blk on d.img");
}

/* The machine's operations, to be changed for one test. */
static struct host_ops *own_ops(struct env *e)
{
	static struct host_ops ops;

	ops = *e->h->ops;
	e->h->ops = &ops;
	return &ops;
}

/* Another request to the same machine. */
static void ask_anew(struct env *e)
{
	launch_plan_done(&e->p);
	launch_request_done(&e->r);
	launch_request_init(&e->r);
}

static struct host_vf known_vfs[4];

static int tell_vfs(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n)
{
	(void)h;
	(void)ifindex;
	*ret = calloc(4, sizeof(**ret));
	assert_non_null(*ret);
	memcpy(*ret, known_vfs, sizeof(known_vfs));
	*ret_n = 4;
	return 0;
}

/* A standby has the VF's address, as the PF knows it; without the VF it is all that there is. */
static void a_standby_has_the_address_of_the_vf(void **state)
{
	autoenv e = open_env("s2-vfio");

	(void)state;
	own_ops(&e)->link_vfs = tell_vfs;
	for (unsigned i = 0; i < 4; i++)
		known_vfs[i] = (struct host_vf) { .vf = i };
	known_vfs[1].mac = (struct mac) { { 2, 0, 0, 0, 0, 7 } };
	assert_int_equal(PLAN(&e, "0000:02:00.0/vf1,standby=bridge:br0"), 0);
	assert_int_equal(e.p.v[0].how, LAUNCH_VFIO);
	assert_int_equal(e.p.v[0].mac.b[5], 7);
	launch_plan_done(&e.p);
	known_vfs[1].mac = (struct mac) { 0 };
	assert_int_equal(PLAN(&e, "0000:02:00.0/vf1,standby=bridge:br0"), -EINVAL);
	assert_int_equal(e.why->kind, PROBLEM_USAGE);
	assert_non_null(strstr(problem_best_hint(e.why), "mac=ADDRESS"));
}

static int tell_nothing(struct host *h UNUSED, int ifindex UNUSED, struct host_vf **ret UNUSED,
	size_t *ret_n UNUSED)
{
	return -EOPNOTSUPP;
}

/* Where the host does not know it, whoever starts the guest may. */
static void a_standby_has_the_address_that_was_said(void **state)
{
	autoenv e = open_env("s2-vfio");

	(void)state;
	own_ops(&e)->link_vfs = tell_nothing;
	/* The standby alone. */
	assert_int_equal(PLAN(&e, "0000:02:00.0/vf1,standby=bridge:br0"), 0);
	assert_int_equal(e.p.v[0].how, LAUNCH_NET);
	assert_string_equal(problem_best_hint(e.p.v[0].why),
		"standby-mac=ADDRESS, as its driver in the guest will find it");
	ask_anew(&e);
	assert_int_equal(
		PLAN(&e, "0000:02:00.0/vf1,standby=bridge:br0,standby-mac=02:00:00:00:00:09"), 0);
	assert_int_equal(e.p.v[0].mac.b[5], 9);
	ask_anew(&e);
	own_ops(&e)->link_vfs = tell_vfs;
	known_vfs[1] = (struct host_vf) { .vf = 1, .mac = { { 2, 0, 0, 0, 0, 7 } } };
	assert_int_equal(
		PLAN(&e, "0000:02:00.0/vf1,standby=bridge:br0,standby-mac=02:00:00:00:00:09"),
		-EINVAL);
	assert_non_null(strstr(e.why->what, "has the address 02:00:00:00:00:07, not"));
}

static int known_mode;

static int tell_ports(
	struct host *h UNUSED, const char *dev, struct devlink_port **ret, size_t *ret_n)
{
	struct devlink_port *v = calloc(2, sizeof(*v));

	assert_non_null(v);
	assert_string_equal(dev, "pci/0000:02:00.0");
	if (known_mode != DEVLINK_ESWITCH_MODE_SWITCHDEV) {
		free(v);
		return -EOPNOTSUPP;
	}
	for (int i = 0; i < 2; i++) {
		v[i] = (struct devlink_port) { .flavour = DEVLINK_PORT_FLAVOUR_PCI_VF,
			.vf_number = i };
		snprintf(v[i].netdev, sizeof(v[i].netdev), "rep%d", i);
	}
	*ret = v;
	*ret_n = 2;
	return 0;
}

/* The host's end of the VF's own wire, where the card's switch shows it. */
static void a_representor_is_found(void **state)
{
	static struct devlink_ops devlink = { .ports = tell_ports };
	autoenv e = open_env("s2-vfio");

	(void)state;
	refused("s2-vfio", "0000:02:00.0/vf1,representor=bridge:br0", -EROFS, PROBLEM_UNSUPPORTED,
		"0000:02:10.2 has no representor");
	own_ops(&e)->devlink = &devlink;
	known_mode = DEVLINK_ESWITCH_MODE_LEGACY;
	assert_int_equal(PLAN(&e, "0000:02:00.0/vf1,representor=ovs:sw0"), -EOPNOTSUPP);
	assert_non_null(strstr(problem_best_hint(e.why), "eswitch-mode=switchdev"));
	launch_request_done(&e.r);
	launch_request_init(&e.r);
	known_mode = DEVLINK_ESWITCH_MODE_SWITCHDEV;
	assert_int_equal(PLAN(&e, "0000:02:00.0/vf1,representor=ovs:sw0", "0000:02:00.0/vf0"), 0);
	assert_string_equal(e.p.v[0].representor, "rep1");
	assert_string_equal(e.p.v[1].representor, "");
}

static void without_the_vf_there_is_its_standby(void **state)
{
	autoenv e = open_env("s2-vfio");

	(void)state;
	assert_int_equal(PLAN(&e, "eth0/vf0,standby=bridge:br0"), 0);
	assert_int_equal(e.p.v[0].how, LAUNCH_NET);
	assert_true(mac_is_zero(e.p.v[0].mac));
}

static void a_mistake_is_no_reason_to_fall_back(void **state)
{
	(void)state;
	refused("s2-vfio", "colour=red,fallback=virtio-net:tap0", -EINVAL, PROBLEM_USAGE, "colour");
}

/* A range or an attribute means any of them: the first that is free, each only once. */
static void of_several_the_first_that_can_be_had(void **state)
{
	autoenv e = open_env("s2-vfio");

	(void)state;
	assert_int_equal(
		PLAN(&e, "eth1/vf0-1", "class=network", "driver=vfio-pci,fallback=virtio-net:tap0"),
		0);
	assert_string_equal(e.p.v[0].function->address, "0000:02:10.0");
	assert_string_equal(e.p.v[1].function->address, "0000:02:10.2");
	assert_int_equal(e.p.v[2].how, LAUNCH_NET);
	assert_int_equal(e.p.v[2].why->kind, PROBLEM_IN_USE);
	assert_null(e.p.v[2].function);
}

static int lend_second(
	void *arg, const struct selection *s, struct bdf *ret, struct problem **reterr)
{
	unsigned *asked = arg;

	if ((*asked)++)
		return problem(reterr, -EACCES, PROBLEM_PERMISSION, NULL, "not for you");
	*ret = s->v[s->n - 1]->bdf;
	return 0;
}

/* Who lends them decides, whatever they are bound to now; what he refuses falls back. */
static void functions_are_lent(void **state)
{
	autoenv e = open_env("s2-vfio");
	unsigned asked = 0;

	(void)state;
	assert_int_equal(launch_add_vf(&e.r, "eth0/vf0-1", NULL), 0);
	assert_int_equal(launch_add_vf(&e.r, "eth0/vf0,fallback=virtio-net:tap0", NULL), 0);
	assert_int_equal(launch_plan_make(e.h, e.inv, &e.r, lend_second, &asked, &e.p, &e.why), 0);
	assert_int_equal(e.p.v[0].how, LAUNCH_VFIO);
	assert_string_equal(e.p.v[0].function->address, "0000:01:10.2");
	assert_int_equal(e.p.v[1].how, LAUNCH_NET);
	assert_int_equal(e.p.v[1].why->kind, PROBLEM_PERMISSION);
	assert_int_equal(asked, 2);
	/* Without a fallback that is the end; and a mistake is not even asked about. */
	launch_plan_done(&e.p);
	assert_int_equal(launch_add_vf(&e.r, "eth0/vf1", NULL), 0);
	assert_int_equal(
		launch_plan_make(e.h, e.inv, &e.r, lend_second, &asked, &e.p, &e.why), -EACCES);
	problem_free(TAKE_PTR(e.why));
	launch_request_done(&e.r);
	launch_request_init(&e.r);
	asked = 0;
	assert_int_equal(launch_add_vf(&e.r, "colour=red", NULL), 0);
	assert_int_equal(
		launch_plan_make(e.h, e.inv, &e.r, lend_second, &asked, &e.p, &e.why), -EINVAL);
	assert_int_equal(asked, 0);
}

static void a_function_is_given_once(void **state)
{
	autoenv e = open_env("s2-vfio");

	(void)state;
	assert_int_equal(PLAN(&e, "02:10.0", "0000:02:00.0/vf0,fallback=virtio-net:tap0"), 0);
	assert_int_equal(e.p.v[1].how, LAUNCH_NET);
	assert_int_equal(e.p.v[1].why->kind, PROBLEM_IN_USE);
}

/* Where a card was configured, and another one stands: its VFs are not what the guest should get.
 */
static void of_another_card_nothing_is_given(void **state)
{
	static const char record[] =
		"Vendor=8086\nDevice=10c9\nPermanentMACAddress=52:54:00:bb:bb:bb\n";
	struct tree *t = tree_new();
	autoenv e = { 0 };

	(void)state;
	assert_int_equal(tree_load_tar(t, HOSTS_DIR "/s2-vfio.tar.gz", NULL), 0);
	assert_int_equal(
		tree_put_file(t, IDENTITY_DIR "/0000:02:00.0", record, sizeof(record) - 1, 0644),
		0);
	assert_int_equal(host_new_from_tree(t, &e.h, NULL), 0);
	assert_int_equal(inventory_load(e.h, INVENTORY_GROUPS, &e.inv, NULL), 0);
	launch_request_init(&e.r);
	e.r.identity_dir = IDENTITY_DIR;
	assert_int_equal(PLAN(&e, "02:10.0"), -ESTALE);
	assert_int_equal(e.why->kind, PROBLEM_DRIFT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vf_on_vfio_is_given),
		cmocka_unit_test(without_a_fallback_the_reason_is_told),
		cmocka_unit_test(with_one_the_guest_gets_it),
		cmocka_unit_test(a_standby_has_the_address_of_the_vf),
		cmocka_unit_test(a_standby_has_the_address_that_was_said),
		cmocka_unit_test(a_representor_is_found),
		cmocka_unit_test(without_the_vf_there_is_its_standby),
		cmocka_unit_test(a_mistake_is_no_reason_to_fall_back),
		cmocka_unit_test(of_several_the_first_that_can_be_had),
		cmocka_unit_test(functions_are_lent),
		cmocka_unit_test(a_function_is_given_once),
		cmocka_unit_test(of_another_card_nothing_is_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
