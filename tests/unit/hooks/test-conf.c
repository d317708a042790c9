// SPDX-License-Identifier: GPL-2.0-or-later
/* [Hook] of vfctl.conf, and what somebody may have written into it. */
#include "cm.h"
#include "base/str.h"
#include "conf/conf.h"
#include "fake/fake.h"
#include "hooks/conf.h"

static int read_conf(const char *text, struct hook_conf *c, struct problem **reterr)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	int r;

	if (text)
		fake_put(h, text, CONF_FILE);
	r = hook_conf_read(h, c, reterr);
	host_free(h);
	return r;
}

static void what_is_said(void **state UNUSED)
{
	struct hook_conf c;

	assert_int_equal(read_conf(NULL, &c, NULL), 0);
	assert_int_equal(c.deadline_ms, 10000);
	assert_false(c.needs_daemon);
	assert_int_equal(read_conf("", &c, NULL), 0);
	assert_int_equal(
		read_conf("# how long\n[Hook]\nDeadlineSec=3\nWithoutDaemon=refuse", &c, NULL), 0);
	assert_int_equal(c.deadline_ms, 3000);
	assert_true(c.needs_daemon);
	assert_int_equal(read_conf("[Hook]\r\nWithoutDaemon=check\r\n", &c, NULL), 0);
	assert_false(c.needs_daemon);
}

static void what_is_wrong(void **state UNUSED)
{
	static const struct {
		const char *text, *says;
	} all[] = {
		{ "[Hook]\nDeadlineSec=0\n",
			"/etc/vfctl/vfctl.conf:2: DeadlineSec=0 is none of its values" },
		{ "[Hook]\nDeadlineSec=121\n", "DeadlineSec=121 is none of" },
		{ "[Hook]\nDeadlineSec=10s\n", "DeadlineSec=10s is none of" },
		{ "[Hook]\nDeadlineSec=\n", "DeadlineSec= is none of" },
		{ "[Hook]\nWithoutDaemon=maybe\n", "WithoutDaemon=maybe is none of its values" },
		{ "[Hook]\nDeadline=3\n", "[Hook] has no key 'Deadline'" },
		{ "DeadlineSec=3\n", "vfctl.conf:1: this is not understood" },
		{ "[Hook]\n\033[31m\n", "vfctl.conf:2: this is not understood" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		struct hook_conf c = { 0 };
		autoproblem *p = NULL;

		assert_int_equal(read_conf(all[i].text, &c, &p), -EINVAL);
		if (!strstr(p->what, all[i].says))
			fail_msg("no \"%s\" in \"%s\"", all[i].says, p->what);
		assert_int_equal(c.deadline_ms, 10000);
		assert_false(c.needs_daemon);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said),
		cmocka_unit_test(what_is_wrong),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
