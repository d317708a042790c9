// SPDX-License-Identifier: GPL-2.0-or-later
/* VF attributes: the table, and setting them on a driver that takes some and refuses others. */
#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "netdev/netdev.h"
#include "netdev/vfattr.h"

#include <linux/if_ether.h>

#define PF "0000:01:00.0"

struct fixture {
	struct host *h;
	int ifindex;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	autofree struct netdev *devs = NULL;
	size_t n;

	f->h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(netdevs_of(f->h, at(PF), &devs, &n), 0);
	assert_int_equal(n, 1);
	f->ifindex = devs[0].ifindex;
	assert_int_equal(host_link_set_up(f->h, f->ifindex, true), 0);
	host_sleep_ms(f->h, 5000);
	fake_log_clear(f->h);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	host_free(f->h);
	free(f);
	return 0;
}

static struct vfattr_wish wish(const char *text)
{
	struct vfattr_wish w;

	assert_int_equal(vfattr_parse(text, &w, NULL), 0);
	return w;
}

static char *now(struct fixture *f, unsigned index, const char *name)
{
	autofree struct host_vf *vfs = NULL;
	size_t n;

	assert_int_equal(host_link_vfs(f->h, f->ifindex, &vfs, &n), 0);
	assert_true(index < n);
	return vfattr_format(vfattr_find(name), &vfs[index]);
}

static void assert_now(struct fixture *f, unsigned index, const char *name, const char *expected)
{
	autofree char *is = now(f, index, name);

	assert_string_equal(is, expected);
}

static void done(struct vfattr_wish *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		vfattr_wish_done(&w[i]);
}

static void every_row_says_what_it_takes(void **state UNUSED)
{
	unsigned n = 0;

	for (const struct vfattr *a; (a = vfattr_at(n)); n++) {
		assert_ptr_equal(vfattr_find(vfattr_name(a)), a);
		assert_true(strlen(vfattr_help(a)) > 4);
	}
	assert_int_equal(n, 12);
	assert_null(vfattr_find("nosuch"));
}

/* What format writes, parse takes, and it means the same. */
static void text_goes_there_and_back(void **state UNUSED)
{
	static const char *const texts[] = { "mac=02:00:00:00:00:10", "vlan=100", "qos=3",
		"proto=802.1ad", "spoofchk=on", "trust=off", "min-rate=5", "max-rate=4294967295",
		"link-state=disable", "query-rss=on", "node-guid=00:11:22:33:44:55:66:77",
		"port-guid=ff:11:22:33:44:55:66:77" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct vfattr_wish w = wish(texts[i]);
		autofree char *text = vfattr_format(w.attr, &w.want);

		assert_string_equal(text, strchr(texts[i], '=') + 1);
	}
	assert_int_equal(wish("vlan=none").want.vlan, 0);
	assert_int_equal(wish("link-state=yes").want.link_state, 1);
	assert_true(wish("node-guid=00:11:22:33:44:55:66:77").want.node_guid == 0x0011223344556677);
}

static void bad_values_are_refused(void **state UNUSED)
{
	static const char *const bad[] = { "mac=01:00:5e:00:00:01", "mac=00:00:00:00:00:00",
		"mac=ff:ff:ff:ff:ff:ff", "mac=", "mac", "mac=02:00:00:00:00", "vlan=4095",
		"vlan=-1", "vlan=1x", "qos=8", "proto=ad", "spoofchk=maybe",
		"trust=", "min-rate=4294967296", "link-state=sideways",
		"node-guid=00:11:22:33:44:55:66", "node-guid=00:11:22:33:44:55:66:77:88",
		"node-guid=0:1:2:3:4:5:6:7", "", "=1", "nosuch=1" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vfattr_wish w = { .result = 42 };
		autoproblem *p = NULL;

		assert_int_equal(vfattr_parse(bad[i], &w, &p), -EINVAL);
		assert_int_equal(p->kind, PROBLEM_USAGE);
		assert_int_equal(w.result, 42);
	}
}

