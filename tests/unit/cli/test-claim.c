// SPDX-License-Identifier: GPL-2.0-or-later
/* assign, release and leases, from the command line to a kernel that behaves as the measured one.
 */
#include "fixture.h"

#define VF0 "0000:01:10.0"
#define VF1 "0000:01:10.2"

static void begin(struct fixture *f)
{
	start(f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	fake_mirror(f->cli.host, "/run/vfctl", f->run_dir);
	fake_put(f->cli.host,
		"4711 (qemu (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 8321 0 0\n",
		"/proc/4711/stat");
	fake_put(f->cli.host,
		"Limit                     Soft Limit           Hard Limit           Units     \n"
		"Max locked memory         8388608              8388608              bytes     \n",
		"/proc/4711/limits");
}

static void says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void given_and_taken_back(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(vfctl(&f, "set eth0/vf0 vlan=7 mac=02:00:00:00:00:07"), 0);
	assert_int_equal(vfctl(&f, "assign eth0/vf0 vlan=100 --to process:4711 "
				   "-o FUNCTION,VF,OWNER,ALIVE,STATE,WHY"),
		0);
	assert_string_equal(f.out, "FUNCTION     VF       OWNER        ALIVE STATE WHY\n" VF0
				   " eth0/vf0 process:4711 alive held  process 4711 runs\n");
	says(f.notes, "process 4711 may pin 8M: a guest with more memory than that cannot");
	driver_is(&f, VF0, "vfio-pci");
	assert_int_equal(vfctl(&f, "list eth0/vf0-1 -o ADDRESS,CLAIM,HOLDER"), 0);
	assert_string_equal(f.out,
		"ADDRESS      CLAIM        HOLDER\n" VF0
		" process:4711 claimed by process:4711\n" VF1 " -            -\n");
	assert_int_equal(vfctl(&f, "release eth0/vf0"), 0);
	says(f.out, VF0 " release from process:4711 done\n");
	driver_is(&f, VF0, "igbvf");
	assert_int_equal(fake_resets(f.cli.host, VF0), 1);
	assert_int_equal(vfctl(&f, "show eth0"), 0);
	says(f.out, "mac=02:00:00:00:00:07 vlan=7 ");
	assert_int_equal(vfctl(&f, "leases --no-legend"), 0);
	assert_string_equal(f.out, "");
	end(&f);
}

/* Others name the owner and leave it alone; nobody else may have it. */
static void claimed_is_claimed(void **state UNUSED)
{
	static const char *const refused[] = { "unbind eth0/vf0", "bind eth0/vf0 igbvf",
		"restore eth0/vf0", "destroy eth0", "create eth0 2", "reset eth0/vf0",
		"test eth0/vf0", "assign eth0/vf0 --to manual:other" };
	struct fixture f;

	begin(&f);
	assert_int_equal(vfctl(&f, "assign eth0/vf0 --to process:4711"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		int r = vfctl(&f, refused[i]);

		if (r != 5)
			fail_msg("%s: exit code %d\n%s%s", refused[i], r, f.out, f.notes);
		says(f.notes, "claimed by process:4711");
	}
	driver_is(&f, VF0, "vfio-pci");
	assert_int_equal(fake_num_vfs(f.cli.host, "0000:01:00.0"), 4);
	assert_int_equal(fake_resets(f.cli.host, VF0), 0);
	end(&f);
}

static void held_is_not_returned(void **state UNUSED)
{
	struct fixture f;
	autofree char *link = NULL;
	const char *open_node[] = { NULL, NULL };

	begin(&f);
	assert_int_equal(vfctl(&f, "assign eth0/vf0 --to process:4711"), 0);
	assert_int_equal(vfctl(&f, "list eth0/vf0 --no-legend -o GROUP"), 0);
	link = str_printf("/dev/vfio/%s", str_trim(f.out));
	open_node[0] = link;
	fake_process(f.cli.host, 4711, "qemu -name web1", open_node);
	fake_hold(f.cli.host, VF0);
	assert_int_equal(vfctl(&f, "release eth0/vf0"), 5);
	says(f.notes, "in use by pid 4711 (qemu web1)");
	assert_int_equal(vfctl(&f, "leases --no-legend -o STATE"), 0);
	assert_string_equal(f.out, "held\n");
	fake_release(f.cli.host, VF0);
	fake_process_ends(f.cli.host, 4711);
	assert_int_equal(vfctl(&f, "leases --no-legend -o ALIVE,WHY --gone"), 0);
	assert_string_equal(f.out, "gone  process 4711 has ended\n");
	assert_int_equal(vfctl(&f, "release --gone"), 0);
	driver_is(&f, VF0, "igbvf");
	assert_int_equal(vfctl(&f, "release --gone"), 0);
	assert_string_equal(f.out, "Nothing to release: no owner is gone.\n");
	end(&f);
}

static void a_reset_that_fails(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(vfctl(&f, "assign eth0/vf0 --to manual:x"), 0);
	fake_reset_breaks(f.cli.host, VF0, true, 0);
	assert_int_not_equal(vfctl(&f, "release eth0/vf0"), 0);
	says(f.notes, "is in quarantine now");
	says(f.notes, "vfctl release --clear-quarantine " VF0 " tries again");
	assert_int_equal(vfctl(&f, "leases --no-legend -o STATE,WHY"), 0);
	says(f.out, "quarantine ");
	says(f.out, "has not come back from the reset");
	assert_int_equal(vfctl(&f, "assign eth0/vf0 --to manual:y"), 6);
	says(f.notes, "is in quarantine");
	assert_int_equal(vfctl(&f, "release eth0/vf0"), 6);
	assert_int_equal(vfctl(&f, "bind eth0/vf0 igbvf"), 5);
	end(&f);
}

static void from_a_pool(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	fake_put(f.cli.host, "[Match]\nDriver=igb\nPath=pci-0000:01:00.0\n[VF 0-2]\nPool=fast\n",
		"/etc/vfctl/pf.d/10-a.conf");
	assert_int_equal(vfctl(&f, "assign --pool fats --to manual:x"), 3);
	assert_int_equal(vfctl(&f, "assign --pool fast --count 4 --to manual:x"), 5);
	says(f.notes, "pool fast has 3 free of 3, 4 asked for");
	driver_is(&f, VF0, "igbvf");
	assert_int_equal(vfctl(&f, "assign --pool fast --to manual:x --no-legend -o VF,POOL"), 0);
	assert_string_equal(f.out, "eth0/vf0 fast\n");
	assert_int_equal(vfctl(&f, "assign --pool fast --count 2 --to manual:y"), 0);
	assert_int_equal(vfctl(&f, "assign --pool fast --to manual:z"), 5);
	says(f.notes, "pool fast has 0 free of 3, 1 asked for; " VF0 " is claimed by manual:x");
	assert_int_equal(vfctl(&f, "release --owner manual:y"), 0);
	assert_int_equal(vfctl(&f, "leases --no-legend -o VF,OWNER"), 0);
	assert_string_equal(f.out, "eth0/vf0 manual:x\n");
	end(&f);
}

static void bad_words(void **state UNUSED)
{
	static const struct {
		const char *line;
		int code;
		const char *says;
	} bad[] = {
		{ "assign eth0/vf0", 2, "to whom?" },
		{ "assign --to manual:x", 2, "which function?" },
		{ "assign eth0/vf0 --to nobody", 2, "'nobody' is no owner" },
		{ "assign eth0/vf0 --to process:", 2, "is no owner" },
		{ "assign eth0/vf0 --to process:0", 2, "no process id" },
		{ "assign eth0/vf0 --to process:99", 3, "there is no process 99" },
		{ "assign eth0/vf0 --to container:abc", 3, "no running container" },
		{ "assign eth0/vf0 --to domain:../x", 2, "is no owner" },
		{ "assign eth0/vf0 eth0/vf1 --to manual:x", 2, "no setting" },
		{ "assign eth0/vf0 vlna=1 --to manual:x", 2, "vlna" },
		{ "assign eth0/vf0-1 mac=02:00:00:00:00:01 --to manual:x", 2, "the same" },
		{ "assign eth0/vf0 --to manual:x --user nobodyatall", 3, "no user" },
		{ "assign eth0/vf0 --count 0 --to manual:x", 2, "--count 0" },
		{ "assign eth0/vf0 --count 2 --to manual:x", 5, "1 of 1 are free, 2 asked for" },
		{ "assign eth0 --to manual:x", 6, "is a PF with 4 VFs" },
		{ "release", 2, "which functions?" },
		{ "release eth0/vf0 --gone", 2, "one of them" },
		{ "release eth0/vf0", 3, "is on no claim" },
		{ "release --owner manual:x", 3, "manual:x has no claim" },
	};
	struct fixture f;

	begin(&f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int r = vfctl(&f, bad[i].line);

		if (r != bad[i].code || !strstr(f.notes, bad[i].says))
			fail_msg("%s: %d\n%s%s", bad[i].line, r, f.out, f.notes);
	}
	driver_is(&f, VF0, "igbvf");
	assert_int_equal(vfctl(&f, "leases --no-legend"), 0);
	assert_string_equal(f.out, "");
	end(&f);
}

static void memory_is_told(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(vfctl(&f, "assign eth0/vf0 --mem 512M --to process:4711"), 0);
	says(f.notes, "process 4711 may pin 8M, and a guest of that size needs 512M");
	assert_int_equal(vfctl(&f, "assign eth0/vf1 --mem 4M --to process:4711"), 0);
	assert_string_equal(f.notes, "");
	/* With CAP_IPC_LOCK there is no limit. */
	fake_put(f.cli.host, "Name:\tqemu\nCapEff:\t0000000000004000\n", "/proc/4711/status");
	assert_int_equal(vfctl(&f, "assign eth0/vf2 --mem 512M --to process:4711"), 0);
	assert_string_equal(f.notes, "");
	end(&f);
}

static void a_dry_run(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(vfctl(&f, "--dry-run assign eth0/vf0 --to manual:x"), 0);
	says(f.out, VF0 " assign to manual:x would be done\n");
	driver_is(&f, VF0, "igbvf");
	assert_int_equal(access(f.run_dir, F_OK), -1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(given_and_taken_back),
		cmocka_unit_test(claimed_is_claimed),
		cmocka_unit_test(held_is_not_returned),
		cmocka_unit_test(a_reset_that_fails),
		cmocka_unit_test(from_a_pool),
		cmocka_unit_test(bad_words),
		cmocka_unit_test(memory_is_told),
		cmocka_unit_test(a_dry_run),
	};

	return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
