// SPDX-License-Identifier: GPL-2.0-or-later
/* plan, apply, undo and history, from the command line to a kernel that behaves as the real one. */
#include "fixture.h"

#include "store/lock.h"
#include "store/store.h"

#define PF  "0000:01:00.0"
#define VF0 "0000:01:10.0"
#define VF1 "0000:01:10.2"

static const char four[] = "[Match]\nPath=pci-0000:01:00.0\n[PF]\nVirtualFunctions=4\n"
			   "DriversAutoprobe=no\n[VF *]\nDriver=vfio-pci\nVLANId=100\n";

/* "VERB … FILE" with a configuration of that text. */
static int with_config(struct fixture *f, const char *line, const char *text)
{
	autofree char *name = str_printf("%s/conf/10-x.conf", f->state_dir);
	autofree char *dir = str_printf("%s/conf", f->state_dir);
	autofree char *whole = str_printf("%s %s", line, name);

	assert_int_equal(store_put(dir, "10-x.conf", text), 0);
	/* The configuration is looked for on the machine that is asked about. */
	fake_put(f->cli.host, text, "%s", name);
	return vfctl(f, whole);
}

static void planned_applied_undone(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	assert_int_equal(with_config(&f, "plan --detailed-exitcode", four), 2);
	assert_non_null(strstr(f.out, "+ VFs 0 → 4"));
	assert_non_null(strstr(f.out, "~ autoprobe on → off"));
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 0);
	assert_int_equal(with_config(&f, "apply --yes", four), 0);
	assert_non_null(strstr(f.notes, "vfctl undo 1 takes this back"));
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 4);
	driver_is(&f, VF0, "vfio-pci");
	/* Nothing is done twice. */
	fake_log_clear(f.cli.host);
	assert_int_equal(with_config(&f, "apply --yes", four), 0);
	assert_string_equal(f.out, "Nothing to do: all is as it should be.\n");
	assert_string_equal(fake_log(f.cli.host), "");
	assert_int_equal(with_config(&f, "plan --detailed-exitcode", four), 0);
	assert_int_equal(vfctl(&f, "history"), 0);
	assert_non_null(strstr(f.out, "   1  "));
	assert_non_null(strstr(f.out, "done     apply"));
	assert_int_equal(vfctl(&f, "history 1"), 0);
	assert_non_null(strstr(f.out, PF "/vf3  bind to vfio-pci  done\n"));
	assert_int_equal(vfctl(&f, "undo"), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 0);
	/* And that, too. */
	assert_int_equal(vfctl(&f, "undo 2"), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 4);
	driver_is(&f, VF1, "vfio-pci");
	assert_int_equal(vfctl(&f, "undo 99"), 3);
	assert_int_equal(vfctl(&f, "undo x"), 2);
	end(&f);
}

/* Each verb that acts is in the journal, and its undo is what was. */
static void every_verb_can_be_undone(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(vfctl(&f, "bind eth0/vf0-1"), 0);
	assert_int_equal(vfctl(&f, "undo"), 0);
	driver_is(&f, VF0, "igbvf");
	driver_is(&f, VF1, "igbvf");
	assert_int_equal(vfctl(&f, "unbind eth0/vf0"), 0);
	assert_int_equal(vfctl(&f, "undo"), 0);
	driver_is(&f, VF0, "igbvf");
	assert_int_equal(vfctl(&f, "set eth0/vf1 vlan=5 trust=on"), 0);
	assert_int_equal(vfctl(&f, "undo"), 0);
	assert_int_equal(vfctl(&f, "--dry-run set eth0/vf1 vlan=0 trust=off"), 0);
	assert_null(strstr(f.out, "would"));
	f.cli.dry_run = false;
	assert_int_equal(vfctl(&f, "bind eth0/vf0"), 0);
	assert_int_equal(vfctl(&f, "restore eth0/vf0"), 0);
	assert_int_equal(vfctl(&f, "undo"), 0);
	driver_is(&f, VF0, "vfio-pci");
	/* What goes with the VFs comes back with them. */
	assert_int_equal(vfctl(&f, "set eth0/vf1 vlan=7"), 0);
	assert_int_equal(vfctl(&f, "destroy eth0"), 0);
	assert_int_equal(vfctl(&f, "undo"), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 4);
	driver_is(&f, VF0, "vfio-pci");
	assert_int_equal(vfctl(&f, "--dry-run set eth0/vf1 vlan=7"), 0);
	assert_null(strstr(f.out, "would"));
	end(&f);
}

