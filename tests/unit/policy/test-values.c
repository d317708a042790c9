// SPDX-License-Identifier: GPL-2.0-or-later
/* What a configuration wants: from which file, which section, which line; as wishes; in pools. */
#include "configured.h"
#include "select/select.h"

#define VALUE(pf, vf, key, want) assert_string_equal(value(f, pf, vf, key), want)

static void the_example(void **state)
{
	struct fixture *f = *state;
	const struct policy_pf *pf;

	etc(f, "10-a.conf",
		"[Match]\nDriver=igb\nPath=pci-0000:01:00.*\n[PF]\nVirtualFunctions=6\n"
		"DriversAutoprobe=no\nEswitchMode=legacy\n[VF *]\nDriver=vfio-pci\nSpoofCheck=yes\n"
		"MACAddress=stable\n[VF 0-1]\nVLANId=100\nTrust=true\n");
	load(f);
	assert_findings(f, "");
	pf = need_pf(f, ETH0);
	assert_int_equal(f->p->n_pfs, 1);
	assert_int_equal(pf->n_vfs, 6);
	VALUE(ETH0, -1, "VirtualFunctions", "6");
	VALUE(ETH0, -1, "DriversAutoprobe", "no");
	VALUE(ETH0, 0, "VLANId", "100");
	VALUE(ETH0, 0, "Trust", "on");
	VALUE(ETH0, 1, "VLANId", "100");
	VALUE(ETH0, 2, "VLANId", "-");
	VALUE(ETH0, 5, "Driver", "vfio-pci");
	VALUE(ETH0, 5, "MACSpoofCheck", "on");
	assert_int_equal(strlen(value(f, ETH0, 3, "MACAddress")), 17);
	assert_string_not_equal(value(f, ETH0, 3, "MACAddress"), value(f, ETH0, 4, "MACAddress"));
}

/* Fewer VFs win; between equals, the later line. */
static void the_more_specific_wins(void **state)
{
	struct fixture *f = *state;
	const struct policy_value *v;

	etc(f, "10-a.conf",
		MATCH "[VF 2]\nVLANId=1\n[VF 1-2]\nVLANId=2\n[VF 2,3]\nVLANId=3\n[VF *]\nVLANId=4\n"
		      "[VF 0-0,0]\nVLANId=5\n[VF 0-1]\nVLANId=6\n");
	load(f);
	assert_findings(f, "");
	VALUE(ETH0, 0, "VLANId", "5");
	VALUE(ETH0, 1, "VLANId", "6");
	VALUE(ETH0, 2, "VLANId", "1");
	VALUE(ETH0, 3, "VLANId", "3");
	v = policy_target_get(&need_pf(f, ETH0)->vfs[2], "VLANId");
	if (!v)
		abort();
	assert_int_equal(v->n_instead, 3);
	assert_int_equal(v->from->pos.line, 4);
}

static void drop_ins_come_after(void **state)
{
	struct fixture *f = *state;

	etc(f, "10-a.conf", MATCH "[PF]\nVirtualFunctions=2\n[VF *]\nTrust=yes\nVLANId=1\n");
	etc(f, "10-a.conf.d/20-x.conf", "[VF *]\nTrust=no\n[PF]\nVirtualFunctions=3\n");
	etc(f, "10-a.conf.d/10-x.conf", "[VF *]\nVLANId=\nTrust=yes\n");
	fake_put(f->h, "[PF]\nVirtualFunctions=7\n", "/usr/lib/vfctl/pf.d/10-a.conf.d/20-x.conf");
	fake_put(f->h, "[Match]\nName=\nName=eth1\n", "/run/vfctl/pf.d/10-a.conf.d/30-x.conf");
	load(f);
	assert_findings(f, "");
	assert_null(pf_of(f, ETH0));
	VALUE(ETH1, -1, "VirtualFunctions", "3");
	VALUE(ETH1, 0, "Trust", "off");
	VALUE(ETH1, 0, "VLANId", "-");
	assert_int_equal(f->p->units.v[0].n_files, 4);
}

