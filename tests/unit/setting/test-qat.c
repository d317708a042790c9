// SPDX-License-Identifier: GPL-2.0-or-later
/* Services of an accelerator, which change only while it is down. */
#include "set.h"

#define PF  "0000:01:00.0"
#define QAT "/sys/bus/pci/devices/" PF "/qat"

static int setup(void **state)
{
	struct fixture *f = fixture_new("s0-pf-only");

	fake_qat(f->h, PF);
	look_again(f);
	fake_log_clear(f->h);
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
	autofree char *text = fake_text(f->h, QAT "/%s", file);

	assert_string_equal(text, expected);
}

static void down_changed_and_up(void **state)
{
	struct fixture *f = *state;

	assert_value(f, PF, "services", "sym,asym");
	assert_int_equal(set_with(f, PF, "services=dc", true, false), 1);
	assert_string_equal(fake_log(f->h), "");
	assert_int_equal(set(f, PF, "services=dc;sym"), 1);
	assert_string_equal(fake_log(f->h), "write " QAT "/state down\n"
					    "write " QAT "/cfg_services sym;dc\n"
					    "write " QAT "/state up\n");
	assert_value(f, PF, "services", "sym,dc");
	/* The order means nothing. */
	assert_int_equal(set(f, PF, "services=dc,sym"), 0);
	assert_int_equal(support_of(f, PF, "services").s, SETTING_SUPPORTED);
}

/* One that was down is not started by the way. */
static void what_is_down_stays_down(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "down\n", QAT "/state");
	assert_int_equal(set(f, PF, "services=dcc"), 1);
	assert_file(f, "state", "down");
	assert_file(f, "cfg_services", "dcc");
}

static void busy(void **state)
{
	struct fixture *f = *state;

	fake_qat_busy(f->h, PF, true);
	assert_int_equal(set(f, PF, "services=dc"), -EBUSY);
	assert_int_equal(f->kind, PROBLEM_IN_USE);
	assert_file(f, "state", "up");
	assert_file(f, "cfg_services", "sym;asym");
}

/* Refused by the device: it runs again with what it had. */
static void a_combination_that_it_does_not_do(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, PF, "services=sym,asym,dc"), -EINVAL);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
	assert_file(f, "state", "up");
	assert_file(f, "cfg_services", "sym;asym");
}

static void it_does_not_start(void **state)
{
	struct fixture *f = *state;

	fake_fail_nth(f->h, FAKE_WRITE, 3, -EFAULT);
	assert_int_equal(set(f, PF, "services=dc"), -EFAULT);
	assert_file(f, "state", "up");
	assert_file(f, "cfg_services", "sym;asym");
}

static void a_driver_that_lies(void **state)
{
	struct fixture *f = *state;

	fake_attributes_lie(f->h, true);
	assert_int_equal(set(f, PF, "services=dc"), -EIO);
	assert_string_equal(f->what, PF ": 4xxx accepted services=dc, but reports sym,asym");
	assert_file(f, "state", "up");
	assert_int_equal(set(f, PF, "pm-idle=off"), -EIO);
	assert_int_equal(set(f, PF, "auto-reset=on"), -EIO);
}

static void the_switches(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, PF, "pm-idle=no"), 1);
	assert_value(f, PF, "pm-idle", "off");
	assert_file(f, "state", "up");
	fake_log_clear(f->h);
	assert_int_equal(set(f, PF, "auto-reset=yes"), 1);
	assert_string_equal(fake_log(f->h), "write " QAT "/auto_reset 1\n");
	assert_value(f, PF, "auto-reset", "on");
}

static void not_under_a_guest(void **state)
{
	struct fixture *f = *state;
	autofree char *group = NULL;

	assert_int_equal(
		f->h->ops->write_file(f->h, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "1", 1), 0);
	host_sleep_ms(f->h, 1000);
	fake_put(f->h, "vfio-pci\n", "/sys/bus/pci/devices/0000:01:10.0/driver_override");
	assert_true(f->h->ops->load_module(f->h, "vfio-pci") >= 0);
	assert_int_equal(f->h->ops->write_file(
				 f->h, "/sys/bus/pci/drivers/vfio-pci/bind", "0000:01:10.0", 12),
		0);
	look_again(f);
	group = str_printf("/dev/vfio/%d", function_at(f, "0000:01:10.0")->iommu_group);
	fake_process(f->h, 4711, "qemu -name web1",
		(const char *[]) { group, "anon_inode:[vfio-device]", NULL });
	fake_log_clear(f->h);
	assert_int_equal(set(f, PF, "services=dc"), -EBUSY);
	assert_non_null(strstr(f->what, "4711"));
	assert_string_equal(fake_log(f->h), "");
}

static void an_older_generation(void **state)
{
	struct fixture *f = *state;

	fake_vanish(f->h, "/sys/devices/pci0000:00/0000:00:01.0/" PF "/qat");
	assert_int_equal(support_of(f, PF, "services").s, SETTING_UNSUPPORTED);
	assert_int_equal(set(f, PF, "services=dc"), -EOPNOTSUPP);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
}

static void values(void **state UNUSED)
{
	static const char *const bad[] = { "services=", "services=sym,", "services=sym,sym",
		"services=dcc,sym", "services=foo", "services=sym asym",
		"services=sym,asym,dc,decomp", "pm-idle=2" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(settings_check(&bad[i], 1, NULL), -EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(down_changed_and_up),
		T(what_is_down_stays_down),
		T(busy),
		T(a_combination_that_it_does_not_do),
		T(it_does_not_start),
		T(a_driver_that_lies),
		T(the_switches),
		T(not_under_a_guest),
		T(an_older_generation),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
