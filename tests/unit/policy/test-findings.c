// SPDX-License-Identifier: GPL-2.0-or-later
/* Every kind of mistake: found, at its place, with what was meant; all of them at once. */
#include "configured.h"

/* What is found in one file that begins with a good [Match] of two lines. */
static void finds(struct fixture *f, const char *rest, const char *want)
{
	autofree char *text = str_printf(MATCH "%s", rest);

	etc(f, "a.conf", text);
	load(f);
	assert_findings(f, want);
}

static void sections_and_keys(void **state)
{
	struct fixture *f = *state;

	finds(f, "[PFF]\nx=1\n",
		"a.conf:3:2 error unknown-section there is no section [PFF] (did you mean [PF]?)\n");
	finds(f, "[SR-IOV]\nVirtualFunction=0\n",
		"a.conf:3:2 error unknown-section there is no section [SR-IOV] (for VFs write "
		"[VF 0], [VF 0-3] or [VF *])\n");
	finds(f, "[VF]\n",
		"a.conf:3:2 error unknown-section there is no section [VF] (say which VFs: [VF 0], "
		"[VF 0-3,7] or [VF *])\n");
	finds(f, "[VF 3-1]\nTrust=yes\n",
		"a.conf:3:2 error bad-value '3-1' are no VFs (VFs are numbered from 0: [VF 0], "
		"[VF 0-3,7], [VF *])\n");
	finds(f, "[PF]\nVirtualFunction=2\n",
		"a.conf:4:1 error unknown-key [PF] has no key VirtualFunction= (did you mean "
		"VirtualFunctions=?)\n");
	finds(f, "[VF *]\nvlan=2\n",
		"a.conf:4:1 error unknown-key [VF …] has no key vlan= (did you mean VLANId=?)\n");
	finds(f, "[PF]\nTrust=yes\n",
		"a.conf:4:1 error unknown-key [PF] has no key Trust= (Trust= belongs into [VF …])\n");
	finds(f, "[PF]\nNonsenseOfAllSorts=yes\n",
		"a.conf:4:1 error unknown-key [PF] has no key NonsenseOfAllSorts= (vfctl-pf.d(5) "
		"has all keys)\n");
}

static void values(void **state)
{
	struct fixture *f = *state;

	finds(f, "[VF 0]\nVLANId = 5000\n",
		"a.conf:4:10 error bad-value VLANId=5000: not such a value (VLANId= takes 1 to "
		"4094, or none)\n");
	finds(f, "[PF]\nVirtualFunctions=-1\nDriversAutoprobe=perhaps\n",
		"a.conf:4:18 error bad-value VirtualFunctions=-1: not such a value "
		"(VirtualFunctions= takes how many VFs there shall be, 0 to what the PF can have)\n"
		"a.conf:5:18 error bad-value DriversAutoprobe=perhaps: not such a value "
		"(DriversAutoprobe= takes yes or no: whether the kernel gives VFs a driver by "
		"itself)\n");
	finds(f, "[VF 0]\nMACAddress=01:00:00:00:00:01\n",
		"a.conf:4:12 error bad-value MACAddress=01:00:00:00:00:01: not such a value "
		"(MACAddress= takes a unicast address, 02:00:00:00:00:01, or stable)\n");
	finds(f, "[VF 0]\nDriver=../x\nPool=a b\n",
		"a.conf:4:8 error bad-value Driver=../x: not such a value (Driver= takes a "
		"driver's name, vfio for the best VFIO driver, none, or default for the kernel's "
		"choice)\n"
		"a.conf:5:6 error bad-value Pool=a b: not such a value (Pool= takes the name of a "
		"pool that the VF belongs to: letters, digits, . _ and -)\n");
	finds(f, "[VF 0]\nTrust=stable\n",
		"a.conf:4:7 error bad-value Trust=stable: not such a value (Trust= takes on or "
		"off)\n");
	finds(f, "[Match]\nMACAddress=52:54\nDevice=12345\nPath=0000:01:00.0\n",
		"a.conf:4:12 error bad-value MACAddress=52:54: not such a value (MACAddress= takes "
		"of its interface, now)\n"
		"a.conf:5:8 error bad-value Device=12345: not such a value (Device= takes the "
		"device's id in hexadecimal, 10c9)\n"
		"a.conf:6:6 error bad-value Path=0000:01:00.0: not such a value (Path= takes "
		"pci-ADDRESS, where * and ? match: pci-0000:01:00.*)\n");
}

