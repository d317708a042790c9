// SPDX-License-Identifier: GPL-2.0-or-later
/* One function in full, against what the same machine's lspci and sysfs say. */
#include "cm.h"
#include "machine.h"
#include "pci/detail.h"

static struct detail *detail_of(struct host *h, const char *address)
{
	struct detail *d = NULL;

	assert_int_equal(detail_read(h, at(address), &d), 0);
	return d;
}

static void an_igb_pf(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct detail *d CLEANUP(detail_freep) = detail_of(h, "0000:01:00.0");

	assert_int_equal(d->revision, 1);
	assert_true(d->has_msix);
	assert_int_equal(d->msix_vectors, 10);
	assert_int_equal(d->msix_table_bar, 3);
	assert_true(d->has_sriov);
	assert_int_equal(d->sriov.total_vfs, 8); /* the driver allows 7 */
	assert_int_equal(d->sriov.num_vfs, 4);
	assert_int_equal(d->sriov.first_offset, 128);
	assert_int_equal(d->sriov.stride, 2);
	assert_int_equal(d->sriov.vf_device, 0x10ca);
	assert_int_equal(d->sriov.supported_page_sizes, 0x553);
	assert_int_equal(d->sriov.system_page_size, 1);
	assert_true(d->sriov.enabled);
	assert_int_equal(d->sriov.vf_bar_bytes[0], 0x4000);
	assert_int_equal(d->sriov.vf_bar_bytes[3], 0x4000);
	assert_int_equal(d->sriov.vf_bar_bytes[1], 0);
	assert_int_equal(d->regions[0].size, 0x20000);
	assert_true(d->regions[2].io);
	assert_true(d->regions[3].is64);
	assert_int_equal(strv_len(d->reset_methods), 3);
	assert_string_equal(d->reset_methods[0], "flr");
	assert_string_equal(d->link.current_speed, "2.5 GT/s PCIe");
	assert_int_equal(d->link.current_width, 1);
}

static void an_nvme_vf(void **state UNUSED)
{
	autohost *h = machine("s4-nvme-vf");
	struct detail *d CLEANUP(detail_freep) = detail_of(h, "0000:03:00.1");

	assert_false(d->has_sriov);
	assert_int_equal(d->msix_vectors, 1);
	assert_int_equal(d->msix_table_bar, 0);
	assert_int_equal(d->msix_table_offset, 0x2000);
	assert_int_equal(d->regions[0].size, 0x4000);
}

static void a_conventional_function(void **state UNUSED)
{
	autohost *h = machine("s4-nvme-vf");
	struct detail *d CLEANUP(detail_freep) = detail_of(h, "0000:05:02.0");

	assert_false(d->has_msix);
	assert_int_equal(d->n_caps, 0);
	assert_null(d->link.current_speed);
	assert_int_equal(d->link.max_width, 0);
}

static void a_function_that_is_not_there(void **state UNUSED)
{
	autohost *h = machine("s4-nvme-vf");
	struct detail *d = NULL;

	assert_int_equal(detail_read(h, at("0000:7f:00.0"), &d), -ENOENT);
	assert_null(d);
}

static void regions_survive_nonsense(void **state UNUSED)
{
	struct region r[REGIONS];

	regions_parse("0x1000 0x1fff 0x200\nwords\n0x2000 0x1fff 0x200\n"
		      "0x0 0xffffffffffffffff 0x200\n0x10 0x1f 0x101",
		r);
	assert_int_equal(r[0].size, 0x1000);
	assert_int_equal(r[1].size, 0);
	assert_int_equal(r[2].size, 0);
	assert_int_equal(r[3].size, 0);
	assert_int_equal(r[4].size, 0x10);
	assert_true(r[4].io);
	assert_int_equal(r[5].size, 0);
	regions_parse("", r);
	assert_int_equal(r[0].size, 0);
}

static const uint8_t vpd[] = { 0x82, 4, 0, 'C', 'a', 'r', 'd', 0x90, 13, 0, 'P', 'N', 2, 'X', '1',
	'S', 'N', 5, 'A', 'B', 'C', ' ', '\n', 0x78 };

static void vpd_is_read(void **state UNUSED)
{
	autofree char *serial = vpd_keyword(vpd, sizeof(vpd), "SN");
	autofree char *part = vpd_keyword(vpd, sizeof(vpd), "PN");
	autofree char *product = vpd_identifier(vpd, sizeof(vpd));

	assert_string_equal(serial, "ABC");
	assert_string_equal(part, "X1");
	assert_string_equal(product, "Card");
	assert_null(vpd_keyword(vpd, sizeof(vpd), "EC"));
}

static void damaged_vpd_is_bounded(void **state UNUSED)
{
	for (size_t len = 0; len < sizeof(vpd) - 1; len++)
		assert_null(vpd_keyword(vpd, len, "SN"));
	for (size_t i = 0; i < sizeof(vpd); i++) {
		uint8_t bad[sizeof(vpd)];

		memcpy(bad, vpd, sizeof(vpd));
		bad[i] = 0xff;
		free(vpd_keyword(bad, sizeof(bad), "SN"));
		free(vpd_identifier(bad, sizeof(bad)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_igb_pf),
		cmocka_unit_test(an_nvme_vf),
		cmocka_unit_test(a_conventional_function),
		cmocka_unit_test(a_function_that_is_not_there),
		cmocka_unit_test(regions_survive_nonsense),
		cmocka_unit_test(vpd_is_read),
		cmocka_unit_test(damaged_vpd_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
