// SPDX-License-Identifier: GPL-2.0-or-later
/* What show says of settings: together what has one reason, and nothing that nobody knows. */
#include "cm.h"
#include "base/str.h"
#include "out/settings.h"

static struct setting_state state(
	const char *key, enum setting_support support, const char *why, const char *value)
{
	return (struct setting_state) { setting_key_find(key), support, (char *)(uintptr_t)why,
		(char *)(uintptr_t)value };
}

static char *lines_of(const struct function *f, const struct setting_report *r)
{
	autostrbuf text = { 0 };
	autolines l = { 0 };

	settings_lines(&l, f, r);
	for (size_t i = 0; i < l.n; i++)
		strbuf_add(&text, "%s|%s\n", l.v[i].key, l.v[i].value);
	return strbuf_take(&text);
}

static void reasons_are_told_once(void **state_ UNUSED)
{
	struct setting_state v[] = {
		state("vlan", SETTING_SUPPORTED, NULL, "7"),
		state("roce", SETTING_SUPPORTED, NULL, "on"),
		state("trust", SETTING_UNKNOWN, NULL, "off"),
		state("query-rss", SETTING_UNKNOWN, NULL, NULL),
		state("msix", SETTING_UNSUPPORTED, "no pool", "3"),
		state("tx-max", SETTING_UNSUPPORTED, "no devlink", NULL),
		state("tx-share", SETTING_UNSUPPORTED, "no devlink", NULL),
	};
	struct function pf = { .kind = FUNCTION_PF }, vf = { .kind = FUNCTION_VF, .physfn = &pf };
	const struct setting_report r = { .states = { v, ARRAY_SIZE(v) } };
	autofree char *text = lines_of(&vf, &r);

	assert_string_equal(text, "can be set|vlan roce=on\n"
				  "not tried yet|trust\n"
				  "cannot be set|msix: no pool\n"
				  "cannot be set|tx-max tx-share: no devlink\n");
}

static void ports_and_health(void **state_ UNUSED)
{
	struct devlink_port ports[] = { { .vf_number = 0, .netdev = "eth0_0" },
		{ .vf_number = 1 } };
	struct devlink_reporter reporters[] = { { .name = "fw" },
		{ .name = "tx", .error = true, .errors = 3, .recoveries = 2 } };
	const struct setting_report r = {
		.ports = ports, .n_ports = 2, .reporters = reporters, .n_reporters = 2
	};
	struct function pf = { .kind = FUNCTION_PF };
	autofree char *text = lines_of(&pf, &r);

	assert_string_equal(text, "representor|eth0_0, of VF 0\n"
				  "health|tx: error, 3 errors, 2 recoveries\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_are_told_once),
		cmocka_unit_test(ports_and_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