static void a_typo_is_answered(void **state UNUSED)
{
	struct vfattr_wish w;
	autoproblem *p = NULL;

	assert_int_equal(vfattr_parse("spoofcheck=on", &w, &p), -EINVAL);
	assert_string_equal(problem_best_hint(p), "did you mean spoofchk?");
}

static void what_is_set_is_read_back(void **state)
{
	struct fixture *f = *state;
	struct vfattr_wish w[] = { wish("mac=02:00:00:00:00:10"), wish("vlan=100"), wish("qos=3"),
		wish("spoofchk=off"), wish("trust=on"), wish("max-rate=100") };

	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 1, w, ARRAY_SIZE(w), NULL), 1);
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		assert_int_equal(w[i].result, 1);
	assert_now(f, 1, "mac", "02:00:00:00:00:10");
	assert_now(f, 1, "vlan", "100");
	assert_now(f, 1, "qos", "3");
	assert_now(f, 1, "spoofchk", "off");
	assert_now(f, 1, "trust", "on");
	assert_now(f, 1, "max-rate", "100");
	assert_now(f, 0, "vlan", "0");
	/* vlan and qos went in one request, and a second time nothing is asked. */
	assert_string_equal(fake_log(f->h), "link eth0 vf 1 mac\nlink eth0 vf 1 vlan\n"
					    "link eth0 vf 1 spoofchk\nlink eth0 vf 1 trust\n"
					    "link eth0 vf 1 rate\n");
	fake_log_clear(f->h);
	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 1, w, ARRAY_SIZE(w), NULL), 0);
	assert_string_equal(fake_log(f->h), "");
}

static void what_is_not_wished_for_stays(void **state)
{
	struct fixture *f = *state;
	struct vfattr_wish first[] = { wish("vlan=100"), wish("qos=3") }, second = wish("vlan=200");

	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 0, first, 2, NULL), 1);
	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 0, &second, 1, NULL), 1);
	assert_now(f, 0, "vlan", "200");
	assert_now(f, 0, "qos", "3");
}

/* Each attribute has its own result, and a refusal does not keep the others from being set. */
static void refusals_are_told_one_by_one(void **state)
{
	struct fixture *f = *state;
	struct vfattr_wish w[] = { wish("link-state=enable"), wish("trust=on"), wish("min-rate=50"),
		wish("node-guid=00:11:22:33:44:55:66:77") };
	autoproblem *p = NULL;
	autofree char *text = NULL;

	assert_int_equal(
		vfattr_apply(f->h, f->ifindex, "igb", 2, w, ARRAY_SIZE(w), &p), -EOPNOTSUPP);
	assert_int_equal(w[0].result, -EOPNOTSUPP);
	assert_string_equal(w[0].problem->what, "VF 2: igb does not support link-state");
	assert_int_equal(w[1].result, 1);
	assert_int_equal(w[2].result, -EINVAL);
	assert_int_equal(w[2].problem->kind, PROBLEM_UNSUPPORTED);
	assert_int_equal(w[3].result, -EOPNOTSUPP);
	text = problem_text(p);
	assert_string_equal(
		text, "3 of 4 attributes were not set: VF 2: igb does not support link-state");
	assert_int_equal(p->kind, PROBLEM_UNSUPPORTED);
	assert_now(f, 2, "trust", "on");
	done(w, ARRAY_SIZE(w));
}

static void stacked_vlans(void **state)
{
	struct fixture *f = *state;
	struct vfattr_wish w[] = { wish("vlan=200"), wish("proto=802.1ad") };

	assert_int_equal(vfattr_apply(f->h, f->ifindex, NULL, 0, w, 2, NULL), -EPROTONOSUPPORT);
	assert_string_equal(
		w[1].problem->what, "VF 0: the PF's driver does not support 802.1ad in proto");
	assert_now(f, 0, "vlan", "0");
	done(w, 2);
}

