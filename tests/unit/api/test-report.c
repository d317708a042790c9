// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks, resets and proofs: what they find and do, result by result. */
#include "env.h"
#include "fakevfio/fakevfio.h"

#define VF "0000:02:10.0" /* on vfio-pci in s2-vfio */

static const struct vfctl_result *result(const struct vfctl_report *r, const char *name)
{
	for (size_t i = 0; i < vfctl_report_results(r); i++)
		if (str_eq(vfctl_result_name(vfctl_report_result(r, i)), name))
			return vfctl_report_result(r, i);
	fail_msg("there is no result %s", name);
	return NULL;
}

static void why(void **state UNUSED)
{
	struct vfctl_host *h = captured("s3-nonviable");
	struct vfctl_report *r = NULL;
	const struct vfctl_result *first;
	struct vfctl_error *e = NULL;

	assert_int_equal(vfctl_why(h, "0000:05:01.0", 0, &r, NULL), 0);
	assert_int_equal(vfctl_report_good(r), 0);
	first = vfctl_report_result(r, 0);
	assert_string_equal(vfctl_result_name(first), "group");
	assert_string_equal(vfctl_result_verdict(first), "fail");
	assert_string_equal(
		vfctl_result_text(first), "0000:05:02.0, of the same IOMMU group 10, is on e1000");
	assert_string_equal(vfctl_result_file(first), "/sys/bus/pci/devices/0000:05:02.0/driver");
	assert_string_equal(vfctl_result_value(first), "e1000");
	assert_string_equal(vfctl_result_fix(first), "vfctl bind 0000:05:02.0");
	assert_string_equal(vfctl_result_verdict(result(r, "iommu")), "ok");
	assert_null(vfctl_report_result(r, vfctl_report_results(r)));
	vfctl_report_free(r);
	r = NULL;
	assert_int_equal(vfctl_why(h, "0000:77:00.0", 0, &r, &e), -ENOENT);
	assert_kind(&e, "not-found");
	assert_int_equal(vfctl_why(h, "eth0", 0, &r, NULL), -EINVAL);
	assert_null(r);
	vfctl_report_free(NULL);
	vfctl_host_close(h);
}

static void doctor(void **state UNUSED)
{
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s1-igb4-igbvf", &kernel);
	struct vfctl_report *r = NULL;

	assert_int_equal(vfctl_doctor(h, 0, &r, NULL), 0);
	assert_string_equal(vfctl_result_verdict(result(r, "iommu")), "ok");
	assert_string_equal(vfctl_result_verdict(result(r, "other-managers")), "ok");
	vfctl_report_free(r);
	/* Somebody else has another opinion than our own configuration. */
	fake_put(kernel, "[Match]\nOriginalName=eth0\n[Link]\nSR-IOVVirtualFunctions=4\n",
		"/etc/systemd/network/10-a.link");
	fake_put(
		kernel, "[Match]\nName=eth0\n[PF]\nVirtualFunctions=2\n", "/etc/vfctl/pf.d/a.conf");
	assert_int_equal(vfctl_doctor(h, 0, &r, NULL), 0);
	assert_string_equal(vfctl_result_verdict(result(r, "other-managers")), "fail");
	assert_non_null(strstr(vfctl_result_text(result(r, "other-managers")), "systemd"));
	assert_int_equal(vfctl_report_good(r), 0);
	vfctl_report_free(r);
	fake_iommu_off(kernel);
	assert_int_equal(vfctl_doctor(h, 0, &r, NULL), 0);
	assert_string_equal(vfctl_result_verdict(result(r, "iommu")), "fail");
	vfctl_report_free(r);
	vfctl_host_close(h);
}

