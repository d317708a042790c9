// SPDX-License-Identifier: GPL-2.0-or-later
/* Creating and destroying VFs on a kernel that delays, refuses, blocks and fails. */
#include "cm.h"
#include "machine.h"
#include "driver/driver.h"
#include "fake/fake.h"
#include "host/sysfs.h"
#include "netdev/netdev.h"
#include "sriov/numvfs.h"

#include <stdio.h>

#define PF    "0000:01:00.0" /* no VFs at the start */
#define NVME  "0000:03:00.0"
#define VF0   "0000:01:10.0"
#define VF1   "0000:01:10.2"
#define E1000 "0000:05:02.0"

struct fixture {
	struct host *h;
	char dir[64];
	struct sriov_opts opts;
	char told[4096], noted[256];
};

static void tell(void *arg, const char *text, unsigned waited_ms)
{
	struct fixture *f = arg;
	size_t len = strlen(f->told);

	snprintf(f->told + len, sizeof(f->told) - len, "%s (%u s)\n", text, waited_ms / 1000);
}

static void note(void *arg, const char *text, const char *hint)
{
	struct fixture *f = arg;
	size_t len = strlen(f->noted);

	assert_non_null(hint);
	snprintf(f->noted + len, sizeof(f->noted) - len, "%s\n", text);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz");
	strcpy(f->dir, "/tmp/vfctl-sriov-XXXXXX");
	f->opts = (struct sriov_opts) {
		.state_dir = mkdtemp(f->dir), .waiting = tell, .note = note, .arg = f
	};
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

static int set(struct fixture *f, const char *pf, unsigned n, struct problem **reterr)
{
	return sriov_set_numvfs(f->h, at(pf), n, &f->opts, reterr);
}

static size_t count(struct fixture *f, const char *pf)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;

	assert_int_equal(sriov_vfs(f->h, at(pf), &vfs, &n), 0);
	return n;
}

static void vfs_are_usable_when_it_returns(void **state)
{
	struct fixture *f = *state;
	autofree char *driver = NULL;
	autofree struct sriov_vf *vfs = NULL;
	size_t n;

	fake_set_delays(f->h, 400, 700, 5);
	assert_int_equal(set(f, PF, 3, NULL), 1);
	assert_int_equal(sriov_vfs(f->h, at(PF), &vfs, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(BDF_TEXT(vfs[2].bdf), "0000:01:10.4");
	driver = fake_driver(f->h, "0000:01:10.4");
	assert_string_equal(driver, "igbvf");
	assert_true(sysfs_exists(f->h, "bus/pci/devices/0000:01:10.4/net"));
	assert_non_null(strstr(f->told, "waiting for VFs: "));
	fake_log_clear(f->h);
	assert_int_equal(set(f, PF, 3, NULL), 0);
	assert_string_equal(fake_log(f->h), "");
	assert_int_equal(set(f, PF, 0, NULL), 1);
	assert_int_equal(count(f, PF), 0);
	assert_int_equal(set(f, PF, 0, NULL), 0);
}

static void from_two_to_five_goes_through_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, PF, 2, NULL), 1);
	fake_log_clear(f->h);
	assert_int_equal(set(f, PF, 5, NULL), 1);
	assert_int_equal(count(f, PF), 5);
	assert_string_equal(fake_log(f->h), "write /sys/bus/pci/devices/" PF "/sriov_numvfs 0\n"
					    "write /sys/bus/pci/devices/" PF "/sriov_numvfs 5\n");
}

static void without_autoprobe_no_driver_is_awaited(void **state)
{
	struct fixture *f = *state;
	uint64_t begin;

	assert_int_equal(sriov_set_autoprobe(f->h, at(PF), false, NULL), 1);
	assert_int_equal(sriov_set_autoprobe(f->h, at(PF), false, NULL), 0);
	begin = host_now_ms(f->h);
	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_true(host_now_ms(f->h) - begin < 500);
	assert_null(fake_driver(f->h, VF0));
	assert_int_equal(sriov_set_autoprobe(f->h, at(PF), true, NULL), 1);
	assert_int_equal(sriov_set_autoprobe(f->h, at(E1000), true, NULL), -ENOENT);
}

