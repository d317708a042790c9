// SPDX-License-Identifier: GPL-2.0-or-later
/* From numvfs to an open device: sysfs and VFIO of the fake kernel are one machine. */
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "fakevfio/fakevfio.h"
#include "host/devnode.h"
#include "host/sysfs.h"

#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/ioctl.h>

#define PF     "0000:01:00.0"
#define VF0    "0000:01:10.0"
#define DEV(f) "bus/pci/devices/" f

static int setup(void **state)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz");

	*state = h;
	assert_int_equal(sysfs_write(h, "0", DEV(PF "/sriov_drivers_autoprobe")), 0);
	assert_int_equal(sysfs_write(h, "2", DEV(PF "/sriov_numvfs")), 0);
	host_sleep_ms(h, 200);
	assert_int_equal(sysfs_write(h, "vfio-pci", DEV(VF0 "/driver_override")), 0);
	assert_int_equal(sysfs_write(h, VF0, "bus/pci/drivers_probe"), 0);
	host_sleep_ms(h, 10);
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static int group_flags(struct host *h, int group)
{
	struct vfio_group_status s = { .argsz = sizeof(s) };

	assert_int_equal(host_ioctl(h, group, VFIO_GROUP_GET_STATUS, &s), 0);
	return (int)s.flags;
}

static int open_device(struct host *h, int container, int group)
{
	char name[] = VF0;

	assert_int_equal(host_ioctl(h, group, VFIO_GROUP_SET_CONTAINER, &container), 0);
	assert_int_equal(
		host_ioctl(h, container, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_TYPE1v2_IOMMU), 0);
	return host_ioctl(h, group, VFIO_GROUP_GET_DEVICE_FD, name);
}

static void a_vf_is_opened(void **state)
{
	struct host *h = *state;
	struct vfio_region_info bar = { .argsz = sizeof(bar), .index = 3 };
	int container = devnode_open(h, O_RDWR, "vfio/vfio");
	int group = devnode_open(h, O_RDWR, "vfio/11");
	uint16_t ids[2];
	int device;

	assert_true(container >= 0 && group >= 0);
	assert_int_equal(devnode_open(h, O_RDWR, "vfio/11"), -EBUSY);
	assert_int_equal(devnode_open(h, O_RDWR, "vfio/12"), -ENOENT); /* not on vfio-pci */
	assert_int_equal(group_flags(h, group), VFIO_GROUP_FLAGS_VIABLE);
	device = open_device(h, container, group);
	assert_true(device >= 0);
	assert_int_equal(host_ioctl(h, device, VFIO_DEVICE_GET_REGION_INFO, &bar), 0);
	assert_int_equal(bar.size, 0x4000);
	bar = (struct vfio_region_info) { .argsz = sizeof(bar),
		.index = VFIO_PCI_CONFIG_REGION_INDEX };
	assert_int_equal(host_ioctl(h, device, VFIO_DEVICE_GET_REGION_INFO, &bar), 0);
	/* The ids that a VF does not show on the bus. */
	assert_int_equal(host_pread(h, device, ids, sizeof(ids), bar.offset), sizeof(ids));
	assert_int_equal(ids[0], 0x8086);
	assert_int_equal(ids[1], 0x10ca);
	host_close(h, device);
	host_close(h, group);
	host_close(h, container);
	assert_int_equal(fake_vfio(h)->n_objects, 0);
}

static void an_open_device_holds_its_vf(void **state)
{
	struct host *h = *state;
	int container = devnode_open(h, O_RDWR, "vfio/vfio");
	int group = devnode_open(h, O_RDWR, "vfio/11");
	int device = open_device(h, container, group);
	struct host_wait wait = { .deadline_ms = 3000 };

	assert_int_equal(sysfs_write_within(h, &wait, "0", DEV(PF "/sriov_numvfs")), -ETIMEDOUT);
	assert_true(sysfs_exists(h, DEV(VF0)));
	host_close(h, device);
	assert_false(sysfs_exists(h, DEV(VF0))); /* the write of before goes on by itself */
	assert_int_equal(fake_num_vfs(h, PF), 0);
	host_close(h, group);
	host_close(h, container);
}

static void strangers_spoil_the_group(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s3-nonviable.tar.gz");
	int container = devnode_open(h, O_RDWR, "vfio/vfio");
	int group = devnode_open(h, O_RDWR, "vfio/10");
	autofree char *driver = NULL;

	assert_true(group >= 0);
	assert_int_equal(group_flags(h, group), 0);
	assert_int_equal(host_ioctl(h, group, VFIO_GROUP_SET_CONTAINER, &container), -EPERM);
	host_close(h, group);
	/* Without the other function's driver it is whole; the bridge was never the problem. */
	driver = fake_driver(h, "0000:05:02.0");
	assert_string_equal(driver, "e1000");
	assert_int_equal(sysfs_write(h, "0000:05:02.0", "bus/pci/drivers/e1000/unbind"), 0);
	group = devnode_open(h, O_RDWR, "vfio/10");
	assert_int_equal(group_flags(h, group), VFIO_GROUP_FLAGS_VIABLE);
	host_close(h, group);
	host_close(h, container);
}

static void interrupts_and_resets(void **state)
{
	struct host *h = *state;
	struct fakevfio_function *fn = fake_vfio_function(h, VF0);
	int container = devnode_open(h, O_RDWR, "vfio/vfio");
	int group = devnode_open(h, O_RDWR, "vfio/11");
	int device = open_device(h, container, group);

	assert_non_null(fn);
	assert_int_equal(host_ioctl(h, device, VFIO_DEVICE_RESET, NULL), 0);
	assert_int_equal(fn->resets, 1);
	assert_int_equal(fn->irq_counts[VFIO_PCI_MSIX_IRQ_INDEX], 3);
	assert_false(fakevfio_fire(fn, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	fake_fail_ioctl(h, VFIO_DEVICE_RESET, -EIO);
	assert_int_equal(host_ioctl(h, device, VFIO_DEVICE_RESET, NULL), -EIO);
	host_close(h, device);
	host_close(h, group);
	host_close(h, container);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_vf_is_opened),
		T(an_open_device_holds_its_vf),
		cmocka_unit_test(strangers_spoil_the_group),
		T(interrupts_and_resets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
