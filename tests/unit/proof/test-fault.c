// SPDX-License-Identifier: GPL-2.0-or-later
/* Which lines of the kernel's log are about a fault of ours, and which differences count. */
#include "cm.h"
#include "machine.h"

#include "proof/run.h"

#define INTEL                                                                                      \
	"DMAR: [DMA Write NO_PASID] Request device [01:10.0] fault addr 0x1200000 [fault reason "  \
	"0x05] PTE Write access is not set"
#define AMD                                                                                        \
	"AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:10.0 domain=0x0011 "                   \
	"address=0x1200040 flags=0x0020]"
#define ARM "arm-smmu-v3 arm-smmu-v3.0.auto: event: F_TRANSLATION iova: 0x1200fff ipa: 0x0"

static void faults_of_ours_are_told_from_others(void **state UNUSED)
{
	struct bdf a = at("0000:01:10.0"), other = at("0000:01:10.2");

	assert_true(fault_is(INTEL, a, 0x1200000, 4096));
	assert_true(fault_is(AMD, a, 0x1200000, 4096));
	assert_true(fault_is(ARM, a, 0x1200000, 4096));
	assert_false(fault_is(INTEL, other, 0x1200000, 4096));
	assert_false(fault_is(AMD, other, 0x1200000, 4096));
	assert_false(fault_is(INTEL, a, 0x1201000, 4096));
	assert_false(fault_is(INTEL, a, 0x11ff000, 4096));
	assert_false(fault_is(ARM, a, 0x1201000, 4096));
	assert_false(fault_is("DMAR: DRHD: handling fault status reg 2", a, 0, 4096));
	assert_false(fault_is("usb 1-1: 01:10.0 at 0x1200000", a, 0x1200000, 4096));
	assert_false(fault_is("", a, 0, UINT64_MAX));
	assert_false(fault_is("DMAR: 01:10.0 0x", a, 1, 4096));
}

static char *difference(const char *address, size_t offset, uint8_t was, uint8_t is)
{
	struct host *h = machine("s2-vfio");
	struct config_space before, after;

	assert_int_equal(config_space_read(h, at(address), &before), 0);
	host_free(h);
	after = before;
	before.b[offset] = was;
	after.b[offset] = is;
	return config_difference(&before, &after);
}

static void what_changes_by_itself_is_no_difference(void **state UNUSED)
{
	/* An igb VF: MSI-X at 0x70, PCIe at 0xa0, AER at 0x100. */
	static const size_t changing[] = { 0x06, 0xaa, 0xb2, 0x104, 0x110, 0x11c };
	static const size_t steady[] = { 0x04, 0x10, 0x24, 0x3c, 0x73, 0xa8, 0x108 };

	for (size_t i = 0; i < ARRAY_SIZE(changing); i++) {
		autofree char *d = difference("0000:02:10.0", changing[i], 0, 1);

		if (d)
			fail_msg("%s", d);
	}
	for (size_t i = 0; i < ARRAY_SIZE(steady); i++) {
		autofree char *d = difference("0000:02:10.0", steady[i], 0, 1);

		if (!d)
			fail_msg("register 0x%zx may change", steady[i]);
	}
}

static void a_difference_is_told_by_its_register(void **state UNUSED)
{
	autofree char *bar = difference("0000:02:10.0", 0x11, 0, 0x40);
	autofree char *other = difference("0000:02:10.0", 0x3d, 1, 2);

	assert_string_equal(bar, "BAR at 0x010 was 0x00000000, is 0x00004000");
	assert_non_null(strstr(other, "register 0x03c"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_of_ours_are_told_from_others),
		cmocka_unit_test(what_changes_by_itself_is_no_difference),
		cmocka_unit_test(a_difference_is_told_by_its_register),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