/* Offline secondary controllers have no driver, and that is all right. */
static void nvme_vfs(void **state)
{
	struct fixture *f = *state;

	fake_probe_fails(f->h, "nvme", -ENODEV);
	assert_int_equal(set(f, NVME, 2, NULL), 1);
	assert_int_equal(count(f, NVME), 2);
}

/* A driver that never comes is awaited for a while, and the VFs stay: they can go to VFIO. */
static void a_driver_that_never_comes(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = host_now_ms(f->h);

	fake_probe_fails(f->h, "igbvf", -EIO);
	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_in_range(host_now_ms(f->h) - begin, 3000, 4000);
	assert_non_null(strstr(f->told, "has no driver"));
}

static char *interface_of(struct fixture *f, const char *vf)
{
	autofree struct netdev *devs = NULL;
	size_t n;

	assert_int_equal(netdevs_of(f->h, at(vf), &devs, &n), 0);
	assert_int_equal(n, 1);
	return strdup(devs[0].name);
}

static void names_are_final_when_it_returns(void **state)
{
	struct fixture *f = *state;
	autofree char *first = NULL, *second = NULL;
	uint64_t begin = host_now_ms(f->h);

	fake_udev(f->h, 1500);
	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_in_range(host_now_ms(f->h) - begin, 1500, 1700);
	first = interface_of(f, VF0);
	second = interface_of(f, VF1);
	assert_string_equal(first, "enp1s16f0");
	assert_string_equal(second, "enp1s16f2");
	assert_non_null(strstr(f->told, "waiting for VFs: " VF0 " is still being set up by udev"));
	assert_string_equal(f->noted, "");
}

/* What udev says of the VFs that were at these addresses before is not taken for the new ones'. */
static void udev_has_not_heard_of_the_new_ones(void **state)
{
	struct fixture *f = *state;
	uint64_t begin;

	fake_udev(f->h, 400);
	assert_int_equal(sriov_set_autoprobe(f->h, at(PF), false, NULL), 1);
	assert_int_equal(set(f, PF, 2, NULL), 1);
	begin = host_now_ms(f->h);
	assert_int_equal(set(f, PF, 3, NULL), 1);
	assert_in_range(host_now_ms(f->h) - begin, 400, 600);
}

static void udev_never_comes(void **state)
{
	struct fixture *f = *state;
	autofree char *first = NULL, *second = NULL;
	uint64_t begin = host_now_ms(f->h);

	fake_udev(f->h, 100);
	fake_udev_ignores(f->h, VF1);
	f->opts.deadline_ms = 5000;
	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_in_range(host_now_ms(f->h) - begin, 5000, 5100);
	assert_int_equal(count(f, PF), 2);
	assert_string_equal(f->noted, VF1 " is still being set up by udev\n");
	first = interface_of(f, VF0);
	second = interface_of(f, VF1);
	assert_string_equal(first, "enp1s16f0");
	assert_true(str_starts(second, "eth"));
}

/* Nothing can be renamed there: a moment for udev's rules, and no note. */
static void udev_and_a_function_without_interface(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = host_now_ms(f->h);

	fake_udev(f->h, 100);
	fake_udev_ignores(f->h, "0000:03:00.1");
	fake_probe_fails(f->h, "nvme", -ENODEV);
	assert_int_equal(set(f, NVME, 1, NULL), 1);
	assert_in_range(host_now_ms(f->h) - begin, 1000, 1200);
	assert_string_equal(f->noted, "");
}

/* udev alone fails, not the kernel: that too ends with the deadline. */
static void udev_cannot_be_asked(void **state)
{
	struct fixture *f = *state;

	fake_udev(f->h, 100);
	fake_fail_path(f->h, FAKE_SETTLED, "/class/net/", -EIO);
	assert_int_equal(set(f, PF, 1, NULL), 1);
	assert_string_equal(f->noted, VF0 " is still being set up by udev\n");
	assert_int_equal(count(f, PF), 1);
}

static void refused(
	struct fixture *f, const char *pf, unsigned n, enum problem_kind kind, const char *words)
{
	autoproblem *p = NULL, *q = NULL;