static void duplicates(void **state)
{
	struct fixture *f = *state;

	finds(f, "[VF 0]\nVLANId=1\n[VF 1]\nVLANId=2\n[VF 0]\nTrust=yes\nVLANId=3\n",
		"a.conf:9:1 error duplicate VLANId= is said twice; the first time in line 4 (leave "
		"one of them)\n");
}

static void text_that_is_none(void **state)
{
	struct fixture *f = *state;

	finds(f, "rubbish\n[VF 0]\r\nTrust=yes",
		"a.conf:3:1 error syntax 'rubbish': neither [Section] nor Key=Value nor a comment "
		"(comments begin with #)\n"
		"a.conf:4:1 warning syntax lines end in CR LF, as on Windows; they are read all the "
		"same (sed -i 's/\\r$//' makes them plain)\n"
		"a.conf:5:10 warning syntax 'Trust=yes': the last line has no line feed: was the "
		"file cut off?\n");
	finds(f, "[VF 0]\nTrust=\x01\n",
		"a.conf:4:7 error not-text 'Trust=\\x01': a byte that no text has (configuration is "
		"UTF-8 text without control characters)\n");
}

static void without_match(void **state)
{
	struct fixture *f = *state;

	etc(f, "a.conf", "[PF]\nVirtualFunctions=1\n");
	etc(f, "b.conf", "# nothing\n[Match]\n");
	load(f);
	assert_findings(f,
		"a.conf:0:0 error no-match there is no [Match] (say which PFs are meant; for all of "
		"them: Driver=*)\n"
		"b.conf:2:2 error no-match [Match] says nothing (say which PFs are meant; for all "
		"of them: Driver=*)\n");
	assert_int_equal(f->p->n_pfs, 0);
}

static void nobody_is_meant(void **state)
{
	struct fixture *f = *state;

	etc(f, "a.conf", "[Match]\nDriver=ixgbe\n");
	etc(f, "x.conf.d/a.conf", "[PF]\nVirtualFunctions=1\n");
	load(f);
	assert_findings(f,
		"a.conf:1:2 warning no-match no PF of this machine is meant (vfctl list "
		"kind=pf shows those that there are)\n"
		"x.conf.d:0:0 warning stray there is no x.conf that this would add to\n");
	assert_int_equal(policy_refuse(f->p, NULL), 0);
}

static void two_files_for_one_pf(void **state)
{
	struct fixture *f = *state;

	etc(f, "a.conf", "[Match]\nDriver=igb\n");
	etc(f, "b.conf", "# exceptions\n[Match]\nName=eth1\n");
	load(f);
	assert_findings(f, "b.conf:2:2 error overlap 0000:02:00.0 is also what "
			   "/etc/vfctl/pf.d/a.conf:1 is about (one file for one PF: narrow one "
			   "[Match], or make this a drop-in, /etc/vfctl/pf.d/a.conf.d/)\n");
}

static void ranges(void **state)
{
	struct fixture *f = *state;

	finds(f, "[PF]\nVirtualFunctions=8\n",
		"a.conf:4:18 error range VirtualFunctions=8, but 0000:01:00.0 can have 7 at most\n");
	finds(f, "[VF 0,7]\nTrust=yes\n",
		"a.conf:4:7 error range [VF 0,7]: 0000:01:00.0 has no VF 7 (it can have 7, 0 to "
		"6)\n");
	finds(f, "[PF]\nVirtualFunctions=2\n[VF 1-2]\nTrust=yes\n",
		"a.conf:6:7 warning range [VF 1-2]: of VF 2 nothing will be seen, 0000:01:00.0 "
		"gets 2 only\n");
}

static void not_for_this_kind(void **state)
{
	struct fixture *f = *state;

	etc(f, "a.conf",
		"[Match]\nClass=network storage\n[PF]\nVirtualFunctions=1\n"
		"[VF *]\nVirtualQueues=2\n");
	load(f);
	assert_int_equal(f->p->findings.n, 1);
	assert_int_equal(f->p->findings.v[0].kind, FINDING_UNSUPPORTED);
	assert_int_equal(f->p->findings.v[0].pos.line, 6);
	assert_non_null(strstr(f->p->findings.v[0].what, ETH0 " (igb)"));
}

