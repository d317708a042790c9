// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/attr.h"
#include "base/mac.h"

static void round_trip(void **state UNUSED)
{
	struct mac m;

	assert_int_equal(mac_parse("52:54:00:AA:00:01", &m), 0);
	assert_string_equal(MAC_TEXT(m), "52:54:00:aa:00:01");
	assert_false(mac_is_multicast(m));
	assert_false(mac_is_zero(m));
	assert_int_equal(mac_parse("01:00:5e:00:00:01", &m), 0);
	assert_true(mac_is_multicast(m));
	assert_int_equal(mac_parse("00:00:00:00:00:00", &m), 0);
	assert_true(mac_is_zero(m));
}

static void refuses_what_is_none(void **state UNUSED)
{
	static const char *const bad[] = { "", "52:54:00:aa:00", "52:54:00:aa:00:0g",
		"52-54-00-aa-00-01", "52:54:00:aa:00:01:02", " 2:54:00:aa:00:01",
		"0x:54:00:aa:00:01" };
	struct mac m;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(mac_parse(bad[i], &m), -EINVAL);
}

static void guids(void **state UNUSED)
{
	static const char *const bad[] = { "", "00:11:22:33:44:55:66", "00:11:22:33:44:55:66:7g",
		"0:11:22:33:44:55:66:777", "00:11:22:33:44:55:66:77:88",
		"00:11:22:33:44:55:66 77" };
	uint64_t g = 0;

	assert_int_equal(guid_parse("00:11:22:33:44:55:66:fF", &g), 0);
	assert_true(g == 0x00112233445566ff);
	assert_string_equal(GUID_TEXT(g), "00:11:22:33:44:55:66:ff");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(guid_parse(bad[i], &g), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refuses_what_is_none),
		cmocka_unit_test(guids),
	};

	return cmocka_run_group_tests_name("mac", tests, NULL, NULL);
}