static void rates_that_contradict(void **state)
{
	struct fixture *f = *state;
	struct vfattr_wish w[] = { wish("min-rate=200"), wish("max-rate=100") };

	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 0, w, 2, NULL), -EINVAL);
	assert_string_equal(fake_log(f->h), "");
	done(w, 2);
}

static void no_such_vf(void **state)
{
	struct fixture *f = *state;
	struct vfattr_wish w = wish("trust=on");
	autoproblem *p = NULL, *q = NULL;

	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 4, &w, 1, &p), -ENOENT);
	assert_int_equal(p->kind, PROBLEM_NOT_FOUND);
	assert_string_equal(fake_log(f->h), "");
	fake_fail_nth(f->h, FAKE_LINK_VFS, 1, -EPERM);
	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 0, &w, 1, &q), -EPERM);
	assert_int_equal(q->kind, PROBLEM_PERMISSION);
}

static void a_captured_machine_is_not_changed(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct vfattr_wish w = wish("trust=on");

	assert_int_equal(vfattr_apply(h, 2, "igb", 0, &w, 1, NULL), -EROFS);
}

/* A driver that says yes and does nothing. */
static struct host_ops lying_ops;

static int lie(struct host *h UNUSED, int ifindex UNUSED, const struct host_vf_change *c UNUSED)
{
	return 0;
}

static void a_yes_is_not_believed(void **state)
{
	struct fixture *f = *state;
	const struct host_ops *honest = f->h->ops;
	struct vfattr_wish w = wish("spoofchk=off");

	lying_ops = *honest;
	lying_ops.link_set_vf = lie;
	f->h->ops = &lying_ops;
	assert_int_equal(vfattr_apply(f->h, f->ifindex, "igb", 0, &w, 1, NULL), -EIO);
	assert_string_equal(w.problem->what, "VF 0: igb accepted spoofchk, but reports on");
	f->h->ops = honest;
	vfattr_wish_done(&w);
}

static void netdevs_of_the_machine(void **state)
{
	struct fixture *f = *state;
	autofree struct netdev *all = NULL, *none = NULL;
	size_t n;

	assert_int_equal(netdevs_list(f->h, &all, &n), 0);
	assert_int_equal(n, 8);
	for (size_t i = 1; i < n; i++)
		assert_true(bdf_cmp(all[i - 1].bdf, all[i].bdf) <= 0);
	assert_int_equal(netdevs_of(f->h, at("0000:00:1f.0"), &none, &n), 0);
	assert_int_equal(n, 0);
}

/* Children of the function, grandchildren (as of virtio), and what only seems to be one. */
static void netdevs_of_one(void **state)
{
	struct fixture *f = *state;
	autofree struct netdev *own = NULL, *nested = NULL;
	size_t n;

	fake_put(f->h, "77\n", "/sys/devices/pci0000:00/0000:00:1f.0/virtio0/net/deep0/ifindex");
	fake_link(f->h, "../../devices/pci0000:00/0000:00:1f.0/virtio0/net/deep0",
		"/sys/class/net/deep0");
	assert_int_equal(netdevs_of(f->h, at("0000:00:1f.0"), &nested, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(nested[0].name, "deep0");
	assert_int_equal(nested[0].ifindex, 77);
	fake_put(f->h, "1\n", "/sys/bus/pci/devices/%s/net/deep0/flags", PF);
	fake_put(f->h, "1\n", "/sys/bus/pci/devices/%s/net/nowhere/flags", PF);
	assert_int_equal(netdevs_of(f->h, at(PF), &own, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(own[0].ifindex, f->ifindex);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_says_what_it_takes),
		cmocka_unit_test(text_goes_there_and_back),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(a_typo_is_answered),
		T(what_is_set_is_read_back),
		T(what_is_not_wished_for_stays),
		T(refusals_are_told_one_by_one),
		T(stacked_vlans),
		T(rates_that_contradict),
		T(no_such_vf),
		cmocka_unit_test(a_captured_machine_is_not_changed),
		T(a_yes_is_not_believed),
		T(netdevs_of_the_machine),
		T(netdevs_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
