// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "lease/lease.h"

#define WHOLE                                                                                      \
	"{\"lease\":1,\"address\":\"0000:01:10.0\",\"incarnation\":18446744073709551615,"          \
	"\"pf\":\"0000:01:00.0\",\"vf\":0,\"pool\":null,\"state\":\"held\",\"reason\":null,"       \
	"\"owner\":{\"kind\":\"process\",\"id\":\"4711\",\"pid\":4711,\"start\":83211,"            \
	"\"path\":null},\"since\":1763000000,\"since_boot_ms\":83000,\"uid\":1000,"                \
	"\"worker\":{\"pid\":0,\"start\":0},\"before\":{\"driver\":\"igbvf\",\"override\":\"\","   \
	"\"settings\":[\"vlan=0\",\"mac=02:00:00:00:00:01\"]},"                                    \
	"\"node\":{\"name\":\"vfio\\/12\",\"uid\":0,\"gid\":5,\"mode\":432}}\n"

static void there_and_back(void **state UNUSED)
{
	struct lease l = { 0 };
	autofree char *text = NULL, *owner = NULL;

	assert_int_equal(lease_from_json(WHOLE, &l), 0);
	assert_int_equal(l.incarnation, UINT64_MAX);
	assert_int_equal(l.node_mode, 0660);
	assert_string_equal(l.node, "vfio/12");
	assert_string_equal(l.settings[1], "mac=02:00:00:00:00:01");
	owner = owner_text(&l.owner);
	assert_string_equal(owner, "process:4711");
	text = lease_to_json(&l);
	assert_string_equal(text, WHOLE);
	lease_done(&l);
}

/* Cut anywhere it is torn, and nothing else. */
static void torn(void **state UNUSED)
{
	autofree char *text = strdup(WHOLE);

	for (size_t n = strlen(text) - 1; n-- > 0;) {
		struct lease l;

		text[n] = '\0';
		assert_int_equal(lease_from_json(text, &l), -EBADMSG);
	}
}

static void not_one_of_ours(void **state UNUSED)
{
	static const struct {
		const char *from, *to;
		int code;
	} bad[] = {
		{ "\"lease\":1", "\"lease\":2", -EPROTONOSUPPORT },
		{ "\"lease\":1", "\"lease\":\"1\"", -EBADMSG },
		{ "\"kind\":\"process\"", "\"kind\":\"ghost\"", -EBADMSG },
		{ "\"state\":\"held\"", "\"state\":7", -EBADMSG },
		{ "\"pid\":4711", "\"pid\":-1", -EBADMSG },
		{ "\"pid\":4711", "\"pid\":4294967296", -EBADMSG },
		{ "0000:01:00.0", "0000:01:00.9", -EBADMSG },
		{ "vfio\\/12", "..\\/sda", -EBADMSG },
		{ "vfio\\/12", "\\/etc\\/passwd", -EBADMSG },
		{ "\"vf\":0", "\"vf\":-2", -EBADMSG },
		{ "\"vlan=0\"", "0", -EBADMSG },
		{ "igbvf", "igb\\u0000vf", -EBADMSG },
		{ "\"uid\":1000,", "", -EBADMSG },
		{ "\"id\":\"4711\"", "\"id\":\"4711\\u001b[2J\"", -EBADMSG },
		{ "\"reason\":null", "\"reason\":\"a\\nb\"", -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *at = strstr(WHOLE, bad[i].from);
		autofree char *text = str_printf(
			"%.*s%s%s", (int)(at - WHOLE), WHOLE, bad[i].to, at + strlen(bad[i].from));
		struct lease l;
		int r = lease_from_json(text, &l);

		if (r != bad[i].code)
			fail_msg("%s: %d", bad[i].to, r);
	}
}

/* A bad record costs none of the good ones; what is being written is no record. */
static void of_a_machine(void **state UNUSED)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	autoleases all = { 0 };

	assert_int_equal(leases_read(h, &all), 0);
	assert_int_equal(all.n, 0);
	fake_put(h, WHOLE, "/run/vfctl/claims/0000:01:10.0");
	fake_put(h, "{\"lease\":1,\"addr", "/run/vfctl/claims/0000:01:10.2");
	fake_put(h, "{\"lease\":9}", "/run/vfctl/claims/0000:01:10.4");
	fake_put(h, WHOLE, "/run/vfctl/claims/0000:01:10.6");
	fake_put(h, "", "/run/vfctl/claims/0000:01:10.4.new");
	assert_int_equal(leases_read(h, &all), 0);
	assert_int_equal(all.n, 1);
	assert_int_equal(strv_len(all.unreadable), 3);
	assert_string_equal(
		all.unreadable[0], "0000:01:10.2: it is torn, or something else altogether");
	assert_string_equal(all.unreadable[1], "0000:01:10.4: another version of vfctl wrote it");
	/* Named as another function than it is about. */
	assert_string_equal(
		all.unreadable[2], "0000:01:10.6: it is torn, or something else altogether");
	/* Of another incarnation. */
	assert_false(lease_is_of(h, &all.v[0]));
	assert_int_equal(lease_incarnation(h, all.v[0].bdf, &all.v[0].incarnation), 0);
	assert_true(lease_is_of(h, &all.v[0]));
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(torn),
		cmocka_unit_test(not_one_of_ours),
		cmocka_unit_test(of_a_machine),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
