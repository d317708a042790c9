// SPDX-License-Identifier: GPL-2.0-or-later
/* The public calls, on captured machines and on a kernel that behaves as the measured one. */
#include "env.h"

static void functions(void **state UNUSED)
{
	struct vfctl_host *h = captured("s2-vfio");
	struct vfctl_snapshot *s = picture(h);
	const struct vfctl_function *pf = find(h, s, "eth1"), *vf;

	vfctl_host_close(h); /* the picture stays */
	assert_int_equal(vfctl_snapshot_functions(s), 21);
	assert_null(vfctl_snapshot_function(s, 21));
	assert_string_equal(vfctl_function_address(vfctl_snapshot_function(s, 0)), "0000:00:00.0");
	assert_string_equal(vfctl_function_address(pf), "0000:02:00.0");
	assert_string_equal(vfctl_function_kind(pf), "pf");
	assert_string_equal(vfctl_function_class(pf), "network");
	assert_int_equal(vfctl_function_class_code(pf), 0x020000);
	assert_int_equal(vfctl_function_vendor(pf), 0x8086);
	assert_int_equal(vfctl_function_device(pf), 0x10c9);
	assert_int_equal(vfctl_function_subsystem_vendor(pf), 0x1af4);
	assert_int_equal(vfctl_function_subsystem_device(pf), 0x1100);
	assert_string_equal(vfctl_function_driver(pf), "igb");
	assert_null(vfctl_function_driver_override(pf));
	assert_int_equal(vfctl_function_iommu_group(pf), 8);
	assert_int_equal(vfctl_function_numa_node(pf), -1);
	assert_int_equal(vfctl_function_netdevs(pf), 1);
	assert_string_equal(vfctl_function_netdev(pf, 0), "eth1");
	assert_null(vfctl_function_netdev(pf, 1));
	assert_null(vfctl_function_nvme(pf));
	assert_int_equal(vfctl_function_total_vfs(pf), 7);
	assert_int_equal(vfctl_function_vfs(pf), 2);
	assert_null(vfctl_function_vf(pf, 2));
	assert_null(vfctl_function_physfn(pf));
	assert_int_equal(vfctl_function_vf_index(pf), -1);
	vf = vfctl_function_vf(pf, 1);
	assert_string_equal(vfctl_function_address(vf), "0000:02:10.2");
	assert_string_equal(vfctl_function_driver_override(vf), "vfio-pci");
	assert_ptr_equal(vfctl_function_physfn(vf), pf);
	assert_int_equal(vfctl_function_vf_index(vf), 1);
	assert_int_equal(vfctl_function_total_vfs(vf), 0);
	vfctl_snapshot_free(s);
}

static void groups(void **state UNUSED)
{
	struct vfctl_host *h = captured("s3-nonviable");
	struct vfctl_snapshot *s = picture(h);
	const struct vfctl_group *g = vfctl_snapshot_find_group(s, 10);
	const char *type;
	uint64_t start, end;

	assert_int_equal(vfctl_snapshot_groups(s), 15);
	assert_ptr_equal(vfctl_snapshot_group(s, 10), g);
	assert_null(vfctl_snapshot_group(s, 15));
	assert_null(vfctl_snapshot_find_group(s, 99));
	assert_int_equal(vfctl_group_id(g), 10);
	assert_string_equal(vfctl_group_type(g), "identity");
	assert_false(vfctl_group_viable(g));
	assert_int_equal(vfctl_group_members(g), 3);
	assert_false(vfctl_group_member_blocks(g, 0)); /* the bridge */
	assert_false(vfctl_group_member_blocks(g, 1)); /* on vfio-pci */
	assert_true(vfctl_group_member_blocks(g, 2));
	assert_false(vfctl_group_member_blocks(g, 3));
	assert_string_equal(vfctl_function_address(vfctl_group_member(s, g, 2)), "0000:05:02.0");
	assert_null(vfctl_group_member(s, g, 3));
	assert_int_equal(vfctl_group_reserved(g, 0, &start, &end, &type), 0);
	assert_int_equal(start, 0xfee00000);
	assert_int_equal(end, 0xfeefffff);
	assert_string_equal(type, "msi");
	assert_int_equal(vfctl_group_reserved(g, 1, &start, &end, &type), -ENOENT);
	vfctl_snapshot_free(s);
	vfctl_host_close(h);
}

