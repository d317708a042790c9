// SPDX-License-Identifier: GPL-2.0-or-later
/* hook.conf, and what somebody may have written into it. */
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "hooks/conf.h"

static int read_conf(const char *text, struct hook_conf *c, struct problem **reterr)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	int r;

	if (text)
		fake_put(h, text, HOOK_CONF);
	r = hook_conf_read(h, HOOK_CONF, c, reterr);
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
			"/etc/vfctl/hook.conf:2: DeadlineSec=0 is not a number of seconds from 1 "
			"to 120" },
		{ "[Hook]\nDeadlineSec=121\n", "DeadlineSec=121 is not" },
		{ "[Hook]\nDeadlineSec=10s\n", "DeadlineSec=10s is not" },
		{ "[Hook]\nDeadlineSec=\n", "DeadlineSec= is not" },
		{ "[Hook]\nWithoutDaemon=maybe\n", "WithoutDaemon=maybe is not check or refuse" },
		{ "[Hook]\nDeadline=3\n", "there is no key 'Deadline'" },
		{ "[Hooks]\nDeadlineSec=3\n", "there is no section [Hooks]" },
		{ "DeadlineSec=3\n", "hook.conf:1: this is not understood" },
		{ "[Hook]\n\033[31m\n", "hook.conf:2: this is not understood" },
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
