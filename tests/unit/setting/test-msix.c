// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupt vectors of VFs that no driver is bound to. */
#include "set.h"

#define PF "0000:01:00.0"
#define VF "0000:01:10.0"

static int setup(void **state)
{
	struct fixture *f = fixture_new("s0-pf-only");

	fake_put(f->h, "0\n", "/sys/bus/pci/devices/" PF "/sriov_drivers_autoprobe");
	assert_int_equal(
		f->h->ops->write_file(f->h, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "2", 1), 0);
	host_sleep_ms(f->h, 1000);
	fake_msix_pool(f->h, PF, 64);
	look_again(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void vectors_are_set(void **state)
{
	struct fixture *f = *state;

	assert_value(f, VF, "msix", "3");
	assert_int_equal(support_of(f, VF, "msix").s, SETTING_SUPPORTED);
	assert_int_equal(set_with(f, VF, "msix=8", true, false), 1);
	assert_value(f, VF, "msix", "3");
	assert_int_equal(set(f, VF, "msix=8"), 1);
	assert_value(f, VF, "msix", "8");
	assert_int_equal(set(f, VF, "msix=0x8"), 0);
	assert_value(f, "0000:01:10.2", "msix", "3");
	assert_int_equal(set(f, VF, "msix=default"), 1);
	assert_value(f, VF, "msix", "11");
}

static void a_driver_is_in_the_way(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "igbvf\n", "/sys/bus/pci/devices/" VF "/driver_override");
	assert_int_equal(f->h->ops->write_file(f->h, "/sys/bus/pci/drivers/igbvf/bind", VF, 12), 0);
	look_again(f);
	assert_int_equal(set(f, VF, "msix=8"), -EBUSY);
	assert_int_equal(f->kind, PROBLEM_IN_USE);
	assert_value(f, VF, "msix", "3");
}

static void more_than_there_are(void **state)
{
	struct fixture *f = *state;

	fake_log_clear(f->h);
	assert_int_equal(set(f, VF, "msix=65"), -ERANGE);
	assert_string_equal(
		f->what, VF ": 65 vectors are more than the 64 that " PF " has for its VFs");
	assert_string_equal(fake_log(f->h), "");
	assert_int_equal(set(f, VF, "msix=1"), -EINVAL);
	assert_int_equal(f->kind, PROBLEM_UNSUPPORTED);
	assert_int_equal(support_of(f, VF, "msix").s, SETTING_SUPPORTED);
}

static void a_driver_without_a_pool(void **state)
{
	struct fixture *f = *state;

	fake_msix_pool(f->h, PF, 0);
	assert_int_equal(support_of(f, VF, "msix").s, SETTING_UNSUPPORTED);
	assert_string_equal(
		support_of(f, VF, "msix").why, "igb has no pool of vectors for its VFs");
	assert_int_equal(set(f, VF, "msix=8"), -EOPNOTSUPP);
	assert_string_equal(f->what, VF ": igb cannot divide interrupt vectors among its VFs");
}

static void a_driver_that_lies(void **state)
{
	struct fixture *f = *state;

	fake_attributes_lie(f->h, true);
	assert_int_equal(set(f, VF, "msix=8"), -EIO);
	assert_string_equal(f->what, VF ": igb accepted msix=8, but reports 3");
}

/* A number that a driver computed below zero. */
static void an_absurd_pool_is_unknown(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "4294967033\n", "/sys/bus/pci/devices/" PF "/sriov_vf_total_msix");
	assert_int_equal(support_of(f, VF, "msix").s, SETTING_UNKNOWN);
	assert_int_equal(set(f, VF, "msix=8"), 1);
	assert_int_equal(support_of(f, VF, "msix").s, SETTING_SUPPORTED);
	assert_string_equal(support_of(f, VF, "msix").why, "igb took it before on this kernel");
}

/* The kernel holds the PF's lock while a VF's user does not let go. */
static void nobody_waits_for_ever(void **state)
{
	struct host_wait wait = { .deadline_ms = 100 };
	struct fixture *f = *state;

	fake_hold(f->h, "0000:01:10.2");
	assert_int_equal(f->h->ops->write_file_within(
				 f->h, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "0", 1, &wait),
		-ETIMEDOUT);
	/* vf0 has gone by then, but this picture still has it; vf1's write waits. */
	assert_int_equal(set(f, "0000:01:10.2", "msix=8"), -ETIMEDOUT);
	assert_int_equal(fake_hangs(f->h), 0);
	fake_release(f->h, "0000:01:10.2");
}

static void values(void **state UNUSED)
{
	static const char *const bad[] = { "msix=0", "msix=2049", "msix=-1", "msix=", "msix=all" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(settings_check(&bad[i], 1, NULL), -EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(vectors_are_set),
		T(a_driver_is_in_the_way),
		T(more_than_there_are),
		T(a_driver_without_a_pool),
		T(a_driver_that_lies),
		T(an_absurd_pool_is_unknown),
		T(nobody_waits_for_ever),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