static void collisions(void **state)
{
	struct fixture *f = *state;

	finds(f,
		"[VF 0]\nMACAddress=52:54:00:aa:00:02\n[VF 1]\nMACAddress=02:00:00:00:00:07\n"
		"[VF 2]\nMACAddress=02:00:00:00:00:07\n",
		"a.conf:4:12 error collision MACAddress=52:54:00:aa:00:02 for 0000:01:00.0/vf0: "
		"eth1 has that address already (MACAddress=stable is an address that nobody has)\n"
		"a.conf:8:12 error collision MACAddress=02:00:00:00:00:07 for 0000:01:00.0/vf2: "
		"/etc/vfctl/pf.d/a.conf:6 gives it to 0000:01:00.0/vf1 (MACAddress=stable is an "
		"address that nobody has)\n");
}

/* Nobody tells GUIDs back, and a port's hardware address is the MAC address by another name. */
static void collisions_of_guids(void **state)
{
	struct fixture *f = *state;
	autofree char *what = NULL;

	finds(f,
		"[VF 0]\nNodeGUID=00:11:22:33:44:55:66:77\n"
		"[VF 1]\nNodeGUID=00:11:22:33:44:55:66:77\n"
		"PortGUID=00:11:22:33:44:55:66:77\n",
		"a.conf:6:10 error collision NodeGUID=00:11:22:33:44:55:66:77 for 0000:01:00.0/vf1: "
		"/etc/vfctl/pf.d/a.conf:4 gives it to 0000:01:00.0/vf0 (NodeGUID=stable is an address "
		"that nobody has)\n");
	etc(f, "a.conf",
		MATCH "[VF 1]\nMACAddress=02:00:00:00:00:07\n"
		      "[VF 2]\nHardwareAddress=02:00:00:00:00:07\n");
	load(f);
	what = findings(f);
	assert_non_null(strstr(what, "HardwareAddress=02:00:00:00:00:07 for 0000:01:00.0/vf2: "
				     "/etc/vfctl/pf.d/a.conf:4 gives it to 0000:01:00.0/vf1"));
}

/* The one that is made for a VF, copied for another. */
static void a_copied_guid(void **state)
{
	struct fixture *f = *state;
	autofree char *made = NULL, *text = NULL, *want = NULL;

	etc(f, "a.conf", MATCH "[VF 0]\nNodeGUID=stable\n");
	load(f);
	made = strdup(value(f, ETH0, 0, "NodeGUID"));
	text = str_printf("[VF 0]\nNodeGUID=stable\n[VF 1]\nNodeGUID=%s\n", made);
	want = str_printf(
		"a.conf:4:10 error collision NodeGUID=stable for 0000:01:00.0/vf0: %s, and "
		"/etc/vfctl/pf.d/a.conf:6 gives it to 0000:01:00.0/vf1 (give one of them "
		"another address)\n",
		made);
	finds(f, text, want);
}

/* Two VFs may change addresses with each other; one alone may not take the other's. */
static void exchanged_addresses(void **state)
{
	struct fixture *f = *state;
	autofree char *zero = fake_text(f->h, "/sys/class/net/eth4/address"),
		      *one = fake_text(f->h, "/sys/class/net/eth5/address");
	autofree char *both = str_printf(
		"[VF 0]\nMACAddress=%s\n[VF 1]\nMACAddress=%s\n", str_trim(one), str_trim(zero));
	autofree char *alone = str_printf("[VF 0]\nMACAddress=%s\n", str_trim(one));

	finds(f, both, "");
	autofree char *whole = str_printf(MATCH "%s", alone);
	etc(f, "a.conf", whole);
	load(f);
	assert_int_equal(f->p->findings.errors, 1);
	assert_non_null(strstr(f->p->findings.v[0].what, "eth5 has that address already"));
}

/* What the VF has already is no collision. */
static void its_own_address(void **state)
{
	struct fixture *f = *state;
	autofree char *mac = fake_text(f->h, "/sys/bus/pci/devices/0000:01:10.0/net/eth4/address");
	autofree char *text = str_printf("[VF 0]\nMACAddress=%s\n", mac);

	finds(f, text, "");
}

static void without_machine_id(void **state)
{
	struct fixture *f = *state;

	fake_vanish(f->h, "/etc/machine-id");
	finds(f, "[VF *]\nMACAddress=stable\n",
		"a.conf:4:12 error bad-value MACAddress=stable: stable addresses need the "
		"machine's id, and /etc/machine-id has none: No such file or directory "
		"(systemd-machine-id-setup makes one)\n");
}