	fake_log_clear(f->h);
	assert_true(sriov_check_numvfs(f->h, at(pf), n, &f->opts, &q) < 0);
	assert_true(set(f, pf, n, &p) < 0);
	assert_int_equal(p->kind, kind);
	assert_int_equal(q->kind, kind);
	assert_non_null(strstr(p->what, words));
	assert_string_equal(fake_log(f->h), "");
}

static void refusals(void **state)
{
	struct fixture *f = *state;

	refused(f, "0000:7f:00.0", 1, PROBLEM_NOT_FOUND, "no function");
	refused(f, E1000, 1, PROBLEM_UNSUPPORTED, "no SR-IOV capability");
	refused(f, PF, 8, PROBLEM_TOO_MANY_VFS, "at most 7 VFs");
	refused(f, PF, UINT32_MAX, PROBLEM_TOO_MANY_VFS, "at most 7 VFs");
	assert_int_equal(set(f, PF, 1, NULL), 1);
	refused(f, VF0, 1, PROBLEM_UNSUPPORTED, "is itself a VF");
	assert_int_equal(set(f, PF, 0, NULL), 1);
	assert_int_equal(driver_bind(f->h, at(PF), NULL, NULL, NULL), 1);
	refused(f, PF, 1, PROBLEM_UNSUPPORTED, "enable_sriov is off");
	assert_int_equal(driver_unbind(f->h, at(PF), NULL, NULL), 1);
	refused(f, PF, 1, PROBLEM_NO_DRIVER, "has no driver");
}

static void a_captured_machine_is_not_changed(void **state)
{
	struct fixture *f = *state;
	autohost *h = machine("s1-igb4-igbvf");

	assert_int_equal(sriov_check_numvfs(h, at(PF), 4, &f->opts, NULL), 0);
	assert_int_equal(sriov_check_numvfs(h, at(PF), 0, &f->opts, NULL), 1);
	assert_int_equal(sriov_set_numvfs(h, at(PF), 0, &f->opts, NULL), -EROFS);
	assert_int_equal(sriov_set_autoprobe(h, at(PF), false, NULL), -EROFS);
}

static char *group_node(struct fixture *f, const char *bdf)
{
	autofree char *name = NULL;

	assert_int_equal(sysfs_link_name(f->h, &name, "bus/pci/devices/%s/iommu_group", bdf), 0);
	return str_printf("%s%s", "/dev/vfio/", name);
}

/* The kernel would sleep, uninterruptibly, until the holder ends. Nothing may be written. */
static void a_held_vf_is_found_first(void **state)
{
	struct fixture *f = *state;
	autofree char *node = NULL;

	assert_int_equal(set(f, PF, 3, NULL), 1);
	assert_int_equal(driver_bind(f->h, at(VF1), NULL, NULL, NULL), 1);
	node = group_node(f, VF1);
	fake_process(f->h, 4711, "qemu -name web1", (const char *const[]) { node, NULL });
	fake_hold(f->h, VF1);
	f->opts.force = true;
	refused(f, PF, 0, PROBLEM_IN_USE, "0000:01:10.2: pid 4711 (qemu web1)");
	refused(f, PF, 5, PROBLEM_IN_USE, "0000:01:10.2: pid 4711 (qemu web1)");
	assert_int_equal(count(f, PF), 3);
	fake_process_ends(f->h, 4711);
	fake_release(f->h, VF1);
	assert_int_equal(set(f, PF, 0, NULL), 1);
}

static void release(struct host *h, void *arg UNUSED)
{
	fake_release(h, VF1);
}

/* Somebody whom the look before did not see: the user is told, the deadline holds. */
static void a_holder_who_cannot_be_seen(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;
	uint64_t begin;

	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_int_equal(driver_bind(f->h, at(VF1), NULL, NULL, NULL), 1);
	fake_hold(f->h, VF1);
	begin = host_now_ms(f->h);
	f->opts.deadline_ms = 4500;
	assert_int_equal(set(f, PF, 0, &p), -ETIMEDOUT);
	assert_in_range(host_now_ms(f->h) - begin, 4500, 4600);
	assert_int_equal(p->kind, PROBLEM_TIMEOUT);
	assert_non_null(
		strstr(f->told, "waiting for the kernel to change the VFs of " PF " (4 s)"));
	/* He lets go: the kernel finishes by itself. */
	fake_release(f->h, VF1);
	host_sleep_ms(f->h, 10);
	assert_int_equal(count(f, PF), 0);
}

