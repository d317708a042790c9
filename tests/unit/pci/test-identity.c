// SPDX-License-Identifier: GPL-2.0-or-later
/* Identities come from sysfs and survive nonsense. */
#include "cm.h"
#include "machine.h"
#include "pci/classdev.h"
#include "pci/identity.h"
#include "pci/namedb.h"

#include <stdio.h>

static void modalias_gives_all(void **state UNUSED)
{
	struct identity id;

	assert_int_equal(identity_parse_modalias(
				 "pci:v00008086d000010C9sv00001AF4sd00001100bc02sc00i0f", &id),
		0);
	assert_int_equal(id.vendor, 0x8086);
	assert_int_equal(id.device, 0x10c9);
	assert_int_equal(id.subsystem_vendor, 0x1af4);
	assert_int_equal(id.subsystem_device, 0x1100);
	assert_int_equal(id.class_code, 0x02000f);
}

static void bad_modalias_is_refused(void **state UNUSED)
{
	static const char *const bad[] = {
		"",
		"pci:v00008086",
		"usb:v00008086d000010C9sv00001AF4sd00001100bc02sc00i00",
		"pci:v00018086d000010C9sv00001AF4sd00001100bc02sc00i00",
		"pci:v0000808Gd000010C9sv00001AF4sd00001100bc02sc00i00",
		"pci:v00008086d000010C9sv00001AF4sd00001100bc02sc00i00x",
		"pci:v00008086d000010C9sv00001AF4sd00001100bc02sc00i0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct identity id = { .vendor = 0x1234 };

		assert_int_equal(identity_parse_modalias(bad[i], &id), -EINVAL);
		assert_int_equal(id.vendor, 0x1234);
	}
}

/* Its config space says ffff:ffff. */
static void a_vf_has_its_real_identity(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct identity id;
	uint8_t revision;

	assert_int_equal(identity_read(h, at("0000:01:10.0"), &id), 0);
	assert_int_equal(id.vendor, 0x8086);
	assert_int_equal(id.device, 0x10ca);
	assert_int_equal(id.class_code, 0x020000);
	assert_int_equal(identity_read_revision(h, at("0000:01:10.0"), &revision), 0);
	assert_int_equal(revision, 1);
	assert_int_equal(identity_read(h, at("0000:7f:00.0"), &id), -ENOENT);
}

static void classes_have_words(void **state UNUSED)
{
	assert_string_equal(class_word(0x020000), "network");
	assert_string_equal(class_word(0x010802), "storage");
	assert_string_equal(class_word(0x120000), "accelerator");
	assert_string_equal(class_word(0x130000), "instrumentation");
	assert_string_equal(class_word(0x140000), "other");
	assert_string_equal(class_word(0x400000), "coprocessor");
	assert_string_equal(class_word(0xff0000), "other");
	assert_true(class_is_nvme(0x010802));
	assert_false(class_is_nvme(0x010601));
	assert_true(class_is_bridge(0x060400));
	assert_true(class_is_bus_bridge(0x060400));
	assert_true(class_is_bus_bridge(0x060401));
	assert_true(class_is_bus_bridge(0x060700));
	assert_true(class_is_bridge(0x060100));
	assert_false(class_is_bus_bridge(0x060100));
	assert_false(class_is_bridge(0x020000));
}

static void a_netdev_leads_to_its_function(void **state UNUSED)
{
	autohost *h = machine("s4-nvme-vf");
	struct bdf a;

	assert_int_equal(classdev_function(h, "net", "eth3", &a), 0);
	assert_string_equal(BDF_TEXT(a), "0000:05:02.0"); /* not the bridge above it */
	assert_int_equal(classdev_function(h, "nvme", "nvme0", &a), 0);
	assert_string_equal(BDF_TEXT(a), "0000:03:00.0");
	assert_int_equal(classdev_function(h, "net", "lo", &a), -ENODATA);
	assert_int_equal(classdev_function(h, "net", "nosuch", &a), -ENOENT);
}

static char *write_database(const char *text)
{
	char path[] = "/tmp/vfctl-ids-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return strdup(path);
}