static void errors(void **state UNUSED)
{
	struct vfctl_host *h = captured("s0-pf-only");
	struct vfctl_snapshot *s = picture(h);
	const struct vfctl_function *f = NULL;
	struct vfctl_error *e = NULL;

	assert_int_equal(vfctl_snapshot_find(h, s, "eth9", &f, &e), -ENOENT);
	assert_null(f);
	assert_string_equal(vfctl_error_message(e), "no function is called 'eth9'");
	assert_string_equal(vfctl_error_hint(e), "did you mean eth0?");
	assert_string_equal(vfctl_error_kind(e), "not-found");
	assert_int_equal(vfctl_error_code(e), -ENOENT);
	assert_int_equal(vfctl_error_exit_code(e), 3);
	vfctl_error_free(e);
	e = NULL;
	assert_int_equal(vfctl_bind(h, "0000:01:00.0", NULL, 0, &e), -EROFS);
	assert_string_equal(vfctl_error_kind(e), "read-only-root");
	vfctl_error_free(e);
	e = NULL;
	assert_int_equal(vfctl_bind(h, "eth0", NULL, 0, &e), -EINVAL);
	assert_string_equal(vfctl_error_kind(e), "usage");
	vfctl_error_free(e);
	assert_int_equal(vfctl_bind(h, "0000:01:00.0", NULL, 1U << 31, NULL), -EINVAL);
	vfctl_error_free(NULL);
	vfctl_snapshot_free(s);
	vfctl_snapshot_free(NULL);
	vfctl_host_close(h);
	vfctl_host_close(NULL);
	h = NULL;
	assert_int_equal(vfctl_host_open_captured("/nowhere", &h, NULL), -ENOENT);
	assert_null(h);
}

static void acts(void **state UNUSED)
{
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s0-pf-only", &kernel);
	const char *pf = "0000:01:00.0", *vf = "0000:01:10.0";

	assert_int_equal(vfctl_set_vfs(h, pf, 2, VFCTL_DRY_RUN, NULL), 1);
	assert_int_equal(fake_num_vfs(kernel, pf), 0);
	assert_int_equal(vfctl_set_vfs(h, pf, 2, 0, NULL), 1);
	assert_int_equal(vfctl_set_vfs(h, pf, 2, 0, NULL), 0);
	assert_int_equal(fake_num_vfs(kernel, pf), 2);
	assert_int_equal(vfctl_set_vfs(h, pf, 8, 0, NULL), -ERANGE);
	assert_int_equal(vfctl_bind(h, vf, NULL, VFCTL_DRY_RUN, NULL), 1);
	driver_is(kernel, vf, "igbvf");
	assert_int_equal(vfctl_bind(h, vf, NULL, 0, NULL), 1);
	driver_is(kernel, vf, "vfio-pci");
	assert_int_equal(vfctl_restore(h, vf, 0, NULL), 1);
	driver_is(kernel, vf, "igbvf");
	assert_int_equal(vfctl_unbind(h, vf, 0, NULL), 1);
	driver_is(kernel, vf, NULL);
	assert_int_equal(vfctl_set_vfs(h, pf, 0, 0, NULL), 1);
	assert_int_equal(fake_num_vfs(kernel, pf), 0);
	vfctl_host_close(h);
}

static void settings(void **state UNUSED)
{
	static const char *const words[] = { "vlan=100", "link-state=enable", "trust=on" };
	static const char *const bad[] = { "vlan=100", "vlan=5000" };
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s1-igb4-igbvf", &kernel);
	struct vfctl_error *e = NULL;
	int results[3] = { 9, 9, 9 };

	assert_int_equal(vfctl_set(h, "0000:01:10.0", words, 3, 0, results, &e), -EOPNOTSUPP);
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], -EOPNOTSUPP);
	assert_int_equal(results[2], 1);
	assert_string_equal(vfctl_error_kind(e), "unsupported");
	vfctl_error_free(e);
	assert_int_equal(vfctl_set(h, "0000:01:10.0", words, 1, 0, results, NULL), 0);
	assert_int_equal(results[0], 0);
	/* What is refused as a whole has no result that looks like one. */
	assert_int_equal(vfctl_set(h, "0000:01:10.0", bad, 2, 0, results, NULL), -EINVAL);
	assert_int_equal(results[0], -ECANCELED);
	assert_int_equal(vfctl_set(h, "0000:01:00.0", words, 1, 0, NULL, NULL), -ENODEV);
	assert_int_equal(vfctl_set(h, "0000:77:00.0", words, 1, 0, NULL, NULL), -ENOENT);
	vfctl_host_close(h);
}

