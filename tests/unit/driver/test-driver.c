// SPDX-License-Identifier: GPL-2.0-or-later
/* Bind, unbind, restore: done, verified, undone when a step fails, refused with a reason. */
#include "cm.h"
#include "machine.h"
#include "driver/driver.h"
#include "fake/fake.h"
#include "host/sysfs.h"

#include <stdio.h>

#define PF     "0000:01:00.0"
#define VF0    "0000:01:10.0"
#define VF_OFF "0000:02:10.0" /* of a PF without autoprobe, on vfio-pci */
#define E1000  "0000:05:02.0"

struct fixture {
	struct host *h;
	char dir[64];
	struct driver_opts opts;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	fake_put(f->h, "boot-one\n", "/proc/sys/kernel/random/boot_id");
	strcpy(f->dir, "/tmp/vfctl-driver-XXXXXX");
	f->opts.state_dir = mkdtemp(f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	autofree char *cmd = str_printf("rm -rf '%s'", f->dir);
	int hangs = (int)fake_hangs(f->h);

	host_free(f->h);
	free(f);
	return system(cmd) + hangs;
}

static void assert_on(struct fixture *f, const char *bdf, const char *driver, const char *override)
{
	autofree char *d = fake_driver(f->h, bdf);
	autofree char *o = fake_text(f->h, "/sys/bus/pci/devices/%s/driver_override", bdf);

	if (driver)
		assert_string_equal(d, driver);
	else
		assert_null(d);
	assert_string_equal(o, override ? override : "(null)");
}

static bool noted(struct fixture *f, const char *bdf)
{
	autofree char *driver = NULL;

	return driver_remembered(f->h, at(bdf), f->dir, &driver) == 0;
}

static void there_and_back(void **state)
{
	struct fixture *f = *state;
	autofree char *before = NULL;

	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &f->opts, NULL), 1);
	assert_on(f, VF0, "vfio-pci", "vfio-pci");
	assert_int_equal(driver_remembered(f->h, at(VF0), f->dir, &before), 0);
	assert_string_equal(before, "igbvf");
	assert_int_equal(driver_bind(f->h, at(VF0), "vfio-pci", &f->opts, NULL), 0);
	assert_int_equal(driver_unbind(f->h, at(VF0), &f->opts, NULL), 1);
	assert_on(f, VF0, NULL, NULL);
	assert_int_equal(driver_restore(f->h, at(VF0), &f->opts, NULL), 1);
	assert_on(f, VF0, "igbvf", NULL);
	assert_false(noted(f, VF0));
	assert_int_equal(driver_restore(f->h, at(VF0), &f->opts, NULL), 0);
	assert_null(strstr(fake_log(f->h), "new_id"));
}

/* With autoprobe off a native driver takes a VF only by override. */
static void a_vf_without_autoprobe(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_bind(f->h, at(VF_OFF), "igbvf", &f->opts, NULL), 1);
	assert_on(f, VF_OFF, "igbvf", "igbvf");
	assert_int_equal(driver_restore(f->h, at(VF_OFF), &f->opts, NULL), 1);
	assert_on(f, VF_OFF, "vfio-pci", "vfio-pci");
}

/* Nobody noted what it was on: the override goes, and with autoprobe off nothing binds. */
static void restore_without_a_note(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_restore(f->h, at(VF_OFF), &f->opts, NULL), 1);
	assert_on(f, VF_OFF, NULL, NULL);
	sysfs_write(f->h, "vfio-pci", "bus/pci/devices/" VF0 "/driver_override");
	assert_int_equal(driver_restore(f->h, at(VF0), &f->opts, NULL), 1);
	assert_on(f, VF0, "igbvf", NULL);
	assert_int_equal(driver_restore(f->h, at(E1000), &f->opts, NULL), 0);
}