static void names_come_from_the_database(void **state UNUSED)
{
	autofree char *path = write_database(
		"8086  Intel\x01 Corporation\n\t10c9  82576 Gigabit\nC 02  Network\n\t00  Ethernet\n");
	struct namedb *db CLEANUP(namedb_freep) = NULL;
	autofree char *vendor = NULL, *device = NULL, *none = NULL;

	assert_int_equal(namedb_open(path, &db), 0);
	vendor = namedb_vendor(db, 0x8086);
	device = namedb_device(db, 0x8086, 0x10c9);
	none = namedb_device(db, 0x8086, 0x9999);
	assert_string_equal(vendor, "Intel\\x01 Corporation");
	assert_string_equal(device, "82576 Gigabit");
	assert_null(none);
	unlink(path);
}

/* As the real one: comments, subsystems, other lists behind it; and bytes that were not asked for.
 */
static const char many[] = "#\n# a list\n\n0010  Numbers alike\r\n"
			   "8086  Intel Corporation \t\n"
			   "# between\n"
			   "\t10c9  82576 Gigabit Network Connection\n"
			   "\t\t8086 a03c  Gigabit ET Dual Port\n"
			   "\t\t10ca  not a device of its own\n"
			   "\t10CA\t82576 Virtual Function\n"
			   "\t10cb\n"
			   "80865  five digits\n"
			   "ffff  Illegal Vendor ID\n"
			   "C 02  Network controller\n"
			   "\t1234  not a device of ffff\n"
			   "\t\n\t10";

static void check_name(struct namedb *db, uint16_t vendor, int device, const char *expected)
{
	autofree char *name = device < 0 ? namedb_vendor(db, vendor)
					 : namedb_device(db, vendor, (uint16_t)device);

	if (expected)
		assert_string_equal(name ? name : "(none)", expected);
	else
		assert_null(name);
}

static void names_stand_in_lines(void **state UNUSED)
{
	autofree char *path = write_database(many);
	struct namedb *db CLEANUP(namedb_freep) = NULL;

	assert_int_equal(namedb_open(path, &db), 0);
	check_name(db, 0x8086, -1, "Intel Corporation");
	check_name(db, 0x0010, -1, "Numbers alike");
	check_name(db, 0xffff, -1, "Illegal Vendor ID");
	check_name(db, 0x8086, 0x10c9, "82576 Gigabit Network Connection");
	check_name(db, 0x8086, 0x10ca, "82576 Virtual Function");
	check_name(db, 0x8086, 0x10cb, NULL);
	check_name(db, 0x8086, 0xa03c, NULL);
	check_name(db, 0x0010, 0x10c9, NULL);
	check_name(db, 0xffff, 0x1234, NULL);
	check_name(db, 0x1234, -1, NULL);
	unlink(path);
}

/* The system's own may be compressed: libpci reads it then. */
static void a_compressed_database_has_the_same_names(void **state UNUSED)
{
	autofree char *path = write_database("8086  Intel Corporation\n\t10c9  82576\n");
	autofree char *gz = str_printf("%s.gz", path), *cmd = str_printf("gzip -kn %s", path);
	struct namedb *db CLEANUP(namedb_freep) = NULL;

	assert_int_equal(system(cmd), 0);
	assert_int_equal(namedb_open(gz, &db), 0);
	check_name(db, 0x8086, -1, "Intel Corporation");
	check_name(db, 0x8086, 0x10c9, "82576");
	check_name(db, 0x8086, 0x10ca, NULL);
	unlink(path);
	unlink(gz);
}

static void no_or_damaged_database_means_no_names(void **state UNUSED)
{
	autofree char *path = write_database("8086\n\t\tnonsense without a place\n");
	const char *const paths[] = { path, "/nonexistent/pci.ids" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct namedb *db CLEANUP(namedb_freep) = NULL;

		assert_int_equal(namedb_open(paths[i], &db), 0);
		assert_null(namedb_vendor(db, 0x8086));
	}
	assert_null(namedb_vendor(NULL, 0x8086));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modalias_gives_all),
		cmocka_unit_test(bad_modalias_is_refused),
		cmocka_unit_test(a_vf_has_its_real_identity),
		cmocka_unit_test(classes_have_words),
		cmocka_unit_test(a_netdev_leads_to_its_function),
		cmocka_unit_test(names_come_from_the_database),
		cmocka_unit_test(names_stand_in_lines),
		cmocka_unit_test(a_compressed_database_has_the_same_names),
		cmocka_unit_test(no_or_damaged_database_means_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
