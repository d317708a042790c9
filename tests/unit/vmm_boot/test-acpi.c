/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables as a guest walks them: from the root pointer, by their addresses and lengths. */
#include "cm.h"

#include "vmm/boot/acpi.h"
#include "vmm/boot/map.h"
#include "vmm/dev/platform.h"

#include <stdlib.h>
#include <string.h>

static struct host *h;
static struct guest_memory *m;
static struct gpa rsdp;

static const struct acpi_params params = {
	.cpus = 8,
	.ecam = 0xe0000000,
	.mem32_start = 0xc0000000,
	.mem32_size = 0x20000000,
	.mem64_start = 0x200000000,
	.mem64_size = 0x1000000000,
};

static int set_up(void **state UNUSED)
{
	struct guest_memory_params p = { .size = 4 << 20 };

	assert_int_equal(host_new_fds_only(&h), 0);
	assert_int_equal(guest_memory_new(h, &p, &m, NULL), 0);
	assert_int_equal(acpi_write(m, &params, &rsdp), 0);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	guest_memory_free(m);
	host_free(h);
	return 0;
}

static const uint8_t *at(uint64_t gpa, uint64_t len)
{
	const uint8_t *p = guest_memory_at(m, GPA(gpa), len);

	assert_non_null(p);
	assert_true(gpa >= BOOT_ACPI && gpa + len <= BOOT_ACPI_CONFIG);
	return p;
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	memcpy(&v, p, bytes);
	return v;
}

/* A whole table, its checksum looked at. */
static const uint8_t *table(uint64_t gpa, uint32_t *ret_len)
{
	const uint8_t *p = at(gpa, 36);

	*ret_len = (uint32_t)get(p + 4, 4);
	assert_true(*ret_len >= 36);
	p = at(gpa, *ret_len);
	assert_int_equal(acpi_checksum(p, *ret_len), 0);
	return p;
}

static const uint8_t *find(const char *signature, uint32_t *ret_len)
{
	const uint8_t *root = at(rsdp.v, 36), *x;
	uint32_t len;

	assert_memory_equal(root, "RSD PTR ", 8);
	assert_int_equal(acpi_checksum(root, 20), 0);
	assert_int_equal(acpi_checksum(root, 36), 0);
	x = table(get(root + 24, 8), &len);
	assert_memory_equal(x, "XSDT", 4);
	for (uint32_t i = 36; i < len; i += 8) {
		const uint8_t *t = table(get(x + i, 8), ret_len);

		if (memcmp(t, signature, 4) == 0)
			return t;
	}
	fail_msg("no %s", signature);
	return NULL;
}

static void fadt_is_hardware_reduced(void **state UNUSED)
{
	uint32_t len, dsdt_len;
	const uint8_t *f = find("FACP", &len), *dsdt;

	assert_int_equal(len, 276);
	assert_true(get(f + 112, 4) & 1 << 20);
	assert_true(get(f + 112, 4) & 1 << 10);
	assert_int_equal(get(f + 116 + 4, 8), PLATFORM_ACPI_RESET);
	assert_int_equal(f[128], PLATFORM_ACPI_RESET_VALUE);
	assert_int_equal(get(f + 244 + 4, 8), PLATFORM_ACPI_SLEEP_CONTROL);
	assert_int_equal(get(f + 256 + 4, 8), PLATFORM_ACPI_SLEEP_STATUS);
	dsdt = table(get(f + 140, 8), &dsdt_len);
	assert_memory_equal(dsdt, "DSDT", 4);
}

static void madt_lists_cpus_and_ioapic(void **state UNUSED)
{
	uint32_t len, cpus = 0, ioapics = 0;
	const uint8_t *t = find("APIC", &len);

	for (uint32_t i = 44; i < len; i += t[i + 1]) {
		assert_true(t[i + 1] >= 2 && i + t[i + 1] <= len);
		if (t[i] == 0)
			assert_int_equal(t[i + 3], cpus++);
		if (t[i] == 1) {
			assert_int_equal(get(t + i + 4, 4), 0xfec00000);
			ioapics++;
		}
	}
	assert_int_equal(cpus, params.cpus);
	assert_int_equal(ioapics, 1);
}

static void mcfg_names_the_ecam(void **state UNUSED)
{
	uint32_t len;
	const uint8_t *t = find("MCFG", &len);

	assert_int_equal(len, 60);
	assert_true(get(t + 44, 8) == params.ecam);
	assert_int_equal(t[54], 0);
	assert_int_equal(t[55], 0);
}

static void windows_are_for_the_dsdt(void **state UNUSED)
{
	const uint8_t *c = guest_memory_at(m, GPA(BOOT_ACPI_CONFIG), 40);

	assert_int_equal(get(c, 4), 0xc0000000);
	assert_int_equal(get(c + 4, 4), 0xdfffffff);
	assert_int_equal(get(c + 8, 4), 0x20000000);
	assert_int_equal(get(c + 12, 4), 0xe0000000);
	assert_true(get(c + 16, 8) == 0x200000000);
	assert_true(get(c + 24, 8) == 0x11ffffffff);
	assert_true(get(c + 32, 8) == 0x1000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fadt_is_hardware_reduced),
		cmocka_unit_test(madt_lists_cpus_and_ioapic),
		cmocka_unit_test(mcfg_names_the_ecam),
		cmocka_unit_test(windows_are_for_the_dsdt),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