static void held_ones_are_never_destroyed(void **state UNUSED)
{
	static const char *const fds[] = { "/dev/vfio/15", "anon_inode:[vfio-device]", NULL };
	static const char three[] = "[Match]\nPath=pci-0000:02:00.0\n[PF]\nVirtualFunctions=3\n";
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	assert_int_equal(with_config(&f, "plan", three), 5);
	assert_non_null(strstr(f.notes, "--allow-destroy"));
	fake_hold(f.cli.host, "0000:02:10.0");
	fake_process(f.cli.host, 4711, "qemu web1", fds);
	fake_log_clear(f.cli.host);
	assert_int_equal(with_config(&f, "plan --allow-destroy --allow-in-use", three), 5);
	assert_non_null(strstr(f.out, "0000:02:10.0 is destroyed: pid 4711"));
	assert_int_equal(with_config(&f, "apply --yes --allow-destroy --allow-in-use", three), 5);
	assert_non_null(strstr(f.notes, "4711"));
	assert_string_equal(fake_log(f.cli.host), "");
	/* What leaves it alone is done. */
	assert_int_equal(vfctl(&f, "bind eth1/vf1"), 0);
	fake_release(f.cli.host, "0000:02:10.0");
	fake_process_ends(f.cli.host, 4711);
	assert_int_equal(with_config(&f, "apply --yes --allow-destroy", three), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:02:00.0"), 3);
	driver_is(&f, "0000:02:10.0", "vfio-pci");
	end(&f);
}

/* One PF's held VF stops the whole; with --keep-going its own PF only. */
static void others_are_not_stopped(void **state UNUSED)
{
	static const char both[] = "[Match]\nDriver=igb\n[PF]\nVirtualFunctions=3\n";
	static const char *const fds[] = { "/dev/vfio/15", "anon_inode:[vfio-device]", NULL };
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	assert_int_equal(vfctl(&f, "destroy eth0 --allow-in-use"), 0);
	fake_hold(f.cli.host, "0000:02:10.0");
	fake_process(f.cli.host, 4711, "qemu web1", fds);
	assert_int_equal(with_config(&f, "apply --yes --allow-destroy", both), 5);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 0);
	assert_int_equal(with_config(&f, "--dry-run apply --allow-destroy", both), 5);
	f.cli.dry_run = false;
	assert_int_equal(with_config(&f, "apply --yes --allow-destroy --keep-going", both), 5);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 3);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:02:00.0"), 2);
	assert_non_null(strstr(f.out, "0000:02:00.0 apply  failed"));
	assert_non_null(strstr(f.notes, "4711"));
	end(&f);
}

/* Of a configuration for both, one PF alone; and what is wrong with the other does not matter. */
static void one_pf_of_many(void **state UNUSED)
{
	static const char both[] = "[Match]\nDriver=igb\n[PF]\nVirtualFunctions=3\n";
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	assert_int_equal(with_config(&f, "plan --pf 01:00.0", both), 0);
	assert_non_null(strstr(f.out, PF));
	assert_null(strstr(f.out, "0000:02:00.0"));
	assert_int_equal(with_config(&f, "apply --yes --pf eth1", both), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:02:00.0"), 3);
	/* Another card where that one was: the other PF goes its way. */
	fake_put(f.cli.host, "52:54:00:bb:00:01\n", "/sys/class/net/eth1/address");
	assert_int_equal(with_config(&f, "apply --yes", both), 8);
	assert_int_equal(with_config(&f, "apply --yes --pf eth1", both), 8);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 0);
	assert_int_equal(with_config(&f, "apply --yes --pf eth0", both), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 3);
	/* What cannot be read may mean any of them. */
	assert_int_equal(
		with_config(&f, "apply --yes --pf eth0", "[Match]\nDriver=igb\n[PE]\n"), 2);
	assert_int_equal(with_config(&f, "apply --yes --pf 00:1f.2", both), 2);
	assert_int_equal(with_config(&f, "apply --yes --pf eth99", both), 3);
	assert_int_equal(with_config(&f, "apply --yes --pf eth0",
				 "[Match]\nName=eth1\n[PF]\n"
				 "VirtualFunctions=1\n"),
		0);
	assert_non_null(strstr(f.notes, "no configuration is about " PF));
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 3);
	end(&f);
}

