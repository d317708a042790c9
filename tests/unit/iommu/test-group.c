// SPDX-License-Identifier: GPL-2.0-or-later
/* Groups and the verdict that the kernel gives without a reason. */
#include "cm.h"
#include "machine.h"
#include "iommu/group.h"

static void drivers_that_block(void **state UNUSED)
{
	static const char *const vfio[] = { "vfio-pci", "mlx5_vfio_pci", "nvgrace-gpu-vfio-pci",
		"vfio_pci_xe" };

	for (size_t i = 0; i < ARRAY_SIZE(vfio); i++) {
		assert_true(driver_is_vfio(vfio[i]));
		assert_false(iommu_member_blocks(0x020000, vfio[i]));
	}
	assert_false(driver_is_vfio("igb"));
	assert_false(driver_is_vfio("myvfio-pcie"));
	assert_false(driver_is_vfio(NULL));
	assert_true(iommu_member_blocks(0x020000, "igb"));
	assert_false(iommu_member_blocks(0x020000, NULL));
	assert_false(iommu_member_blocks(0x020000, "pci-stub"));
	assert_true(iommu_member_blocks(0x020000, "pci-pf-stub")); /* it does hold the device */
	assert_false(iommu_member_blocks(0x060400, "pcieport"));
	assert_false(iommu_member_blocks(0x060700, NULL));
	assert_false(iommu_member_blocks(0x060400, "shpchp"));
	/* No bus behind these, and a driver of the host's on them. */
	assert_true(iommu_member_blocks(0x060100, "lpc_ich"));
	assert_true(iommu_member_blocks(0x060000, "agpgart-intel"));
	assert_true(iommu_member_blocks(0x068000, "ntb_hw_intel"));
	assert_false(iommu_member_blocks(0x068000, "vfio-pci"));
}

static void the_blocker_is_named_and_the_bridge_is_not(void **state UNUSED)
{
	autohost *h = machine("s3-nonviable");
	autoproblem *p = NULL;
	autofree char *blockers = NULL;
	struct iommu_group g;

	assert_int_equal(iommu_group_of(h, at("0000:05:01.0")), 10);
	assert_int_equal(iommu_group_read(h, 10, &g), 0);
	assert_int_equal(g.n_members, 3);
	assert_false(g.viable);
	blockers = iommu_group_blockers(&g);
	assert_string_equal(blockers, "0000:05:02.0 (e1000)");
	assert_int_equal(iommu_group_require_viable(&g, &p), -EPERM);
	assert_int_equal(p->kind, PROBLEM_GROUP_NOT_VIABLE);
	assert_non_null(strstr(p->what, "0000:05:02.0 (e1000)"));
	assert_string_equal(problem_best_hint(p), "vfctl bind 0000:05:02.0 vfio-pci");
	iommu_group_done(&g);
}

static void a_vf_on_vfio_is_viable(void **state UNUSED)
{
	autohost *h = machine("s2-vfio");
	struct iommu_group g;

	assert_int_equal(iommu_group_read(h, 15, &g), 0);
	assert_true(g.viable);
	assert_null(iommu_group_blockers(&g));
	assert_int_equal(iommu_group_require_viable(&g, NULL), 0);
	assert_string_equal(g.type, "identity");
	iommu_group_done(&g);
}

static void reserved_regions_keep_their_whole_word(void **state UNUSED)
{
	autohost *h = machine("s2-vfio");
	struct iommu_group g;

	assert_int_equal(iommu_group_read(h, 6, &g), 0);
	assert_int_equal(g.n_reserved, 2);
	assert_string_equal(g.reserved[0].type, "direct-relaxable");
	assert_int_equal(g.reserved[0].start, 0);
	assert_int_equal(g.reserved[0].end, 0xffffff);
	assert_string_equal(g.reserved[1].type, "msi");
	assert_int_equal(g.reserved[1].start, 0xfee00000);
	assert_int_equal(g.reserved[1].end, 0xfeefffff);
	iommu_group_done(&g);
}

static void all_groups_come_by_number(void **state UNUSED)
{
	autohost *h = machine("s2-vfio");
	struct iommu_group *groups;
	size_t n;

	assert_int_equal(iommu_groups_read(h, &groups, &n), 0);
	assert_int_equal(n, 17);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(groups[i].id, i);
	iommu_groups_free(groups, n);
}

static void what_is_in_no_group(void **state UNUSED)
{
	autohost *h = machine("s2-vfio");
	struct iommu_group g;

	assert_int_equal(iommu_group_of(h, at("0000:7f:00.0")), -ENODATA);
	assert_int_equal(iommu_group_read(h, 99, &g), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drivers_that_block),
		cmocka_unit_test(the_blocker_is_named_and_the_bridge_is_not),
		cmocka_unit_test(a_vf_on_vfio_is_viable),
		cmocka_unit_test(reserved_regions_keep_their_whole_word),
		cmocka_unit_test(all_groups_come_by_number),
		cmocka_unit_test(what_is_in_no_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