static void resets(void **state UNUSED)
{
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s2-vfio", &kernel);
	struct vfctl_reset *r = NULL;
	struct vfctl_error *e = NULL;

	assert_int_equal(vfctl_reset_plan(h, VF, NULL, &r, NULL), 0);
	assert_string_equal(vfctl_reset_method(r), "flr");
	assert_int_equal(vfctl_reset_functions(r), 1);
	assert_string_equal(vfctl_reset_function(r, 0), VF);
	assert_null(vfctl_reset_function(r, 1));
	assert_int_equal(vfctl_reset_do(h, r, VFCTL_DRY_RUN, NULL), 1);
	assert_int_equal(fake_resets(kernel, VF), 0);
	assert_int_equal(vfctl_reset_do(h, r, 1U << 30, NULL), -EINVAL);
	assert_int_equal(vfctl_reset_do(h, r, 0, NULL), 1);
	assert_int_equal(fake_resets(kernel, VF), 1);
	/* It does not come back as it was. */
	fake_reset_breaks(kernel, VF, true, 0);
	assert_int_equal(vfctl_reset_do(h, r, 0, &e), -EIO);
	assert_int_equal(fake_resets(kernel, VF), 2);
	assert_non_null(e);
	vfctl_error_free(e);
	e = NULL;
	vfctl_reset_free(r);
	r = NULL;
	/* A PF takes its VFs along, and has a driver. */
	assert_int_equal(vfctl_reset_plan(h, "0000:02:00.0", "flr", &r, NULL), 0);
	assert_int_equal(vfctl_reset_functions(r), 3);
	assert_int_equal(vfctl_reset_do(h, r, 0, &e), -EBUSY);
	assert_kind(&e, "in-use");
	vfctl_reset_free(r);
	r = NULL;
	assert_int_equal(vfctl_reset_plan(h, "0000:02:00.0", "acpi", &r, &e), -EINVAL);
	assert_kind(&e, "unsupported");
	assert_int_equal(vfctl_reset_plan(h, "0000:77:00.0", NULL, &r, &e), -ENOENT);
	assert_kind(&e, "not-found");
	assert_null(r);
	vfctl_host_close(h);
}

static void a_held_function_is_not_reset(void **state UNUSED)
{
	struct vfctl_host *h = captured("s5-held");
	struct vfctl_reset *r = NULL;
	struct vfctl_error *e = NULL;

	assert_int_equal(vfctl_reset_plan(h, VF, NULL, &r, NULL), 0);
	assert_int_equal(vfctl_reset_do(h, r, VFCTL_DRY_RUN, &e), -EBUSY);
	assert_non_null(strstr(vfctl_error_message(e), "web1"));
	assert_kind(&e, "in-use");
	assert_int_equal(vfctl_reset_do(h, r, 0, &e), -EROFS);
	assert_kind(&e, "read-only-root");
	vfctl_reset_free(r);
	vfctl_host_close(h);
}

static void told(void *arg, const char *text UNUSED, unsigned waited_ms UNUSED)
{
	++*(unsigned *)arg;
}

static void tests_of_a_function(void **state UNUSED)
{
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s2-vfio", &kernel);
	struct fakevfio *vfio = fake_vfio(kernel);
	struct vfctl_report *r = NULL;
	struct vfctl_error *e = NULL;
	unsigned n = 0;

	vfio->dma_limit = 65535;
	vfctl_host_set_progress(h, told, &n);
	assert_non_null(fake_vfio_function(kernel, VF));
	assert_int_equal(vfctl_test(h, VF, NULL, VFCTL_NO_FAULTS, &r, NULL), 0);
	assert_string_equal(vfctl_result_verdict(result(r, "open")), "proved");
	assert_string_equal(vfctl_result_verdict(result(r, "dma-map")), "proved");
	assert_null(vfctl_result_file(result(r, "open")));
	assert_true(n > 3);
	vfctl_report_free(r);
	r = NULL;
	/* A function that a host's driver has, one that is not there, and nonsense. */
	assert_int_equal(vfctl_test(h, "0000:01:10.0", NULL, 0, &r, NULL), 0);
	assert_int_equal(vfctl_report_good(r), 0);
	assert_string_equal(vfctl_result_verdict(result(r, "open")), "failed");
	vfctl_report_free(r);
	r = NULL;
	assert_int_equal(vfctl_test(h, "0000:77:10.0", NULL, 0, &r, &e), -ENOENT);
	assert_kind(&e, "not-found");
	assert_int_equal(vfctl_test(h, VF, NULL, VFCTL_DRY_RUN, &r, &e), -EINVAL);
	assert_kind(&e, "usage");
	assert_null(r);
	vfctl_host_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(why),
		cmocka_unit_test(doctor),
		cmocka_unit_test(resets),
		cmocka_unit_test(a_held_function_is_not_reset),
		cmocka_unit_test(tests_of_a_function),
	};

	return cmocka_run_group_tests_name("api/report", tests, NULL, NULL);
}