static void tried_again(void **state UNUSED)
{
	struct lock other = { -1 };
	struct fixture f;
	autofree char *who = NULL;
	uint64_t begin;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	autofree char *dir = str_printf("%s/lock", f.run_dir);
	assert_int_equal(lock_try(dir, PF, "4711 apply", &other, &who), 0);
	begin = host_now_ms(f.cli.host);
	assert_int_equal(with_config(&f, "apply --yes --retry 20", four), 5);
	/* After 1, 2, 4, 8 seconds; 16 more are too long. */
	assert_in_range(host_now_ms(f.cli.host) - begin, 15000, 16000);
	assert_non_null(strstr(f.notes, "vfctl: once more in 8 s\n"));
	assert_null(strstr(f.notes, "once more in 16 s"));
	lock_release(&other);
	/* The first try fails, and is taken back; not the second. */
	fake_fail_nth(f.cli.host, FAKE_WRITE, 2, -EIO);
	assert_int_equal(with_config(&f, "apply --yes --retry 20", four), 0);
	assert_non_null(strstr(f.notes, "vfctl: once more in 1 s\n"));
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 4);
	driver_is(&f, VF1, "vfio-pci");
	/* What is written wrong stays wrong. */
	assert_int_equal(with_config(&f, "apply --yes --retry 20", "[Match]\nPath=*\n[PE]\n"), 2);
	assert_null(strstr(f.notes, "once more"));
	assert_int_equal(with_config(&f, "apply --yes --retry x", four), 2);
	end(&f);
}

static void what_changed_since_is_not_undone(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(vfctl(&f, "set eth0/vf0 vlan=5"), 0);
	assert_int_equal(vfctl(&f, "set eth0/vf0 vlan=6"), 0);
	assert_int_equal(vfctl(&f, "undo 1"), 8);
	assert_int_equal(vfctl(&f, "undo 1 --force"), 0);
	assert_int_equal(vfctl(&f, "--dry-run set eth0/vf0 vlan=0"), 0);
	assert_null(strstr(f.out, "would"));
	end(&f);
}

static void a_failure_takes_all_back(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s0-pf-only.tar.gz");
	fake_fail_path(f.cli.host, FAKE_WRITE, "drivers/vfio-pci/bind", -EIO);
	assert_int_not_equal(with_config(&f, "apply --yes", four), 0);
	assert_non_null(strstr(f.notes, "all is as it was before"));
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 0);
	assert_int_equal(vfctl(&f, "history"), 0);
	assert_non_null(strstr(f.out, "undone"));
	assert_int_not_equal(with_config(&f, "apply --yes --keep-going", four), 0);
	assert_int_equal(fake_num_vfs(f.cli.host, PF), 4);
	end(&f);
}

static void one_at_a_time(void **state UNUSED)
{
	struct lock other = { -1 };
	struct fixture f;
	autofree char *who = NULL;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	autofree char *dir = str_printf("%s/lock", f.run_dir);
	assert_int_equal(lock_try(dir, PF, "4711 apply", &other, &who), 0);
	fake_log_clear(f.cli.host);
	assert_int_equal(vfctl(&f, "destroy eth0"), 5);
	assert_non_null(strstr(f.notes, "pid 4711 (vfctl apply) works on " PF));
	assert_int_equal(vfctl(&f, "bind eth0/vf0 --timeout 2"), 10);
	assert_string_equal(fake_log(f.cli.host), "");
	lock_release(&other);
	assert_int_equal(vfctl(&f, "bind eth0/vf0"), 0);
	end(&f);
}

/* A journal that cannot be written: nothing is done. */
static void without_a_journal(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(store_put(f.state_dir, "run", "a file in the way"), 0);
	fake_log_clear(f.cli.host);
	assert_int_not_equal(vfctl(&f, "destroy eth0"), 0);
	assert_string_equal(fake_log(f.cli.host), "");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(planned_applied_undone),
		cmocka_unit_test(every_verb_can_be_undone),
		cmocka_unit_test(held_ones_are_never_destroyed),
		cmocka_unit_test(others_are_not_stopped),
		cmocka_unit_test(what_changed_since_is_not_undone),
		cmocka_unit_test(one_pf_of_many),
		cmocka_unit_test(tried_again),
		cmocka_unit_test(a_failure_takes_all_back),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(without_a_journal),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
