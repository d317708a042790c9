// SPDX-License-Identifier: GPL-2.0-or-later
/* The fake kernel gives the answers that the real one was measured to give. */
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "host/devnode.h"
#include "host/sysfs.h"

#define PF     "0000:01:00.0"
#define PF2    "0000:02:00.0"
#define NVME   "0000:03:00.0"
#define VF0    "0000:01:10.0"
#define VF1    "0000:01:10.2"
#define DEV(f) "bus/pci/devices/" f
#define DRV(f) "bus/pci/drivers/" f
#define PROBE  "bus/pci/drivers_probe"
#define WITHIN (&(struct host_wait) { .deadline_ms = 5000 })

static int setup(void **state)
{
	*state = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz");
	return 0;
}

static int teardown(void **state)
{
	struct host *h = *state;
	int hangs = (int)fake_hangs(h);

	host_free(h);
	return hangs;
}

static void assert_text(struct host *h, const char *path, const char *expected)
{
	autofree char *text = fake_text(h, "/sys/%s", path);

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void assert_driver(struct host *h, const char *bdf, const char *expected)
{
	autofree char *driver = fake_driver(h, bdf);

	if (expected)
		assert_string_equal(driver, expected);
	else
		assert_null(driver);
}

static void make_vfs(struct host *h, const char *n)
{
	assert_int_equal(sysfs_write_within(h, WITHIN, n, DEV(PF "/sriov_numvfs")), 0);
	host_sleep_ms(h, 200);
}

static void vfs_come_and_go(void **state)
{
	struct host *h = *state;
	autofree char *group = NULL, *physfn = NULL;
	autostrv char **before = NULL, **after = NULL, **groups_before = NULL,
		      **groups_after = NULL;

	assert_int_equal(sysfs_list(h, &before, "bus/pci/devices"), 0);
	assert_int_equal(sysfs_list(h, &groups_before, "kernel/iommu_groups"), 0);
	assert_int_equal(sysfs_write(h, "2\n", DEV(PF "/sriov_numvfs")), 0);
	assert_text(h, DEV(PF "/sriov_numvfs"), "2");
	assert_false(sysfs_exists(h, DEV(VF0))); /* not at once */
	host_sleep_ms(h, 30);
	assert_true(sysfs_exists(h, DEV(VF0)));
	assert_false(sysfs_exists(h, DEV(VF0 "/physfn")));
	host_sleep_ms(h, 1);
	assert_true(sysfs_exists(h, DEV(PF "/virtfn0")));
	assert_driver(h, VF0, NULL);
	host_sleep_ms(h, 200);
	assert_driver(h, VF0, "igbvf");
	assert_driver(h, VF1, "igbvf");
	assert_true(sysfs_exists(h, "class/net/eth4/device/physfn/sriov_totalvfs"));
	assert_int_equal(sysfs_link_name(h, &physfn, DEV(VF1 "/physfn")), 0);
	assert_string_equal(physfn, PF);
	assert_int_equal(sysfs_link_name(h, &group, DEV(VF1 "/iommu_group")), 0);
	assert_string_equal(group, "12");
	assert_true(sysfs_exists(h, "kernel/iommu_groups/12/devices/" VF1 "/physfn"));
	assert_text(h, DEV(VF1 "/device"), "0x10ca");
	assert_text(
		h, DEV(VF1 "/modalias"), "pci:v00008086d000010CAsv00001AF4sd00001100bc02sc00i00");
	assert_text(h, DEV(VF1 "/driver_override"), "(null)");

	assert_int_equal(sysfs_write(h, "0", DEV(PF "/sriov_numvfs")), 0);
	assert_int_equal(sysfs_list(h, &after, "bus/pci/devices"), 0);
	assert_int_equal(strv_len(after), strv_len(before));
	assert_int_equal(sysfs_list(h, &groups_after, "kernel/iommu_groups"), 0);
	assert_int_equal(strv_len(groups_after), strv_len(groups_before));
	assert_false(sysfs_exists(h, "class/net/eth4"));
	assert_false(sysfs_exists(h, DRV("igbvf/" VF0)));
	assert_false(sysfs_exists(h, DEV(PF "/virtfn0")));
}

static void numvfs_errors(void **state)
{
	struct host *h = *state;

	assert_int_equal(sysfs_write(h, "8", DEV(PF "/sriov_numvfs")), -ERANGE);
	assert_int_equal(sysfs_write(h, "x", DEV(PF "/sriov_numvfs")), -EINVAL);
	assert_int_equal(sysfs_write(h, "65536", DEV(PF "/sriov_numvfs")), -EINVAL);
	assert_int_equal(sysfs_write(h, "0", DEV(PF "/sriov_numvfs")), 0);
	make_vfs(h, "2");
	assert_int_equal(sysfs_write(h, "2", DEV(PF "/sriov_numvfs")), 0);
	assert_int_equal(sysfs_write(h, "3", DEV(PF "/sriov_numvfs")), -EBUSY);
	assert_int_equal(fake_num_vfs(h, PF), 2);
	assert_int_equal(sysfs_write(h, PF2, DEV(PF2 "/driver/unbind")), 0);
	assert_int_equal(sysfs_write(h, "2", DEV(PF2 "/sriov_numvfs")), -ENOENT);
	assert_int_equal(sysfs_write(h, "vfio-pci", DEV(PF2 "/driver_override")), 0);
	assert_int_equal(sysfs_write(h, PF2, PROBE), 0);
	assert_driver(h, PF2, "vfio-pci");
	assert_int_equal(sysfs_write(h, "2", DEV(PF2 "/sriov_numvfs")), -ENOENT);
	assert_int_equal(sysfs_write(h, "1", DEV(PF "/vendor")), -EACCES);
	assert_int_equal(sysfs_write(h, "1", DEV(PF "/nothing")), -ENOENT);
}

static void overrides(void **state)
{
	struct host *h = *state;

	make_vfs(h, "1");
	assert_int_equal(sysfs_write(h, "vfio-pci", DEV(VF0 "/driver_override")), 0);
	assert_text(h, DEV(VF0 "/driver_override"), "vfio-pci");
	assert_int_equal(sysfs_write(h, VF0, PROBE), 0); /* it has a driver: nothing happens */
	assert_driver(h, VF0, "igbvf");
	assert_int_equal(sysfs_write(h, VF0, DRV("vfio-pci/bind")), -EBUSY);
	assert_int_equal(sysfs_write(h, VF0, DRV("vfio-pci/unbind")), -ENODEV);
	assert_int_equal(sysfs_write(h, VF0, DEV(VF0 "/driver/unbind")), 0);
	assert_driver(h, VF0, NULL);
	assert_int_equal(sysfs_write(h, VF0, DRV("igbvf/bind")), -ENODEV);
	assert_int_equal(sysfs_write(h, VF0, PROBE), 0);
	assert_driver(h, VF0, "vfio-pci");
	assert_false(devnode_exists(h, "vfio/11")); /* a little later */
	host_sleep_ms(h, 5);
	assert_true(devnode_exists(h, "vfio/11"));
	assert_true(sysfs_exists(h, "class/vfio/11/dev"));
	assert_int_equal(sysfs_write(h, VF0, DRV("vfio-pci/unbind")), 0);
	assert_false(devnode_exists(h, "vfio/11"));
	assert_false(sysfs_exists(h, DEV(VF0 "/vfio-dev")));
	assert_int_equal(sysfs_write(h, "nosuchdriver", DEV(VF0 "/driver_override")), 0);
	assert_int_equal(sysfs_write(h, VF0, PROBE), 0); /* success, and no driver */
	assert_driver(h, VF0, NULL);
	assert_int_equal(sysfs_write(h, "\n", DEV(VF0 "/driver_override")), 0);
	assert_text(h, DEV(VF0 "/driver_override"), "(null)");
	assert_int_equal(sysfs_write(h, VF0, PROBE), 0);
	assert_driver(h, VF0, "igbvf");
	assert_int_equal(sysfs_write(h, "0000:99:00.0", PROBE), -ENODEV);
	/* An override does not outlive its VF. */
	assert_int_equal(sysfs_write(h, "vfio-pci", DEV(VF0 "/driver_override")), 0);
	make_vfs(h, "0");
	make_vfs(h, "1");
	assert_text(h, DEV(VF0 "/driver_override"), "(null)");
}

static void without_autoprobe(void **state)
{
	struct host *h = *state;

	assert_int_equal(sysfs_write(h, "maybe", DEV(PF "/sriov_drivers_autoprobe")), -EINVAL);
	assert_int_equal(sysfs_write(h, "0", DEV(PF "/sriov_drivers_autoprobe")), 0);
	make_vfs(h, "1");
	assert_driver(h, VF0, NULL);
	assert_int_equal(sysfs_write(h, VF0, DRV("igbvf/bind")), -ENODEV);
	assert_int_equal(sysfs_write(h, "igbvf", DEV(VF0 "/driver_override")), 0);
	assert_int_equal(sysfs_write(h, VF0, DRV("igbvf/bind")), 0);
	assert_driver(h, VF0, "igbvf");
}

static void pf_with_vfs_and_vfio(void **state)
{
	struct host *h = *state;

	/* igb takes its VFs along when it leaves, the NVMe driver does not. */
	make_vfs(h, "2");
	assert_int_equal(sysfs_write(h, PF, DRV("igb/unbind")), 0);
	assert_int_equal(fake_num_vfs(h, PF), 0);
	assert_false(sysfs_exists(h, "class/net/eth0"));
	assert_int_equal(sysfs_write(h, "1", DEV(NVME "/sriov_numvfs")), 0);
	host_sleep_ms(h, 200);
	assert_int_equal(sysfs_write(h, NVME, DRV("nvme/unbind")), 0);
	assert_int_equal(sysfs_write(h, "vfio-pci", DEV(NVME "/driver_override")), 0);
	assert_int_equal(sysfs_write(h, NVME, DRV("vfio-pci/bind")), -EBUSY);
	assert_int_equal(sysfs_write(h, NVME, PROBE), 0);
	assert_driver(h, NVME, NULL);
}

static void no_iommu(void **state)
{
	struct host *h = *state;

	fake_iommu_off(h);
	make_vfs(h, "1");
	assert_false(sysfs_exists(h, DEV(VF0 "/iommu_group")));
	assert_int_equal(sysfs_write(h, VF0, DRV("igbvf/unbind")), 0);
	assert_int_equal(sysfs_write(h, "vfio-pci", DEV(VF0 "/driver_override")), 0);
	assert_int_equal(sysfs_write(h, VF0, PROBE), 0);
	assert_driver(h, VF0, NULL);
	assert_int_equal(sysfs_write(h, VF0, DRV("vfio-pci/bind")), -EINVAL);
}

static void let_go(struct host *h, void *arg)
{
	fake_release(h, arg);
}

static int count(void *arg, unsigned waited_ms UNUSED)
{
	++*(int *)arg;
	return 0;
}

static void held_vfs_block(void **state)
{
	struct host *h = *state;
	char held[] = VF1;
	int calls = 0;
	struct host_wait wait = { .deadline_ms = 2500, .waiting = count, .arg = &calls };
	uint64_t begin;
	uint64_t n;

	make_vfs(h, "3");
	fake_hold(h, held);
	begin = host_now_ms(h);
	assert_int_equal(sysfs_write_within(h, &wait, "0", DEV(PF "/sriov_numvfs")), -ETIMEDOUT);
	assert_int_equal(host_now_ms(h) - begin, 2500);
	assert_int_equal(calls, 2);
	/* The first VF has gone, the rest waits, and the attribute cannot even be read. */
	assert_false(sysfs_exists(h, DEV(VF0)));
	assert_true(sysfs_exists(h, DEV(VF1)));
	assert_int_equal(sysfs_read_u64(h, &n, DEV(PF "/sriov_numvfs")), -EDEADLK);
	assert_int_equal(fake_hangs(h), 1);
	assert_int_equal(sysfs_write_within(h, WITHIN, "0", DEV(PF "/sriov_numvfs")), -ETIMEDOUT);
	fake_after(h, 1000, let_go, held);
	begin = host_now_ms(h);
	assert_int_equal(sysfs_read_u64(h, &n, DEV(PF "/sriov_numvfs")), 0);
	assert_int_equal(n, 0);
	assert_int_equal(host_now_ms(h) - begin, 1000);
	assert_false(sysfs_exists(h, DEV(VF1)));
	make_vfs(h, "1");
	fake_hold(h, VF0);
	assert_int_equal(sysfs_write(h, "0", DEV(PF "/sriov_numvfs")), -EDEADLK);
	assert_int_equal(fake_hangs(h), 2);
	fake_release(h, VF0);
	assert_int_equal(fake_num_vfs(h, PF), 0);
}

static int hangs_expected(void **state)
{
	host_free(*state);
	return 0;
}

static void held_unbind_waits(void **state)
{
	struct host *h = *state;
	char held[] = VF0;

	make_vfs(h, "1");
	assert_int_equal(sysfs_write(h, VF0, DRV("igbvf/unbind")), 0);
	assert_int_equal(sysfs_write(h, "vfio-pci", DEV(VF0 "/driver_override")), 0);
	assert_int_equal(sysfs_write(h, VF0, PROBE), 0);
	fake_hold(h, held);
	fake_after(h, 700, let_go, held);
	assert_int_equal(sysfs_write_within(h, WITHIN, VF0, DRV("vfio-pci/unbind")), 0);
	assert_driver(h, VF0, NULL);
	assert_true(sysfs_exists(h, DEV(VF0)));
}

static void faults(void **state)
{
	struct host *h = *state;
	autofree char *text = NULL;

	fake_fail_nth(h, FAKE_WRITE, 2, -EIO);
	assert_int_equal(sysfs_write(h, "1", DEV(PF "/sriov_drivers_autoprobe")), 0);
	assert_int_equal(sysfs_write(h, "0", DEV(PF "/sriov_drivers_autoprobe")), -EIO);
	assert_text(h, DEV(PF "/sriov_drivers_autoprobe"), "1");
	assert_int_equal(sysfs_write(h, "1", DEV(PF "/sriov_drivers_autoprobe")), 0);
	assert_int_equal(fake_calls(h, FAKE_WRITE), 3);
	fake_fail_path(h, FAKE_READ, "/numa_node", -ENODEV);
	assert_int_equal(sysfs_read(h, &text, DEV(PF "/numa_node")), -ENODEV);
	fake_fail_path(h, FAKE_READ, NULL, 0);
	assert_int_equal(sysfs_read(h, &text, DEV(PF "/numa_node")), 0);
	fake_vanish(h, "/sys/bus/pci/devices/%s/numa_node", PF);
	free(TAKE_PTR(text));
	assert_int_equal(sysfs_read(h, &text, DEV(PF "/numa_node")), -ENOENT);
	fake_probe_fails(h, "igbvf", -ENOMEM);
	make_vfs(h, "1");
	assert_driver(h, VF0, NULL);
	assert_int_equal(sysfs_write(h, VF0, DRV("igbvf/bind")), -ENOMEM);
	fake_probe_fails(h, "igbvf", 0);
	assert_int_equal(sysfs_write(h, VF0, DRV("igbvf/bind")), 0);
	fake_unplug(h, VF0);
	assert_false(sysfs_exists(h, DEV(VF0)));
	fake_log_clear(h);
	assert_int_equal(sysfs_write(h, "x\n", "bus/pci/drivers/igb/new_id"), 0);
	assert_string_equal(fake_log(h), "write /sys/bus/pci/drivers/igb/new_id x\n");
}

static void modules(void **state)
{
	struct host *h = *state;

	assert_int_equal(host_load_module(h, "vfio-pci"), 0);
	fake_unload(h, "vfio-pci", false);
	assert_false(sysfs_exists(h, DRV("vfio-pci")));
	assert_int_equal(host_load_module(h, "vfio_pci"), 1);
	assert_true(sysfs_exists(h, DRV("vfio-pci/bind")));
	fake_unload(h, "vfio-pci", true);
	assert_int_equal(host_load_module(h, "vfio-pci"), -ENOENT);
	assert_int_equal(host_load_module(h, "no-such-module"), -ENOENT);
}

static void a_pf_is_pulled_out(void **state)
{
	struct host *h = *state;

	make_vfs(h, "2");
	fake_unplug(h, PF);
	assert_false(sysfs_exists(h, DEV(PF)));
	assert_false(sysfs_exists(h, DEV(VF1)));
	assert_false(sysfs_exists(h, "class/net/eth0"));
	host_sleep_ms(h, 1000);
	assert_false(sysfs_exists(h, DEV(VF0)));
	assert_int_equal(sysfs_write(h, "1", DEV(PF "/sriov_numvfs")), -ENOENT);
}

static void captured_vfs_count(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	autofree char *text = NULL;

	struct host_vf *vfs;
	size_t n;

	assert_int_equal(fake_num_vfs(h, PF), 4);
	assert_int_equal(host_link_vfs(h, 2, &vfs, &n), 0);
	assert_int_equal(n, 4);
	text = fake_text(h, "/sys/class/net/eth4/address");
	assert_string_equal(text, MAC_TEXT(vfs[0].mac));
	free(vfs);
	assert_int_equal(sysfs_write(h, "0", DEV(PF "/sriov_numvfs")), 0);
	assert_false(sysfs_exists(h, DEV(VF0)));
	assert_false(sysfs_exists(h, "class/net/eth7"));
	assert_int_equal(sysfs_write(h, "0", DEV(PF2 "/sriov_numvfs")), 0);
	assert_false(sysfs_exists(h, "class/vfio/15"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(vfs_come_and_go),
		T(numvfs_errors),
		T(overrides),
		T(without_autoprobe),
		T(pf_with_vfs_and_vfio),
		T(no_iommu),
		cmocka_unit_test_setup_teardown(held_vfs_block, setup, hangs_expected),
		T(held_unbind_waits),
		T(faults),
		T(modules),
		T(a_pf_is_pulled_out),
		cmocka_unit_test(captured_vfs_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
