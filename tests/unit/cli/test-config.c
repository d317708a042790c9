// SPDX-License-Identifier: GPL-2.0-or-later
/* Configuration from the command line on: pools, stable addresses, cards that were exchanged. */
#include "fixture.h"

#include "store/store.h"

#define VF0_MAC "42:7d:8e:41:c7:fe" /* candidate 0 of this machine id and card */

static void machine(struct fixture *f)
{
	start(f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	fake_put(f->cli.host, "0123456789abcdef0123456789abcdef\n", "/etc/machine-id");
}

static void stable_addresses(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	assert_int_equal(vfctl(&f, "set eth0/vf0-1 mac=stable trust=on"), 0);
	assert_non_null(strstr(f.out, "0000:01:10.0 mac=" VF0_MAC " "));
	assert_null(strstr(f.out, "stable"));
	assert_int_equal(vfctl(&f, "set eth0/vf0-1 mac=stable"), 0);
	assert_non_null(strstr(f.out, "0000:01:10.0 mac=" VF0_MAC " already so"));
	assert_int_equal(vfctl(&f, "list mac=" VF0_MAC " --no-legend -o ADDRESS"), 0);
	assert_string_equal(f.out, "0000:01:10.0\n");
	end(&f);
}

static void stable_is_for_addresses(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	assert_int_equal(vfctl(&f, "set eth0/vf0 trust=stable"), 2);
	assert_int_equal(vfctl(&f, "set eth0 mac=stable"), 7);
	assert_int_equal(vfctl(&f, "set eth0/vf0-1 mac=02:00:00:00:00:01"), 2);
	fake_vanish(f.cli.host, "/etc/machine-id");
	assert_int_equal(vfctl(&f, "set eth0/vf0 mac=stable"), 3);
	assert_non_null(strstr(f.notes, "machine-id"));
	end(&f);
}

static void another_card_is_left_alone(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	assert_int_equal(vfctl(&f, "config accept eth0"), 0);
	assert_non_null(strstr(f.out, "permanent MAC address 52:54:00:aa:00:01"));
	assert_int_equal(vfctl(&f, "set eth0/vf0 trust=on"), 0);
	fake_put(f.cli.host, "52:54:00:bb:00:01\n", "/sys/class/net/eth0/address");
	fake_log_clear(f.cli.host);
	assert_int_equal(vfctl(&f, "set eth0/vf0 trust=off"), 8);
	assert_int_equal(vfctl(&f, "bind eth0/vf0"), 8);
	assert_int_equal(vfctl(&f, "destroy eth0"), 8);
	assert_int_equal(vfctl(&f, "create eth0 5 --dry-run"), 8);
	assert_int_equal(vfctl(&f, "reset eth0/vf0 --allow-in-use"), 8);
	assert_int_equal(vfctl(&f, "reset eth0/vf0 --allow-in-use --dry-run"), 8);
	assert_int_equal(vfctl(&f, "test eth0/vf0 --bind"), 8);
	assert_int_equal(vfctl(&f, "undo"), 8);
	assert_string_equal(fake_log(f.cli.host), "");
	assert_int_equal(vfctl(&f, "config accept eth0 --dry-run"), 0);
	assert_non_null(strstr(f.out, "would be done"));
	assert_int_equal(vfctl(&f, "set eth0/vf0 trust=off"), 8);
	assert_int_equal(vfctl(&f, "config accept eth0"), 0);
	assert_int_equal(vfctl(&f, "set eth0/vf0 trust=off"), 0);
	end(&f);
}

static void pools(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	fake_put(f.cli.host, "[Match]\nName=eth0\n[VF 1-2]\nPool=fast\n",
		"/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(vfctl(&f, "bind pool=fast"), 0);
	driver_is(&f, "0000:01:10.0", "igbvf");
	driver_is(&f, "0000:01:10.2", "vfio-pci");
	driver_is(&f, "0000:01:10.4", "vfio-pci");
	assert_int_equal(vfctl(&f, "bind pool=slow"), 3);
	fake_put(f.cli.host, "[Match]\nName=eth0\n[VF 1-2]\nPool=fast\nTrust=x\n",
		"/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(vfctl(&f, "restore pool=fast"), 2);
	driver_is(&f, "0000:01:10.2", "vfio-pci");
	end(&f);
}

/* The first apply says which card the configuration holds for. */
static void apply_records_the_card(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	fake_put(
		f.cli.host, "[Match]\nName=eth0\n[VF 0]\nTrust=yes\n", "/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(vfctl(&f, "config accept eth0 --dry-run"), 0);
	assert_non_null(strstr(f.out, "would be done"));
	assert_int_equal(vfctl(&f, "apply --yes"), 0);
	assert_int_equal(vfctl(&f, "config accept eth0 --dry-run"), 0);
	assert_non_null(strstr(f.out, "already so"));
	fake_put(f.cli.host, "52:54:00:bb:00:01\n", "/sys/class/net/eth0/address");
	fake_log_clear(f.cli.host);
	assert_int_equal(vfctl(&f, "apply --yes"), 8);
	assert_int_equal(vfctl(&f, "plan"), 8);
	assert_string_equal(fake_log(f.cli.host), "");
	end(&f);
}

/* A full or read-only /var: it is applied, and it is said what is missing. */
static void a_card_that_cannot_be_noted(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	fake_put(
		f.cli.host, "[Match]\nName=eth0\n[VF 0]\nTrust=yes\n", "/etc/vfctl/pf.d/10-x.conf");
	assert_int_equal(store_put(f.state_dir, "identities", "in the way"), 0);
	assert_int_equal(vfctl(&f, "apply --yes"), 1);
	assert_non_null(strstr(f.notes, "which cards have it cannot be noted"));
	assert_int_equal(vfctl(&f, "--dry-run set eth0/vf0 trust=on"), 0);
	assert_non_null(strstr(f.out, "already so"));
	end(&f);
}

/* Cards without any configuration, too: a change is of a card, not of a place. */
static void undo_knows_its_card(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	assert_int_equal(vfctl(&f, "create eth1 2"), 0);
	fake_put(f.cli.host, "52:54:00:bb:00:02\n", "/sys/class/net/eth1/address");
	assert_int_equal(vfctl(&f, "undo"), 8);
	assert_non_null(strstr(f.notes, "0000:02:00.0 is not the card that 1 was about: its "
					"permanent MAC address was 52:54:00:aa:00:02, now it is "
					"52:54:00:bb:00:02"));
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:02:00.0"), 2);
	fake_put(f.cli.host, "52:54:00:aa:00:02\n", "/sys/class/net/eth1/address");
	assert_int_equal(vfctl(&f, "undo"), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:02:00.0"), 0);
	end(&f);
}

/* Two cards of a kind that change places: each takes along what was done to it. */
static void undo_follows_its_card(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	assert_int_equal(vfctl(&f, "create eth0 2"), 0);
	assert_int_equal(vfctl(&f, "create eth1 3"), 0);
	assert_int_equal(vfctl(&f, "destroy eth1"), 0);
	assert_int_equal(vfctl(&f, "destroy eth0"), 0);
	fake_put(f.cli.host, "52:54:00:aa:00:02\n", "/sys/class/net/eth0/address");
	fake_put(f.cli.host, "52:54:00:aa:00:01\n", "/sys/class/net/eth1/address");
	assert_int_equal(vfctl(&f, "undo 4"), 0);
	assert_non_null(strstr(f.notes, "the card that 4 was about has moved from 0000:01:00.0 to "
					"0000:02:00.0"));
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:01:00.0"), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:02:00.0"), 2);
	end(&f);
}

/* Looking at the configuration changes nothing and tells all. */
static void only_looks(void **state UNUSED)
{
	struct fixture f;

	machine(&f);
	fake_put(f.cli.host, "[Match]\nName=eth0\n[PF]\nVirtualFunctions=9\nX=1\n",
		"/etc/vfctl/pf.d/10-x.conf");
	fake_log_clear(f.cli.host);
	assert_int_equal(vfctl(&f, "config check"), 2);
	assert_non_null(strstr(f.out, "/etc/vfctl/pf.d/10-x.conf:4:18: error: "));
	assert_non_null(strstr(f.out, "/etc/vfctl/pf.d/10-x.conf:5:1: error: "));
	assert_int_equal(vfctl(&f, "config show"), 2);
	assert_int_equal(vfctl(&f, "config cat"), 0);
	assert_int_equal(vfctl(&f, "config pools"), 2);
	assert_string_equal(fake_log(f.cli.host), "");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stable_addresses),
		cmocka_unit_test(stable_is_for_addresses),
		cmocka_unit_test(another_card_is_left_alone),
		cmocka_unit_test(pools),
		cmocka_unit_test(apply_records_the_card),
		cmocka_unit_test(a_card_that_cannot_be_noted),
		cmocka_unit_test(undo_knows_its_card),
		cmocka_unit_test(undo_follows_its_card),
		cmocka_unit_test(only_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
