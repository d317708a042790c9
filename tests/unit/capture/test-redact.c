// SPDX-License-Identifier: GPL-2.0-or-later
/* Pseudonyms: nothing of the original is left, and equal stays equal. */
#include "cm.h"
#include "base/str.h"
#include "capture/redact.h"

static const uint8_t key[32] = { 1, 2, 3 }, other_key[32] = { 3, 2, 1 };
static const struct redactor on = { .key = key }, other = { .key = other_key }, off = { NULL };

static void mac_addresses(void **state UNUSED)
{
	char a[] = "x 3c:fd:fe:aa:00:01, enx3cfdfeaa0001 0000:3b:00.1 y", b[sizeof(a)];
	char same[] = "3c:fd:fe:aa:00:01", unlike[] = "3c:fd:fe:aa:00:01";
	char none[] = "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 33:33:00:00:00:01 no:ma:c";

	memcpy(b, a, sizeof(a));
	redact_text(&on, a);
	assert_null(strstr(a, "aa:00:01"));
	assert_null(strstr(a, "aa0001"));
	assert_memory_equal(a, "x 3c:fd:fe:", 11);
	assert_non_null(strstr(a, ", enx3cfdfe"));
	assert_non_null(strstr(a, " 0000:3b:00.1 y"));
	redact_text(&on, same);
	assert_memory_equal(a + 2, same, 17);
	redact_text(&other, unlike);
	assert_string_not_equal(unlike, same);
	redact_text(&off, b);
	assert_non_null(strstr(b, "aa:00:01, enx3cfdfeaa0001"));
	redact_text(&on, none);
	assert_string_equal(none, "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 33:33:00:00:00:01 no:ma:c");
}

/* The vendor's three bytes are nobody's where the address is locally administered. */
static void a_local_mac(void **state UNUSED)
{
	uint8_t mac[6] = { 0x52, 0x54, 0x00, 1, 2, 3 };

	redact_mac(&on, mac);
	assert_int_equal(mac[0], 0x52);
	assert_memory_not_equal(mac + 1, ((uint8_t[]) { 0x54, 0, 1, 2, 3 }), 5);
}

static unsigned common_bits(const uint8_t *a, const uint8_t *b, size_t len)
{
	unsigned n = 0;

	while (n < len * 8 && !((a[n / 8] ^ b[n / 8]) & 0x80 >> n % 8))
		n++;
	return n;
}

/* So that a route still leads to the addresses that it led to. */
static void addresses_keep_their_prefixes(void **state UNUSED)
{
	static const uint8_t plain[][4] = { { 192, 168, 2, 1 }, { 192, 168, 2, 9 },
		{ 192, 168, 3, 1 }, { 10, 0, 0, 1 } };
	uint8_t hidden[4][4], none[4] = { 0 }, lo[4] = { 127, 0, 0, 1 };

	memcpy(hidden, plain, sizeof(plain));
	for (size_t i = 0; i < 4; i++) {
		redact_ip(&on, hidden[i], 4);
		assert_memory_not_equal(hidden[i], plain[i], 4);
	}
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(common_bits(plain[i], plain[j], 4),
				common_bits(hidden[i], hidden[j], 4));
	redact_ip(&on, none, 4);
	redact_ip(&on, lo, 4);
	assert_memory_equal(none, ((uint8_t[]) { 0, 0, 0, 0 }), 4);
	assert_memory_equal(lo, ((uint8_t[]) { 127, 0, 0, 1 }), 4);
}

static void assert_text(char *got, const char *expected)
{
	assert_string_equal(got, expected);
	free(got);
}

static void names_and_paths(void **state UNUSED)
{
	autofree char *serial = redact_name(&on, "S1234"), *uuid = redact_disk(&on, "UUID=ab-cd");
	autofree char *node = redact_disk(&on, "/dev/disk/by-uuid/ab-cd");
	autofree char *home = redact_path(&on, "/home/alice");

	assert_string_not_equal(serial, "S1234");
	assert_text(redact_name(&off, "S1234"), "S1234");
	assert_text(redact_name(&on, ""), "");
	assert_text(redact_path(&on, "/"), "/");
	assert_text(redact_path(&on, "/boot/efi"), "/boot/efi");
	assert_null(strstr(home, "alice"));
	assert_text(redact_disk(&on, "/dev/mapper/vg-root"), "/dev/mapper/vg-root");
	assert_memory_equal(uuid, "UUID=x", 6);
	assert_string_equal(strchr(uuid, 'x'), strrchr(node, '/') + 1);
}

static void kernel_options(void **state UNUSED)
{
	assert_text(redact_kernel_options(&on,
			    "root=UUID=ab intel_iommu=on quiet vfio-pci.ids=8086:10c9 x.password=y "
			    "pcie_acs_override=downstream -- --token=secret z"),
		"root=x intel_iommu=on quiet vfio-pci.ids=8086:10c9 x.password=x "
		"pcie_acs_override=downstream");
	assert_text(redact_kernel_options(&off, "a=b -- c"), "a=b -- c");
}

static void a_serial_number_in_config(void **state UNUSED)
{
	uint8_t config[0x200] = { 0 };

	memcpy(config + 0x100, ((uint8_t[]) { 1, 0, 1, 0x14 }), 4); /* AER, next at 0x140 */
	memcpy(config + 0x140, ((uint8_t[]) { 3, 0, 1, 0x10, 1, 2, 3, 4, 5, 6, 7, 8 }), 12);
	redact_config(&on, config, sizeof(config));
	assert_memory_not_equal(config + 0x144, ((uint8_t[]) { 1, 2, 3, 4, 5, 6, 7, 8 }), 8);
	assert_memory_equal(config + 0x140, ((uint8_t[]) { 3, 0, 1, 0x10 }), 4);
	/* A list that leads back to itself, and one that leads out, end. */
	redact_config(&on, config, sizeof(config));
	redact_config(&on, config, 0x148);
	redact_config(&on, config, 0);
}

static void a_serial_number_in_vpd(void **state UNUSED)
{
	uint8_t vpd[] = { 0x82, 3, 0, 'N', 'I', 'C', 0x90, 18, 0, 'P', 'N', 2, 'G', '1', 'S', 'N',
		3, '4', '5', '6', 'R', 'V', 4, 0xaa, 0, 0, 0, 0x78 };
	uint8_t sum = 0;

	redact_vpd(&on, vpd, sizeof(vpd));
	assert_memory_equal(vpd + 3, "NIC", 3);
	assert_memory_equal(vpd + 12, "G1SN", 4);
	assert_memory_not_equal(vpd + 17, "456", 3);
	for (size_t i = 0; i < 24; i++)
		sum = (uint8_t)(sum + vpd[i]);
	assert_int_equal(sum, 0);
	for (size_t i = 0; i < sizeof(vpd); i++)
		redact_vpd(&on, vpd, i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mac_addresses),
		cmocka_unit_test(a_local_mac),
		cmocka_unit_test(addresses_keep_their_prefixes),
		cmocka_unit_test(names_and_paths),
		cmocka_unit_test(kernel_options),
		cmocka_unit_test(a_serial_number_in_config),
		cmocka_unit_test(a_serial_number_in_vpd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