static void later_folders_count(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, MATCH "[PF]\nVirtualFunctions=1\n", "/usr/lib/vfctl/pf.d/10-a.conf");
	fake_put(f->h, MATCH "[PF]\nVirtualFunctions=2\n", "/run/vfctl/pf.d/10-a.conf");
	load(f);
	VALUE(ETH0, -1, "VirtualFunctions", "2");
	etc(f, "10-a.conf", MATCH "[PF]\nVirtualFunctions=3\n");
	load(f);
	VALUE(ETH0, -1, "VirtualFunctions", "3");
	assert_findings(f, "");
}

static void masks(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, MATCH "[PF]\nVirtualFunctions=1\n", "/usr/lib/vfctl/pf.d/10-a.conf");
	fake_link(f->h, "/dev/null", "/etc/vfctl/pf.d/10-a.conf");
	fake_put(f->h, "[Match]\nName=eth1\n", "/usr/lib/vfctl/pf.d/20-b.conf");
	etc(f, "20-b.conf", "");
	etc(f, "README", "nothing");
	load(f);
	assert_int_equal(f->p->units.n, 0);
	assert_int_equal(f->p->n_pfs, 0);
	assert_findings(f, "");
}

static bool matches(struct fixture *f, const char *match, const char *pf)
{
	autofree char *text = str_printf("[Match]\n%s\n", match);

	etc(f, "10-a.conf", text);
	load(f);
	if (f->p->findings.errors)
		fail_msg("%s: %s", match, f->p->findings.v[0].what);
	return pf_of(f, pf) != NULL;
}

static void every_match_key(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "web1\n", "/proc/sys/kernel/hostname");
	fake_put(f->h, "x86_64\n", "/proc/sys/kernel/arch");
	fake_altname(f->h, 2, "uplink");
	assert_true(matches(f, "Driver=ig*", ETH0));
	assert_false(matches(f, "Driver=ixgbe", ETH0));
	assert_true(matches(f, "Driver=ixgbe igb", ETH0));
	assert_false(matches(f, "Driver=!igb", ETH0));
	assert_true(matches(f, "Driver=!igb", NVME));
	assert_true(matches(f, "Path=pci-0000:02:*", ETH1));
	assert_false(matches(f, "Path=pci-0000:02:*", ETH0));
	assert_true(matches(f, "Name=eth1 eth0", ETH0));
	assert_true(matches(f, "OriginalName=eth?", ETH0));
	assert_true(matches(f, "Name=nvme0", NVME));
	assert_true(matches(f, "MACAddress=52:54:00:AA:00:01", ETH0));
	assert_true(matches(f, "PermanentMACAddress=52:54:00:AA:00:01", ETH0));
	assert_false(matches(f, "PermanentMACAddress=52:54:00:AA:00:01", ETH1));
	assert_true(matches(f, "Vendor=8086:10c9", ETH0));
	assert_true(matches(f, "Vendor=8086\nDevice=0x10c9", ETH0));
	assert_false(matches(f, "Vendor=8086\nDevice=10ca", ETH0));
	assert_true(matches(f, "Subsystem=1AF4:*", ETH0));
	assert_true(matches(f, "Class=network", ETH0));
	assert_false(matches(f, "Class=network", NVME));
	assert_true(matches(f, "Host=web*\nName=eth0", ETH0));
	assert_true(matches(f, "Host=0123456789abcdef0123456789abcdef\nName=eth0", ETH0));
	assert_false(matches(f, "Host=web2\nName=eth0", ETH0));
	assert_findings(f, ""); /* for another machine: nothing to warn of */
	assert_true(matches(f, "Architecture=x86-64\nName=eth0", ETH0));
	assert_false(matches(f, "Architecture=arm64\nName=eth0", ETH0));
}

/* VFs and functions without SR-IOV are never meant. */
static void only_pfs(void **state)
{
	struct fixture *f = *state;

	assert_true(matches(f, "Driver=*", ETH0));
	assert_int_equal(f->p->n_pfs, 3);
}