static void another_card(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;

	assert_int_equal(identity_record(f->h, f->dir, at(ETH0), NULL), 1);
	fake_put(f->h, "52:54:00:bb:00:01\n", "/sys/class/net/eth0/address");
	finds(f, "[VF *]\nMACAddress=stable\n",
		"a.conf:1:2 error identity 0000:01:00.0 is not the card that was configured: its "
		"permanent MAC address was 52:54:00:aa:00:01, now it is 52:54:00:bb:00:01 (if it is "
		"meant to have the configuration: vfctl config accept 0000:01:00.0)\n");
	assert_int_equal(policy_refuse(f->p, &p), -ESTALE);
	assert_int_equal(p->kind, PROBLEM_DRIFT);
}

static void a_moved_card(void **state)
{
	struct fixture *f = *state;
	autofree char *cmd = str_printf("mv %s/" ETH0 " %s/0000:41:00.0", f->dir, f->dir);

	assert_int_equal(identity_record(f->h, f->dir, at(ETH0), NULL), 1);
	assert_int_equal(system(cmd), 0);
	finds(f, "[VF *]\nTrust=yes\n",
		"a.conf:1:2 warning identity the card at 0000:01:00.0 was configured at "
		"0000:41:00.0 before: it has moved, and what was recorded of it goes along\n");
}

static void unreadable_files(void **state)
{
	struct fixture *f = *state;
	autofree char *big = calloc(1, (1 << 20) + 2);

	memset(big, '#', (1 << 20) + 1);
	etc(f, "big.conf", big);
	etc(f, "dir.conf/x", "");
	fake_link(f->h, "nowhere", "/etc/vfctl/pf.d/link.conf");
	etc(f, "denied.conf", MATCH);
	fake_fail_path(f->h, FAKE_READ, "denied.conf", -EACCES);
	load(f);
	assert_findings(f,
		"big.conf:0:0 error unreadable more than 1024 KiB: that is no configuration\n"
		"denied.conf:0:0 error unreadable cannot be read: Permission denied\n"
		"dir.conf:0:0 error unreadable not a file\n"
		"link.conf:0:0 error unreadable cannot be read: No such file or directory\n");
}

/* Nobody knows whom such a file means: it is about nothing, and nothing follows from that. */
static void a_broken_match(void **state)
{
	struct fixture *f = *state;

	etc(f, "a.conf", "[Match]\nDriver=igb\nPath=x\n[PF]\nVirtualFunctions=99\n");
	etc(f, "b.conf", "[Match]\nDriver=igb\nDrivers=y\n");
	load(f);
	assert_int_equal(f->p->findings.n, 2);
	assert_int_equal(f->p->findings.v[0].kind, FINDING_BAD_VALUE);
	assert_int_equal(f->p->findings.v[1].kind, FINDING_UNKNOWN_KEY);
	assert_int_equal(f->p->n_pfs, 0);
}

static void all_at_once_and_nothing_is_applied(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;

	etc(f, "a.conf", MATCH "[PF]\nVirtualFunctions=x\nUnknown=1\n[VF 9]\nTrust=maybe\n");
	etc(f, "b.conf", "=\n");
	load(f);
	assert_int_equal(f->p->findings.errors, 5);
	assert_int_equal(policy_refuse(f->p, &p), -EINVAL);
	assert_int_equal(p->kind, PROBLEM_USAGE);
	assert_non_null(strstr(p->what, "/etc/vfctl/pf.d/a.conf:4: VirtualFunctions=x"));
	assert_string_equal(p->hint, "that is one of 5 errors: vfctl config check shows all");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sections_and_keys),
		TEST(values),
		TEST(duplicates),
		TEST(text_that_is_none),
		TEST(without_match),
		TEST(nobody_is_meant),
		TEST(two_files_for_one_pf),
		TEST(ranges),
		TEST(not_for_this_kind),
		TEST(collisions),
		TEST(collisions_of_guids),
		TEST(a_copied_guid),
		TEST(exchanged_addresses),
		TEST(its_own_address),
		TEST(without_machine_id),
		TEST(another_card),
		TEST(a_moved_card),
		TEST(unreadable_files),
		TEST(a_broken_match),
		TEST(all_at_once_and_nothing_is_applied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