/* "yes", "no", "unknown" */
static void assert_support(struct vfctl_host *h, const char *want_trust, const char *want_link)
{
	struct vfctl_snapshot *s = picture(h);
	struct vfctl_settings *v = NULL;
	const char *key;

	assert_int_equal(vfctl_settings_read(h, find(h, s, "0000:01:10.0"), &v, NULL), 0);
	for (size_t i = 0; (key = vfctl_settings_key(v, i)); i++) {
		if (str_eq(key, "trust"))
			assert_string_equal(vfctl_settings_support(v, i), want_trust);
		if (str_eq(key, "link-state"))
			assert_string_equal(vfctl_settings_support(v, i), want_link);
	}
	vfctl_settings_free(v);
	vfctl_snapshot_free(s);
}

/* What a driver once answered is known for as long as there is a place to note it. */
static void answers_are_learned(void **state UNUSED)
{
	static const char *const words[] = { "link-state=enable", "trust=on" };
	char dir[] = "/tmp/vfctl-api-XXXXXX";
	autofree char *command = str_printf("rm -r %s", mkdtemp(dir));
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s1-igb4-igbvf", &kernel);

	fake_put(kernel, "6.12.95-amd64\n", "/proc/sys/kernel/osrelease");
	assert_int_equal(vfctl_set(h, "0000:01:10.0", words, 2, 0, NULL, NULL), -EOPNOTSUPP);
	assert_support(h, "unknown", "unknown");
	assert_int_equal(vfctl_host_set_state_dir(h, dir), 0);
	assert_int_equal(vfctl_set(h, "0000:01:10.2", words, 2, VFCTL_DRY_RUN, NULL, NULL), 1);
	assert_support(h, "unknown", "unknown"); /* nothing was tried */
	assert_int_equal(vfctl_set(h, "0000:01:10.2", words, 2, 0, NULL, NULL), -EOPNOTSUPP);
	assert_support(h, "yes", "no");
	vfctl_host_close(h);
	assert_int_equal(system(command), 0);
}

static void told(void *arg, const char *text, unsigned waited_ms UNUSED)
{
	unsigned *n = arg;

	assert_true(str_starts(text, "waiting for "));
	++*n;
}

static void progress(void **state UNUSED)
{
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s2-vfio", &kernel);
	unsigned n = 0;

	fake_hold(kernel, "0000:02:10.0");
	vfctl_host_set_progress(h, told, &n);
	vfctl_host_set_timeout(h, 3000);
	assert_int_equal(vfctl_unbind(h, "0000:02:10.0", VFCTL_ALLOW_IN_USE, NULL), -ETIMEDOUT);
	assert_true(n >= 2);
	assert_int_equal(fake_hangs(kernel), 0);
	fake_release(kernel, "0000:02:10.0");
	vfctl_host_close(h);
}

static void the_live_machine(void **state UNUSED)
{
	struct vfctl_host *h = NULL;
	struct vfctl_snapshot *s;

	assert_int_equal(vfctl_host_open(&h, NULL), 0);
	s = picture(h);
	assert_null(vfctl_snapshot_function(s, vfctl_snapshot_functions(s)));
	vfctl_snapshot_free(s);
	vfctl_host_close(h);
	assert_string_equal(vfctl_version(), "0.1.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions),
		cmocka_unit_test(groups),
		cmocka_unit_test(errors),
		cmocka_unit_test(acts),
		cmocka_unit_test(settings),
		cmocka_unit_test(answers_are_learned),
		cmocka_unit_test(progress),
		cmocka_unit_test(the_live_machine),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