static void waiting_pays(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_int_equal(driver_bind(f->h, at(VF1), NULL, NULL, NULL), 1);
	fake_hold(f->h, VF1);
	fake_after(f->h, 2500, release, NULL);
	assert_int_equal(set(f, PF, 0, NULL), 1);
	assert_int_equal(count(f, PF), 0);
}

/* While a removal waits for its holder nothing here may hang: a picture can still be taken. */
static void looking_while_the_kernel_waits(void **state)
{
	struct fixture *f = *state;
	struct host_wait wait = { .deadline_ms = 100 };
	autofree char *override = NULL;
	unsigned total;

	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, NULL, NULL), 1);
	fake_hold(f->h, VF0);
	assert_int_equal(
		sysfs_write_within(f->h, &wait, "0", "bus/pci/devices/" PF "/sriov_numvfs"),
		-ETIMEDOUT);
	assert_int_equal(sriov_total_vfs(f->h, at(PF), &total), 0);
	assert_int_equal(total, 7);
	assert_int_equal(driver_override_read(f->h, at(PF), &override), -ETIMEDOUT);
	assert_int_equal(driver_unbind(f->h, at(PF), NULL, NULL), -ETIMEDOUT);
	assert_int_equal(fake_hangs(f->h), 0);
	fake_release(f->h, VF0);
}

static void prepared_vfs_are_not_swept_away(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, PF, 2, NULL), 1);
	assert_int_equal(driver_bind(f->h, at(VF1), NULL, NULL, NULL), 1);
	refused(f, PF, 4, PROBLEM_IN_USE, "prepared for a guest: 0000:01:10.2 (vfio-pci)");
	f->opts.force = true;
	assert_int_equal(set(f, PF, 4, NULL), 1);
	assert_null(strstr(fake_log(f->h), "new_id"));
}

static void an_addressed_vf_is_not_swept_away(void **state)
{
	struct fixture *f = *state;
	autostrv char **names = NULL;

	assert_int_equal(set(f, PF, 1, NULL), 1);
	assert_int_equal(sysfs_list(f->h, &names, "bus/pci/devices/" VF0 "/net"), 0);
	autofree char *line =
		str_printf("fe80 05 40 20 80 %s\n20010db8 05 40 00 80 %s\n", names[0], names[0]);
	fake_put(f->h, line, "/proc/self/net/if_inet6");
	refused(f, PF, 0, PROBLEM_IN_USE, "has addresses");
	f->opts.force = true;
	assert_int_equal(set(f, PF, 0, NULL), 1);
}

/* Its successor at the address must not be restored to what the old VF was. */
static void notes_go_with_their_vf(void **state)
{
	struct fixture *f = *state;
	struct driver_opts d = { .state_dir = f->dir };
	autofree char *driver = NULL;

	assert_int_equal(set(f, PF, 1, NULL), 1);
	assert_int_equal(driver_bind(f->h, at(VF0), NULL, &d, NULL), 1);
	assert_int_equal(driver_remembered(f->h, at(VF0), f->dir, &driver), 0);
	assert_int_equal(set(f, PF, 0, NULL), 1);
	assert_int_equal(set(f, PF, 1, NULL), 1);
	assert_int_equal(driver_remembered(f->h, at(VF0), f->dir, &driver), -ENOENT);
}

/* VFs that never appear, in whole or in part: back to the count from before. */
static void what_never_appears_is_rolled_back(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;
	autofree char *text = NULL;

	assert_int_equal(set(f, PF, 2, NULL), 1);
	fake_set_delays(f->h, 60000, 20, 5);
	assert_int_equal(set(f, PF, 3, &p), -ETIMEDOUT);
	text = problem_text(p);
	assert_non_null(strstr(text, "0 of 3 VFs"));
	assert_non_null(strstr(text, "going back failed too"));
	fake_set_delays(f->h, 30, 20, 5);
	assert_int_equal(fake_num_vfs(f->h, PF), 2);
}

