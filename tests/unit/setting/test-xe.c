// SPDX-License-Identifier: GPL-2.0-or-later
/* Quotas of a GPU's VFs. */
#include "set.h"

#define PF     "0000:01:00.0"
#define VF     "0000:01:10.0"
#define VF1    "0000:01:10.2"
#define ADMIN  "/sys/bus/pci/devices/" PF "/sriov_admin"
#define GIB(n) ((uint64_t)(n) << 30)

static void make_vfs(struct fixture *f)
{
	assert_int_equal(
		f->h->ops->write_file(f->h, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "2", 1), 0);
	host_sleep_ms(f->h, 1000);
	look_again(f);
	fake_log_clear(f->h);
}

static int setup(void **state)
{
	struct fixture *f = fixture_new("s0-pf-only");

	fake_xe(f->h, PF, GIB(16));
	look_again(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void assert_file(struct fixture *f, const char *file, const char *expected)
{
	autofree char *text = fake_text(f->h, ADMIN "/%s", file);

	assert_string_equal(text, expected);
}

/* The kernel's vf1 is our vf0. */
static void the_right_vf(void **state)
{
	struct fixture *f = *state;

	make_vfs(f);
	assert_int_equal(set(f, VF, "quota.exec-quantum-ms=20"), 1);
	assert_string_equal(fake_log(f->h), "write " ADMIN "/vf1/profile/exec_quantum_ms 20\n");
	assert_file(f, "vf1/profile/exec_quantum_ms", "20");
	assert_file(f, "vf2/profile/exec_quantum_ms", "0");
	assert_value(f, VF, "quota.exec-quantum-ms", "20");
	assert_value(f, VF1, "quota.exec-quantum-ms", "0");
	assert_int_equal(set(f, VF, "quota.exec-quantum-ms=20"), 0);
}

static void every_key_of_a_vf(void **state)
{
	struct fixture *f = *state;

	make_vfs(f);
	assert_int_equal(set(f, VF1, "quota.preempt-timeout-us=5000"), 1);
	assert_value(f, VF1, "quota.preempt-timeout-us", "5000");
	assert_int_equal(set(f, VF1, "quota.vram=1G"), 1);
	assert_value(f, VF1, "quota.vram", "1073741824");
	fake_log_clear(f->h);
	assert_int_equal(set(f, VF1, "quota.stop=yes"), 1);
	assert_string_equal(fake_log(f->h), "write " ADMIN "/vf2/stop 1\n");
}

static void the_pf_has_its_own(void **state)
{
	struct fixture *f = *state;

	assert_value(f, PF, "quota.sched-priority", "low");
	assert_int_equal(set(f, PF, "quota.sched-priority=high"), 1);
	assert_file(f, "pf/profile/sched_priority", "low normal [high]");
	assert_int_equal(set(f, PF, "quota.exec-quantum-ms=7"), 1);
	assert_file(f, "pf/profile/exec_quantum_ms", "7");
}

/* As told by the file's mode, before anybody tries. */
static void what_can_only_be_read(void **state)
{
	struct fixture *f = *state;
	struct support s;

	make_vfs(f);
	s = support_of(f, VF, "quota.sched-priority");
	assert_int_equal(s.s, SETTING_UNSUPPORTED);
	assert_string_equal(s.why, "xe lets it only be read on this device");
	assert_value(f, VF, "quota.sched-priority", "low");
	assert_int_equal(set(f, VF, "quota.sched-priority=normal"), -EACCES);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
}

static void memory_is_rounded_up(void **state)
{
	struct fixture *f = *state;

	make_vfs(f);
	assert_int_equal(set(f, VF, "quota.vram=1000000001"), 1);
	assert_value(f, VF, "quota.vram", "1000341504");
	assert_int_equal(set(f, VF, "quota.vram=1000000001"), 0);
	assert_int_equal(set(f, VF, "quota.vram=17G"), -EIO);
	assert_string_equal(f->what, VF ": the GPU's firmware refuses to change quota.vram");
}

static void for_all_at_once(void **state)
{
	struct fixture *f = *state;
	autofree char *none = NULL;

	assert_int_equal(set(f, PF, "quota.all-exec-quantum-ms=15"), 1);
	assert_file(f, "pf/profile/exec_quantum_ms", "15");
	assert_file(f, "vf7/profile/exec_quantum_ms", "15");
	assert_value(f, PF, "quota.all-exec-quantum-ms", "15");
	assert_int_equal(set(f, PF, "quota.all-vram=2G"), 1);
	assert_value(f, PF, "quota.all-vram", "2147483648");
	assert_int_equal(set(f, PF, "quota.all-sched-priority=normal"), 1);
	assert_file(f, "vf3/profile/sched_priority", "low [normal]");
	assert_int_equal(set(f, PF, "quota.all-sched-priority=high"), -EINVAL);
	make_vfs(f);
	assert_int_equal(set(f, VF, "quota.exec-quantum-ms=1"), 1);
	assert_int_equal(
		setting_read(f->h, function_at(f, PF), "quota.all-exec-quantum-ms", &none, NULL),
		-ENODATA);
}

static void a_driver_that_lies(void **state)
{
	static const char *const words[] = { "quota.exec-quantum-ms=20",
		"quota.preempt-timeout-us=10", "quota.vram=1G" };
	struct fixture *f = *state;

	make_vfs(f);
	fake_attributes_lie(f->h, true);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(set(f, VF, words[i]), -EIO);
		assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
		assert_non_null(strstr(f->what, "but reports 0"));
	}
	assert_int_equal(set(f, PF, "quota.all-exec-quantum-ms=20"), -EIO);
	assert_non_null(strstr(f->what, "do not all have it"));
}

static void refusals(void **state)
{
	struct fixture *f = *state;

	make_vfs(f);
	fake_fail_path(f->h, FAKE_WRITE, "exec_quantum_ms", -EPERM);
	assert_int_equal(set(f, VF, "quota.exec-quantum-ms=1"), -EPERM);
	assert_string_equal(
		f->what, VF ": xe does not change quota.exec-quantum-ms on this hardware");
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
	fake_fail_path(f->h, FAKE_WRITE, NULL, 0);
	fake_fail_path(f->h, FAKE_READ, "exec_quantum_ms", -EUCLEAN);
	assert_string_equal(support_of(f, VF, "quota.exec-quantum-ms").why,
		"now different on the parts of the device");
}

/* Linux 6.19 has scheduling, not memory; older kernels have nothing. */
static void older_kernels(void **state)
{
	struct fixture *f = *state;

	make_vfs(f);
	fake_vanish(f->h,
		"/sys/devices/pci0000:00/0000:00:01.0/" PF "/sriov_admin/vf1/profile/vram_quota");
	assert_int_equal(support_of(f, VF, "quota.vram").s, SETTING_UNSUPPORTED);
	assert_int_equal(support_of(f, VF, "quota.exec-quantum-ms").s, SETTING_SUPPORTED);
	assert_int_equal(set(f, VF, "quota.vram=1G"), -EOPNOTSUPP);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
	fake_vanish(f->h, "/sys/devices/pci0000:00/0000:00:01.0/" PF "/sriov_admin");
	assert_string_equal(support_of(f, VF, "quota.exec-quantum-ms").why,
		"xe does not have it for this device on this kernel");
}

static void not_of_a_nic(void **state)
{
	const char *words[] = { "quota.vram=1G" };
	struct fixture *f = *state;

	make_vfs(f);
	assert_int_equal(settings_suit(function_at(f, "0000:02:00.0"), words, 1, NULL), -ENODEV);
	*words = "quota.exec-quantum-ms=1";
	assert_int_equal(
		settings_suit(function_at(f, "0000:02:00.0"), words, 1, NULL), -EOPNOTSUPP);
	assert_int_equal(settings_suit(function_at(f, VF), words, 1, NULL), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_right_vf),
		T(every_key_of_a_vf),
		T(the_pf_has_its_own),
		T(what_can_only_be_read),
		T(memory_is_rounded_up),
		T(for_all_at_once),
		T(a_driver_that_lies),
		T(refusals),
		T(older_kernels),
		T(not_of_a_nic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
