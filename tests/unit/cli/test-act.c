// SPDX-License-Identifier: GPL-2.0-or-later
/* The acting verbs, from the command line to a kernel that behaves as the measured one. */
#include "fixture.h"

static void create_and_destroy(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	assert_int_equal(vfctl(&f, "create eth0 2"), 0);
	assert_string_equal(f.out, "ADDRESS      ACTION RESULT\n"
				   "0000:01:00.0 2 VFs  done\n"
				   "0000:01:10.0 VF 0   done\n"
				   "0000:01:10.2 VF 1   done\n");
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:01:00.0"), 2);
	assert_int_equal(vfctl(&f, "create eth0 2"), 0);
	assert_non_null(strstr(f.out, "2 VFs  already so\n"));
	assert_int_equal(vfctl(&f, "create eth0 8"), 7);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:01:00.0"), 2);
	assert_int_equal(vfctl(&f, "destroy eth0"), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:01:00.0"), 0);
	assert_int_equal(vfctl(&f, "destroy eth0"), 0);
	assert_non_null(strstr(f.out, "already so"));
	end(&f);
}

static void without_autoprobe(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	assert_int_equal(vfctl(&f, "create eth0 1 --autoprobe no"), 0);
	assert_non_null(strstr(f.out, "autoprobe off done"));
	driver_is(&f, "0000:01:10.0", NULL);
	end(&f);
}

static void bind_and_restore(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(vfctl(&f, "bind eth0/vf0-1"), 0);
	driver_is(&f, "0000:01:10.0", "vfio-pci");
	driver_is(&f, "0000:01:10.2", "vfio-pci");
	driver_is(&f, "0000:01:10.4", "igbvf");
	assert_string_equal(f.notes, "");
	assert_int_equal(vfctl(&f, "bind eth0/vf0 vfio-pci"), 0);
	assert_non_null(strstr(f.out, "already so"));
	assert_int_equal(vfctl(&f, "restore eth0/vf0-1"), 0);
	driver_is(&f, "0000:01:10.0", "igbvf");
	driver_is(&f, "0000:01:10.2", "igbvf");
	assert_int_equal(vfctl(&f, "unbind eth0/vf3"), 0);
	driver_is(&f, "0000:01:10.6", NULL);
	end(&f);
}

/* The variant driver of a device is preferred, announced by --dry-run, and not forced. */
static void bind_prefers_a_variant(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	fake_put(f.cli.host, "6.12\n", "/proc/sys/kernel/osrelease");
	fake_put(f.cli.host, "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf_vfio_pci\n",
		"/lib/modules/6.12/modules.alias");
	assert_int_equal(vfctl(&f, "--dry-run bind eth0/vf0"), 0);
	assert_non_null(strstr(f.out, "bind to igbvf_vfio_pci would be done\n"));
	f.cli.dry_run = false;
	assert_int_equal(vfctl(&f, "bind eth0/vf0"), 0);
	assert_non_null(strstr(f.out, "bind to igbvf-vfio-pci done\n"));
	assert_int_equal(vfctl(&f, "bind eth0/vf1 vfio-pci"), 0);
	driver_is(&f, "0000:01:10.0", "igbvf-vfio-pci");
	driver_is(&f, "0000:01:10.2", "vfio-pci");
	end(&f);
}

/* Every name that an interface has names its function, and is shown. */
static void alternative_names(void **state UNUSED)
{
	struct fixture f;
	int eth0 = 0;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(host_link_index(f.cli.host, "eth0", &eth0), 0);
	assert_int_equal(vfctl(&f, "show eth0"), 0);
	assert_null(strstr(f.out, "also called"));
	assert_int_equal(vfctl(&f, "show enp1s0f0-with-a-long-name"), 3);
	fake_altname(f.cli.host, eth0, "enp1s0f0-with-a-long-name");
	fake_altname(f.cli.host, eth0, "uplink");
	assert_int_equal(vfctl(&f, "show enp1s0f0-with-a-long-name"), 0);
	assert_non_null(strstr(f.out, "also called"));
	assert_non_null(strstr(f.out, "uplink\n"));
	assert_int_equal(vfctl(&f, "show uplink --json=short"), 0);
	assert_non_null(strstr(f.out, "\"altnames\":[\"enp1s0f0-with-a-long-name\",\"uplink\"]"));
	assert_int_equal(vfctl(&f, "list uplink/vf1"), 0);
	assert_non_null(strstr(f.out, "0000:01:10.2"));
	end(&f);
}

/* udev has not named one of them in time: they are there, and the user knows. */
static void created_with_a_note(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	fake_udev(f.cli.host, 100);
	fake_udev_ignores(f.cli.host, "0000:01:10.2");
	assert_int_equal(vfctl(&f, "create eth0 2 --timeout 4"), 0);
	assert_non_null(strstr(f.out, "VF 1   done\n"));
	assert_non_null(strstr(
		f.notes, "vfctl: note: 0000:01:10.2 is still being set up by udev\n  hint: "));
	end(&f);
}

/* VFIO could not use it yet: that is said, with the way out, which then works. */
static void a_group_that_is_not_viable(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	assert_int_equal(vfctl(&f, "bind 05:01.0"), 0);
	assert_non_null(strstr(f.notes, "0000:05:02.0 (e1000)"));
	assert_non_null(strstr(f.notes, "--with-group"));
	assert_int_equal(vfctl(&f, "bind 05:01.0 --with-group"), 0);
	driver_is(&f, "0000:05:02.0", "vfio-pci");
	driver_is(&f, "0000:04:00.0", NULL); /* the bridge is left alone */
	assert_string_equal(f.notes, "");
	end(&f);
}

static void one_failure_does_not_stop_the_others(void **state UNUSED)
{
	static const char *const fds[] = { "/dev/vfio/15", "anon_inode:[vfio-device]", NULL };
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	fake_hold(f.cli.host, "0000:02:10.0");
	fake_process(f.cli.host, 4711, "qemu web1", fds);
	assert_int_equal(vfctl(&f, "unbind eth1/vf0-1"), 5);
	assert_string_equal(f.out, "ADDRESS      ACTION RESULT\n"
				   "0000:02:10.0 unbind failed\n"
				   "0000:02:10.2 unbind done\n");
	assert_non_null(strstr(f.notes, "4711"));
	driver_is(&f, "0000:02:10.0", "vfio-pci");
	driver_is(&f, "0000:02:10.2", NULL);
	/* The PF's VFs stay, and nobody waits for ever. */
	assert_int_equal(vfctl(&f, "destroy eth1"), 5);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:02:00.0"), 2);
	fake_release(f.cli.host, "0000:02:10.0");
	end(&f);
}

/* A holder that /proc does not show (another namespace): the deadline ends it, and is announced. */
static void waiting_is_told_and_ends(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	fake_hold(f.cli.host, "0000:02:10.0");
	assert_int_equal(vfctl(&f, "-v unbind eth1/vf0 --allow-in-use --timeout 3"), 10);
	assert_non_null(strstr(f.notes, "waiting for"));
	assert_non_null(strstr(f.notes, " 1 s\n"));
	fake_release(f.cli.host, "0000:02:10.0");
	end(&f);
}

static void network_attributes(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(vfctl(&f, "set eth0/vf1 mac=02:00:00:00:00:10 vlan=100 trust=on"), 0);
	assert_string_equal(f.out, "ADDRESS      ACTION                RESULT\n"
				   "0000:01:10.2 mac=02:00:00:00:00:10 done\n"
				   "0000:01:10.2 vlan=100              done\n"
				   "0000:01:10.2 trust=on              done\n");
	assert_int_equal(vfctl(&f, "set eth0/vf1 vlan=100 --dry-run"), 0);
	assert_non_null(strstr(f.out, "already so"));
	assert_int_equal(vfctl(&f, "show eth0/vf1"), 0);
	assert_non_null(strstr(f.out, "mac=02:00:00:00:00:10 vlan=100"));
	/* igb cannot do the first; the second is done all the same. */
	assert_int_equal(vfctl(&f, "set eth0/vf1 link-state=enable spoofchk=off"), 7);
	assert_non_null(strstr(f.out, "link-state=enable failed"));
	assert_non_null(strstr(f.out, "spoofchk=off      done"));
	end(&f);
}

static void nvme_resources_in_order(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s4-nvme-vf.tar.gz");
	assert_int_equal(vfctl(&f, "set nvme0/vf0 online=yes vi=1 vq=2"), 0);
	assert_string_equal(f.out, "ADDRESS      ACTION     RESULT\n"
				   "0000:03:00.1 vq=2       done\n"
				   "0000:03:00.1 vi=1       done\n"
				   "0000:03:00.1 online=yes done\n");
	assert_int_equal(vfctl(&f, "set nvme0/vf0 vq=2 vi=1 online=yes"), 0);
	assert_null(strstr(f.out, "done"));
	/* Online, it does not change by accident, … */
	assert_int_equal(vfctl(&f, "set nvme0/vf0 vq=3"), 5);
	assert_non_null(strstr(f.notes, "add online=yes"));
	/* … but goes offline and comes back, with the other resource as it was. */
	assert_int_equal(vfctl(&f, "set nvme0/vf0 vq=3 online=yes"), 0);
	assert_int_equal(vfctl(&f, "show nvme0/vf0"), 0);
	assert_non_null(strstr(f.out, "vq=3 vi=1 online=yes"));
	/* What fails half way comes back as it was. */
	assert_int_not_equal(vfctl(&f, "set nvme0/vf0 vq=60000 online=yes"), 0);
	assert_int_equal(vfctl(&f, "show nvme0/vf0"), 0);
	assert_non_null(strstr(f.out, "vq=3 vi=1 online=yes"));
	assert_int_equal(vfctl(&f, "set nvme0/vf0 online=no"), 0);
	assert_int_equal(vfctl(&f, "show nvme0/vf0"), 0);
	assert_non_null(strstr(f.out, "vq=0 vi=0 online=no"));
	end(&f);
}

static void nvme_refusals(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s4-nvme-vf.tar.gz");
	/* Without an interrupt vector it cannot come online; what was not tried says so. */
	assert_int_not_equal(vfctl(&f, "set nvme0/vf0 vq=2 online=yes"), 0);
	assert_non_null(strstr(f.out, "vq=2       done"));
	assert_non_null(strstr(f.out, "online=yes failed"));
	assert_int_not_equal(vfctl(&f, "set nvme0/vf1 vq=60000 vi=1 online=yes"), 0);
	assert_non_null(strstr(f.out, "vq=60000   failed\n0000:03:00.2 vi=1       failed\n"
				      "0000:03:00.2 online=yes failed"));
	assert_non_null(strstr(f.notes, "not tried after vq=60000"));
	assert_int_equal(vfctl(&f, "set nvme0/vf0 vq=2 vq=3"), 2);
	assert_int_equal(vfctl(&f, "set nvme0/vf0 online=perhaps"), 2);
	assert_int_equal(vfctl(&f, "set nvme0/vf0 vq=65536"), 2);
	end(&f);
}

/* Everything in the log but Identify (06h), which asks an NVMe controller and changes nothing. */
static void nothing_changed(struct host *h)
{
	autofree char *log = strdup(fake_log(h));

	for (char *line, *rest = log; (line = strsep(&rest, "\n"));)
		if (*line && !str_starts(line, "nvme 0x06 "))
			fail_msg("changed: %s", line);
}

static void a_dry_run_touches_nothing(void **state UNUSED)
{
	static const char *const lines[] = { "create eth1 3 --autoprobe no", "destroy eth0",
		"bind eth0/vf0-3", "unbind eth0/vf0", "restore eth0/vf0",
		"set eth0/vf0 mac=02:00:00:00:00:10", "set nvme0/vf0 vq=2 vi=1 online=yes" };
	struct fixture f;

	start(&f, HOSTS_DIR "/s4-nvme-vf.tar.gz");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		autofree char *line = str_printf("--dry-run %s", lines[i]);

		assert_int_equal(vfctl(&f, line), 0);
		if (!str_starts(lines[i], "restore"))
			assert_non_null(strstr(f.out, "would be done"));
		nothing_changed(f.cli.host);
	}
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_and_destroy),
		cmocka_unit_test(without_autoprobe),
		cmocka_unit_test(bind_and_restore),
		cmocka_unit_test(bind_prefers_a_variant),
		cmocka_unit_test(alternative_names),
		cmocka_unit_test(created_with_a_note),
		cmocka_unit_test(a_group_that_is_not_viable),
		cmocka_unit_test(one_failure_does_not_stop_the_others),
		cmocka_unit_test(waiting_is_told_and_ends),
		cmocka_unit_test(network_attributes),
		cmocka_unit_test(nvme_resources_in_order),
		cmocka_unit_test(nvme_refusals),
		cmocka_unit_test(a_dry_run_touches_nothing),
	};

	return cmocka_run_group_tests_name("act", tests, NULL, NULL);
}