static void a_note_is_void_after_a_reboot(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_bind(f->h, at(E1000), NULL, &f->opts, NULL), 1);
	assert_true(noted(f, E1000));
	fake_put(f->h, "boot-two\n", "/proc/sys/kernel/random/boot_id");
	assert_false(noted(f, E1000));
	fake_put(f->h, "boot-one\n", "/proc/sys/kernel/random/boot_id");
	assert_true(noted(f, E1000));
	fake_put(f->h, "pci:v00008086d00001234sv00000000sd00000000bc02sc00i00\n",
		"/sys/bus/pci/devices/%s/modalias", E1000);
	assert_false(noted(f, E1000));
}

static void the_module_is_loaded(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;

	fake_unload(f->h, "vfio-pci", false);
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &f->opts, NULL), 1);
	assert_non_null(strstr(fake_log(f->h), "load vfio-pci"));
	assert_int_equal(driver_bind(f->h, at(VF0), "nosuch", &f->opts, &p), -ENOENT);
	assert_int_equal(p->kind, PROBLEM_NO_DRIVER);
	assert_on(f, VF0, "vfio-pci", "vfio-pci");
}

static const enum fake_op all_ops[] = { FAKE_WRITE, FAKE_READ, FAKE_READ_LINK, FAKE_STAT };

typedef int act(struct host *h, struct bdf a, const struct driver_opts *o, struct problem **reterr);

static int bind_vfio(
	struct host *h, struct bdf a, const struct driver_opts *o, struct problem **reterr)
{
	return driver_bind(h, a, NULL, o, reterr);
}

/*
 * Whichever call fails, the function is left on `from`, or on `to` when it did not matter. `from`
 * has no note, or has one that stays.
 */
static unsigned fail_each_call(struct fixture *f, act *there, const char *to, act *back,
	const char *from, const char *from_override)
{
	bool noted_before = noted(f, VF0);
	unsigned failures = 0;

	for (size_t o = 0; o < ARRAY_SIZE(all_ops); o++) {
		for (unsigned n = 1; n < 40; n++) {
			autoproblem *p = NULL;
			int r;

			fake_fail_nth(f->h, all_ops[o], n, -EIO);
			r = there(f->h, at(VF0), &f->opts, &p);
			fake_fail_nth(f->h, all_ops[o], 0, 0);
			if (r == 1) {
				autofree char *d = fake_driver(f->h, VF0);

				assert_true(str_eq(d, to));
				assert_int_equal(back(f->h, at(VF0), &f->opts, NULL), 1);
				continue;
			}
			failures++;
			assert_non_null(p);
			assert_on(f, VF0, from, from_override);
			assert_int_equal(noted(f, VF0), noted_before);
		}
	}
	return failures;
}

static void every_step_of_bind_is_undone(void **state)
{
	assert_true(
		fail_each_call(*state, bind_vfio, "vfio-pci", driver_restore, "igbvf", NULL) >= 5);
}

static void every_step_of_unbind_is_undone(void **state)
{
	assert_true(
		fail_each_call(*state, driver_unbind, NULL, driver_restore, "igbvf", NULL) >= 4);
}

static void every_step_of_restore_is_undone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &f->opts, NULL), 1);
	assert_true(
		fail_each_call(f, driver_restore, "igbvf", bind_vfio, "vfio-pci", "vfio-pci") >= 5);
}

/* What cannot be noted is not begun: restore could not give it back. */
static void no_place_for_the_note(void **state)
{
	struct fixture *f = *state;
	autofree char *file = str_printf("%s/file", f->dir), *cmd = str_printf("touch %s", file);
	struct driver_opts opts = { .state_dir = file };
	autoproblem *p = NULL;

	assert_int_equal(system(cmd), 0);
	fake_log_clear(f->h);
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &opts, &p), -ENOTDIR);
	assert_non_null(strstr(p->what, "cannot note its driver"));
	assert_string_equal(fake_log(f->h), "");
}

