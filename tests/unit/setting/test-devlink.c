// SPDX-License-Identifier: GPL-2.0-or-later
/* The eswitch, the functions behind its ports and their rates, on a driver that has some of it. */
#include "set.h"
#include "setting/port.h"
#include "setting/report.h"

#include <linux/devlink.h>

#define PF "0000:01:00.0"
#define VF "0000:01:10.0"

static int setup(void **state)
{
	struct fixture *f = fixture_new("s0-pf-only");

	fake_devlink(f->h, PF);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void make_vfs(struct fixture *f)
{
	assert_int_equal(
		f->h->ops->write_file(f->h, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "2", 1), 0);
	host_sleep_ms(f->h, 1000);
	look_again(f);
}

static void switchdev(struct fixture *f)
{
	assert_int_equal(set(f, PF, "eswitch-mode=switchdev"), 1);
	make_vfs(f);
	fake_log_clear(f->h);
}

static void the_mode_changes(void **state)
{
	struct fixture *f = *state;

	assert_value(f, PF, "eswitch-mode", "legacy");
	assert_int_equal(set_with(f, PF, "eswitch-mode=switchdev", true, false), 1);
	assert_value(f, PF, "eswitch-mode", "legacy");
	assert_int_equal(set(f, PF, "eswitch-mode=switchdev"), 1);
	assert_value(f, PF, "eswitch-mode", "switchdev");
	assert_int_equal(set(f, PF, "eswitch-mode=Switchdev"), 0);
	assert_int_equal(set(f, PF, "inline-mode=transport"), 1);
	assert_value(f, PF, "inline-mode", "transport");
	assert_int_equal(support_of(f, PF, "eswitch-mode").s, SETTING_SUPPORTED);
}

static void what_the_driver_does_not_tell_it_does_not_have(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(support_of(f, PF, "encap-mode").s, SETTING_UNSUPPORTED);
	assert_int_equal(set(f, PF, "encap-mode=basic"), -EOPNOTSUPP);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
	assert_string_equal(f->what, PF ": igb refuses encap-mode: Operation not supported");
}

static void the_kernels_sentence_is_told(void **state)
{
	struct fixture *f = *state;

	make_vfs(f);
	assert_int_equal(set(f, PF, "eswitch-mode=switchdev"), -EBUSY);
	assert_string_equal(f->what, PF ": igb refuses eswitch-mode: there are VFs");
	assert_int_equal(f->kind, PROBLEM_IN_USE);
}

/* What a guest uses is not taken away from it, and is not even asked for. */
static void not_under_a_guest(void **state)
{
	static const char *const fds[] = { "/dev/vfio/15", "anon_inode:[vfio-device]", NULL };
	struct fixture *f = *state;
	autofree char *group = NULL;

	make_vfs(f);
	assert_true(f->h->ops->load_module(f->h, "vfio-pci") >= 0);
	assert_int_equal(
		f->h->ops->write_file(f->h, "/sys/bus/pci/drivers/igbvf/unbind", VF, 12), 0);
	fake_put(f->h, "vfio-pci\n", "/sys/bus/pci/devices/" VF "/driver_override");
	assert_int_equal(
		f->h->ops->write_file(f->h, "/sys/bus/pci/drivers/vfio-pci/bind", VF, 12), 0);
	group = str_printf("/dev/vfio/%d", function_at(f, VF)->iommu_group);
	fake_process(f->h, 4711, "qemu -name web1", (const char *[]) { group, fds[1], NULL });
	look_again(f);
	fake_log_clear(f->h);
	assert_int_equal(set(f, PF, "eswitch-mode=switchdev"), -EBUSY);
	assert_int_equal(f->kind, PROBLEM_IN_USE);
	assert_non_null(strstr(f->what, "4711"));
	assert_string_equal(fake_log(f->h), "");
	assert_int_equal(set_with(f, PF, "eswitch-mode=switchdev", false, true), -EBUSY);
	assert_string_equal(fake_log(f->h), "devlink pci/" PF " eswitch\n");
}

static void no_devlink_is_a_clear_answer(void **state)
{
	struct fixture *f = *state;
	struct support s = support_of(f, "0000:02:00.0", "eswitch-mode");

	assert_int_equal(s.s, SETTING_UNSUPPORTED);
	assert_string_equal(s.why, "igb has no devlink instance for 0000:02:00.0");
	assert_int_equal(set(f, "0000:02:00.0", "eswitch-mode=switchdev"), -ENODEV);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
}

static void legacy_vfs_have_no_port(void **state)
{
	struct fixture *f = *state;
	struct support s;

	make_vfs(f);
	s = support_of(f, VF, "roce");
	assert_int_equal(s.s, SETTING_UNSUPPORTED);
	assert_string_equal(s.why, PF " has ports for its VFs only with eswitch-mode=switchdev");
	assert_int_equal(set(f, VF, "roce=off"), -EOPNOTSUPP);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
}

static void a_vf_has_a_representor(void **state)
{
	struct fixture *f = *state;
	struct devlink_port port;

	switchdev(f);
	assert_int_equal(port_of_vf(f->h, function_at(f, "0000:01:10.2"), &port), 0);
	assert_string_equal(port.netdev, "eth0_1");
	assert_true(port.ifindex > 0);
	port.external = true;
	assert_false(port_is_of_vf(&port, 1));
	port.external = false;
	assert_true(port_is_of_vf(&port, 1));
	port.controller = 1;
	assert_false(port_is_of_vf(&port, 1));
}

static void every_key_of_a_function(void **state)
{
	static const struct {
		const char *word, *value, *back;
	} rows[] = {
		{ "hw-addr=02:00:00:00:00:FF", "02:00:00:00:00:ff", "hw-addr=02:00:00:00:00:01" },
		{ "roce=no", "off", "roce=on" },
		{ "migratable=on", "on", "migratable=off" },
		{ "tx-max=500", "500", "tx-max=0" },
		{ "tx-share=100", "100", "tx-share=0" },
	};
	struct fixture *f = *state;

	switchdev(f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autofree char *key = strndup(rows[i].word, strcspn(rows[i].word, "="));

		assert_int_equal(support_of(f, VF, key).s, SETTING_SUPPORTED);
		assert_int_equal(set(f, VF, rows[i].word), 1);
		assert_value(f, VF, key, rows[i].value);
		assert_int_equal(set(f, VF, rows[i].word), 0);
		fake_devlink_lies(f->h, PF, true);
		assert_int_equal(set(f, VF, rows[i].back), -EIO);
		assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
		assert_non_null(strstr(f->what, "but reports"));
		fake_devlink_lies(f->h, PF, false);
		fake_devlink_refuses(f->h, PF, -EINVAL, "not today");
		assert_int_equal(set(f, VF, rows[i].back), -EINVAL);
		assert_non_null(strstr(f->what, "not today"));
		assert_int_equal(set(f, VF, rows[i].back), 1);
	}
	/* The other VF is as it was. */
	assert_value(f, "0000:01:10.2", "roce", "on");
}

static void what_a_function_does_not_have(void **state)
{
	static const char *const words[] = { "port-state=active", "ipsec-crypto=on",
		"ipsec-packet=on", "max-io-eqs=8", "tx-priority=3", "tx-weight=10" };
	struct fixture *f = *state;

	switchdev(f);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		autofree char *key = strndup(words[i], strcspn(words[i], "="));

		assert_int_equal(support_of(f, VF, key).s, SETTING_UNSUPPORTED);
		assert_int_equal(set(f, VF, words[i]), -EOPNOTSUPP);
		assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
		assert_int_equal(f->told, 1);
	}
}