static void wishes(void **state)
{
	struct fixture *f = *state;
	autowishes w = { 0 };

	etc(f, "10-a.conf",
		MATCH "[PF]\nVirtualFunctions=3\nDriversAutoprobe=yes\nEswitchMode=switchdev\n"
		      "[VF 0]\nDriver=none\n[VF 1]\nDriver=vfio\nVLANId=7\nLinkState=no\n"
		      "[VF 2]\nDriver=default\nPool=p\n");
	load(f);
	assert_int_equal(policy_wishes(f->p, &w), 0);
	assert_int_equal(w.n, 1);
	assert_string_equal(BDF_TEXT(w.v[0].bdf), ETH0);
	assert_string_equal(w.v[0].source, "/etc/vfctl/pf.d/10-a.conf:4");
	assert_int_equal(w.v[0].num_vfs, 3);
	assert_int_equal(w.v[0].autoprobe, 1);
	assert_string_equal(w.v[0].eswitch_mode, "switchdev");
	assert_int_equal(w.v[0].n_vfs, 3);
	assert_string_equal(w.v[0].vfs[0].driver, WISH_NO_DRIVER);
	assert_string_equal(w.v[0].vfs[1].driver, WISH_BEST_VFIO);
	assert_string_equal(w.v[0].vfs[1].source, "/etc/vfctl/pf.d/10-a.conf:10");
	assert_true(strv_has(w.v[0].vfs[1].settings, "vlan=7"));
	assert_true(strv_has(w.v[0].vfs[1].settings, "link-state=disable"));
	assert_string_equal(w.v[0].vfs[2].driver, WISH_RESTORE);
	assert_null(w.v[0].vfs[2].settings);
}

/* What is not said is left as it is. */
static void leaves_the_rest(void **state)
{
	struct fixture *f = *state;
	autowishes w = { 0 };

	etc(f, "10-a.conf", MATCH "[VF 1]\nTrust=yes\n");
	load(f);
	assert_int_equal(policy_wishes(f->p, &w), 0);
	assert_int_equal(w.v[0].num_vfs, WISH_LEAVE);
	assert_int_equal(w.v[0].autoprobe, WISH_LEAVE);
	assert_null(w.v[0].eswitch_mode);
	assert_int_equal(w.v[0].n_vfs, 1);
	assert_int_equal(w.v[0].vfs[0].index, 1);
	assert_null(w.v[0].vfs[0].driver);
}

static void pools(void **state)
{
	struct fixture *f = *state;
	const char *word = "pool=fast";
	autopolicypools p = { 0 };
	autoselection found = { 0 };

	etc(f, "10-a.conf",
		MATCH "[PF]\nVirtualFunctions=5\n[VF 3-4]\nPool=fast\n[VF 0]\nPool=a\n");
	etc(f, "20-b.conf", "[Match]\nName=eth1\n[PF]\nVirtualFunctions=1\n[VF *]\nPool=fast\n");
	load(f);
	assert_int_equal(policy_pools_find(f->p, &p), 0);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.v[0].name, "a");
	assert_int_equal(p.v[1].n, 3);
	assert_int_equal(p.v[1].v[0].vf, 3);
	assert_non_null(p.v[1].v[0].f);
	assert_null(p.v[1].v[1].f);
	assert_string_equal(p.v[1].v[2].pf->f->address, ETH1);
	assert_int_equal(policy_label(f->p, f->inv), 0);
	assert_int_equal(select_some(f->h, f->inv, &word, 1, &found, NULL), 0);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.v[0]->vf_index, 3);
}

/* Every setting that there is can be configured, under a name of its own. */
static void every_setting_has_a_key(void **state UNUSED)
{
	autopolicykeys keys = { 0 };
	const struct setting_key *s;

	assert_int_equal(policy_keys_make(&keys), 0);
	for (unsigned i = 0; (s = setting_key_at(i)); i++) {
		bool found = str_starts(s->name, "eswitch");

		for (size_t k = 0; k < keys.n; k++)
			found |= keys.v[k].setting == s;
		if (!found)
			fail_msg("%s has no key", s->name);
	}
	for (size_t i = 0; i < keys.n; i++)
		for (size_t k = 0; k < i; k++)
			if (keys.v[i].section == keys.v[k].section &&
				str_eq(keys.v[i].name, keys.v[k].name))
				fail_msg("two keys %s", keys.v[i].name);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_example),
		TEST(the_more_specific_wins),
		TEST(drop_ins_come_after),
		TEST(later_folders_count),
		TEST(masks),
		TEST(every_match_key),
		TEST(only_pfs),
		TEST(wishes),
		TEST(leaves_the_rest),
		TEST(pools),
		cmocka_unit_test(every_setting_has_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