static void a_driver_that_refuses(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;

	fake_klog(f->h, 3, "igbvf " VF0 ": what was written before is not quoted");
	fake_probe_fails(f->h, "vfio-pci", -ENOMEM);
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &f->opts, &p), -ENOMEM);
	assert_on(f, VF0, "igbvf", NULL);
	assert_non_null(strstr(p->what, "room for its BARs"));
	assert_non_null(strstr(p->what, "; kernel log: vfio-pci " VF0 ": probe with driver "));
}

static void when_going_back_fails_it_is_said(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;
	autofree char *text = NULL;

	fake_probe_fails(f->h, "vfio-pci", -ENODEV);
	fake_probe_fails(f->h, "igbvf", -ENODEV);
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &f->opts, &p), -ENODEV);
	text = problem_text(p);
	assert_non_null(strstr(text, "was on igbvf and is left on no driver"));
	assert_non_null(strstr(text, "vfio-pci refuses to bind"));
}

static void refused_kind(struct fixture *f, const char *bdf, const char *driver,
	enum problem_kind kind, const char *words)
{
	autoproblem *p = NULL, *q = NULL;

	fake_log_clear(f->h);
	assert_true(driver_bind_check(f->h, at(bdf), driver, &f->opts, &q) < 0);
	assert_true(driver_bind(f->h, at(bdf), driver, &f->opts, &p) < 0);
	assert_int_equal(p->kind, kind);
	assert_int_equal(q->kind, kind);
	assert_non_null(strstr(p->what, words));
	assert_string_equal(fake_log(f->h), "");
	assert_false(noted(f, bdf));
}

static void refusals(void **state)
{
	struct fixture *f = *state;

	refused_kind(f, "0000:7f:00.0", NULL, PROBLEM_NOT_FOUND, "no function 0000:7f:00.0");
	refused_kind(f, "0000:00:01.0", NULL, PROBLEM_NOT_ASSIGNABLE, "bridge");
	refused_kind(f, PF, NULL, PROBLEM_IN_USE, "has VFs");
	refused_kind(f, VF0, "../../etc", PROBLEM_USAGE, "no driver's name");
	refused_kind(f, VF0, "", PROBLEM_USAGE, "no driver's name");
	fake_iommu_off(f->h);
	refused_kind(f, VF0, NULL, PROBLEM_NO_IOMMU, "no active IOMMU");
	/* Unless the kernel was told to do without. */
	fake_put(f->h, "N\n", "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	refused_kind(f, VF0, NULL, PROBLEM_NO_IOMMU, "no active IOMMU");
	fake_put(f->h, "Y\n", "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	assert_int_equal(driver_bind_check(f->h, at(VF0), NULL, &f->opts, NULL), 1);
}

static void a_captured_machine_is_not_changed(void **state)
{
	struct fixture *f = *state;
	autohost *h = machine("s2-vfio");
	autoproblem *p = NULL;

	assert_int_equal(driver_bind_check(h, at(VF0), NULL, &f->opts, NULL), 1);
	assert_int_equal(driver_bind(h, at(VF0), NULL, &f->opts, &p), -EROFS);
	assert_int_equal(p->kind, PROBLEM_READ_ONLY);
	assert_int_equal(driver_unbind(h, at(VF0), &f->opts, NULL), -EROFS);
	assert_int_equal(driver_restore(h, at(VF0), &f->opts, NULL), -EROFS);
}

static void in_use_is_refused_and_forced(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;

	fake_put(f->h, "head\neth4\t0010A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
		"/proc/self/net/route");
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &f->opts, &p), -EBUSY);
	assert_int_equal(p->kind, PROBLEM_IN_USE);
	assert_non_null(strstr(p->what, "eth4 has addresses"));
	assert_on(f, VF0, "igbvf", NULL);
	f->opts.force = true;
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &f->opts, NULL), 1);
}