static void an_eswitch_that_lies(void **state)
{
	struct fixture *f = *state;

	fake_devlink_lies(f->h, PF, true);
	assert_int_equal(set(f, PF, "eswitch-mode=switchdev"), -EIO);
	assert_string_equal(
		f->what, PF ": igb accepted eswitch-mode=switchdev, but reports legacy");
}

/* A device whose driver waits answers nobody: nothing is known, and nothing hangs. */
static void no_answer_in_time(void **state)
{
	struct fixture *f = *state;
	autofree char *none = NULL;

	fake_fail_path(f->h, FAKE_DEVLINK, PF, -ETIMEDOUT);
	assert_int_equal(support_of(f, PF, "eswitch-mode").s, SETTING_UNKNOWN);
	assert_int_equal(
		setting_read(f->h, function_at(f, PF), "eswitch-mode", &none, NULL), -ENODATA);
	assert_int_equal(set(f, PF, "eswitch-mode=switchdev"), -ETIMEDOUT);
	assert_int_equal(f->kind, PROBLEM_TIMEOUT);
}

/* What show tells: of a PF all, of a VF its own. */
static void the_report(void **state)
{
	autoreport pf = { 0 }, vf = { 0 };
	struct fixture *f = *state;

	switchdev(f);
	assert_int_equal(setting_report_read(f->h, function_at(f, PF), f->dir, &pf), 0);
	assert_string_equal(setting_eswitch_mode_name(pf.eswitch.mode), "switchdev");
	assert_int_equal(pf.n_ports, 2);
	assert_string_equal(pf.ports[1].netdev, "eth0_1");
	assert_int_equal(pf.n_reporters, 2);
	assert_true(pf.reporters[1].error);
	assert_int_equal(setting_report_read(f->h, function_at(f, "0000:01:10.2"), f->dir, &vf), 0);
	assert_int_equal(vf.n_ports, 1);
	assert_int_equal(vf.ports[0].vf_number, 1);
	assert_int_equal(vf.n_reporters, 0);
	assert_int_equal(fake_hangs(f->h), 0);
}

static void addresses(void **state UNUSED)
{
	static const char *const bad[] = { "hw-addr=", "hw-addr=01:00:00:00:00:00",
		"hw-addr=02:00:00:00:00", "hw-addr=02:00:00:00:00:00:00", "hw-addr=x" };
	autofree char *guid = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(settings_check(&bad[i], 1, NULL), -EINVAL);
	assert_int_equal(setting_value("hw-addr=00:11:22:33:44:55:66:77", &guid, NULL), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_mode_changes),
		T(what_the_driver_does_not_tell_it_does_not_have),
		T(the_kernels_sentence_is_told),
		T(not_under_a_guest),
		T(no_devlink_is_a_clear_answer),
		T(legacy_vfs_have_no_port),
		T(a_vf_has_a_representor),
		T(every_key_of_a_function),
		T(what_a_function_does_not_have),
		T(an_eswitch_that_lies),
		T(no_answer_in_time),
		T(the_report),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