static void a_vf_without_an_answer(void **state)
{
	struct fixture *f = *state;
	autoproblem *p = NULL;
	autofree char *text = NULL;

	fake_fail_path(f->h, FAKE_READ, VF1 "/config", -EIO);
	assert_int_equal(set(f, PF, 2, &p), -ETIMEDOUT);
	text = problem_text(p);
	assert_non_null(strstr(text, "0000:01:10.2 does not answer"));
	assert_non_null(strstr(text, "has 0 VFs as before"));
	assert_int_equal(count(f, PF), 0);
	assert_int_equal(fake_num_vfs(f->h, PF), 0);
}

/* Every errno of the write has a kind and a cause, and leaves the machine as it was. */
static void the_kernels_refusals(void **state)
{
	static const struct {
		int code;
		enum problem_kind kind;
		const char *words;
	} rows[] = {
		{ -ERANGE, PROBLEM_TOO_MANY_VFS, "more than" },
		{ -EBUSY, PROBLEM_IN_USE, "meanwhile" },
		{ -ENOENT, PROBLEM_UNSUPPORTED, "its driver does not implement SR-IOV" },
		{ -ENOMEM, PROBLEM_UNSUPPORTED, "bus numbers" },
		{ -ENOSPC, PROBLEM_UNSUPPORTED, "vectors" },
		{ -EOPNOTSUPP, PROBLEM_UNSUPPORTED, "present mode" },
		{ -EACCES, PROBLEM_PERMISSION, "only root" },
		{ -EIO, PROBLEM_IO, "firmware failed" },
		{ -ELOOP, PROBLEM_FAILED, "symbolic links" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autoproblem *p = NULL;
		autofree char *text = NULL;

		fake_fail_nth(f->h, FAKE_WRITE, 1, rows[i].code);
		assert_int_equal(set(f, PF, 2, &p), rows[i].code);
		text = problem_text(p);
		assert_int_equal(p->kind, rows[i].kind);
		assert_non_null(strstr(text, rows[i].words));
		assert_int_equal(fake_num_vfs(f->h, PF), 0);
	}
}

/* From 2 to 4, each call failing in turn: afterwards 4 on success, else 2 as before. */
static void every_step_is_undone(void **state)
{
	static const enum fake_op ops[] = { FAKE_WRITE, FAKE_READ, FAKE_LIST, FAKE_READ_LINK };
	struct fixture *f = *state;
	unsigned failures = 0;

	assert_int_equal(set(f, PF, 2, NULL), 1);
	for (size_t o = 0; o < ARRAY_SIZE(ops); o++) {
		for (unsigned n = 1; n < 30; n++) {
			autoproblem *p = NULL;
			int r;

			fake_fail_nth(f->h, ops[o], n, -EIO);
			r = set(f, PF, 4, &p);
			fake_fail_nth(f->h, ops[o], 0, 0);
			if (r == 1) {
				assert_int_equal(fake_num_vfs(f->h, PF), 4);
				assert_int_equal(set(f, PF, 2, NULL), 1);
				continue;
			}
			failures++;
			assert_non_null(p);
			assert_int_equal(fake_num_vfs(f->h, PF), 2);
			host_sleep_ms(f->h, 100);
			assert_int_equal(count(f, PF), 2);
		}
	}
	assert_true(failures >= 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(vfs_are_usable_when_it_returns),
		T(from_two_to_five_goes_through_none),
		T(without_autoprobe_no_driver_is_awaited),
		T(nvme_vfs),
		T(a_driver_that_never_comes),
		T(names_are_final_when_it_returns),
		T(udev_has_not_heard_of_the_new_ones),
		T(udev_never_comes),
		T(udev_and_a_function_without_interface),
		T(udev_cannot_be_asked),
		T(refusals),
		T(a_captured_machine_is_not_changed),
		T(a_held_vf_is_found_first),
		T(a_holder_who_cannot_be_seen),
		T(waiting_pays),
		T(looking_while_the_kernel_waits),
		T(prepared_vfs_are_not_swept_away),
		T(an_addressed_vf_is_not_swept_away),
		T(notes_go_with_their_vf),
		T(what_never_appears_is_rolled_back),
		T(a_vf_without_an_answer),
		T(the_kernels_refusals),
		T(every_step_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