/* Every state of driver and override can be put back, and then nothing is left to restore. */
static void put_back(void **state)
{
	struct fixture *f = *state;
	autofree char *driver = NULL, *override = NULL;

	assert_int_equal(driver_bind(f->h, at(VF0), "vfio-pci", &f->opts, NULL), 1);
	assert_int_equal(driver_remembered(f->h, at(VF0), f->dir, &driver), 0);
	free(TAKE_PTR(driver));
	assert_int_equal(driver_put(f->h, at(VF0), "igbvf", NULL, &f->opts, NULL), 1);
	assert_int_equal(driver_remembered(f->h, at(VF0), f->dir, &driver), -ENOENT);
	assert_int_equal(driver_read(f->h, at(VF0), &driver), 0);
	assert_string_equal(driver, "igbvf");
	assert_int_equal(driver_override_read(f->h, at(VF0), &override), 0);
	assert_null(override);
	assert_int_equal(driver_put(f->h, at(VF0), "igbvf", NULL, &f->opts, NULL), 0);
	/* The override alone. */
	assert_int_equal(driver_put(f->h, at(VF0), "igbvf", "igbvf", &f->opts, NULL), 1);
	assert_int_equal(driver_override_read(f->h, at(VF0), &override), 0);
	assert_string_equal(override, "igbvf");
	assert_int_equal(driver_put(f->h, at(VF0), NULL, NULL, &f->opts, NULL), 1);
	free(TAKE_PTR(driver));
	assert_int_equal(driver_read(f->h, at(VF0), &driver), 0);
	assert_null(driver);
	assert_int_equal(driver_put(f->h, at(VF0), "no-such", NULL, &f->opts, NULL), -ENOENT);
}

static unsigned told_ms;
static char told_who[128];

static void tell(void *arg UNUSED, struct bdf a UNUSED, const char *who, unsigned waited_ms)
{
	told_ms = waited_ms;
	snprintf(told_who, sizeof(told_who), "%s", who);
}

/* The kernel would wait for the holder for ever; the tool does not. */
static void a_held_function(void **state)
{
	static const char *const fds[] = { "/dev/vfio/vfio", "/dev/vfio/15",
		"anon_inode:[vfio-device]", NULL };
	struct fixture *f = *state;
	autoproblem *p = NULL, *late = NULL;

	fake_process(f->h, 4711, "qemu-system-x86_64 -name guest=web1,debug-threads=on", fds);
	fake_hold(f->h, VF_OFF);
	assert_int_equal(driver_unbind(f->h, at(VF_OFF), &f->opts, &p), -EBUSY);
	assert_non_null(strstr(p->what, "0000:02:10.0: pid 4711 (qemu-system-x86 web1)"));
	f->opts.force = true;
	f->opts.deadline_ms = 3500;
	f->opts.waiting = tell;
	assert_int_equal(driver_unbind(f->h, at(VF_OFF), &f->opts, &late), -ETIMEDOUT);
	assert_int_equal(late->kind, PROBLEM_TIMEOUT);
	assert_int_equal(told_ms, 3000);
	assert_non_null(strstr(told_who, "pid 4711"));
	assert_true(noted(f, VF_OFF)); /* the kernel may still finish: restore must know */
	fake_release(f->h, VF_OFF);
	host_sleep_ms(f->h, 10);
	assert_int_equal(driver_restore(f->h, at(VF_OFF), &f->opts, NULL), 1);
	assert_on(f, VF_OFF, "vfio-pci", "vfio-pci");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(there_and_back),
		T(a_vf_without_autoprobe),
		T(restore_without_a_note),
		T(a_note_is_void_after_a_reboot),
		T(the_module_is_loaded),
		T(every_step_of_bind_is_undone),
		T(every_step_of_unbind_is_undone),
		T(every_step_of_restore_is_undone),
		T(no_place_for_the_note),
		T(a_driver_that_refuses),
		T(when_going_back_fails_it_is_said),
		T(refusals),
		T(a_captured_machine_is_not_changed),
		T(in_use_is_refused_and_forced),
		T(put_back),
		T(a_held_function),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
