// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl.conf: which file counts, and what is wrong with it. */
#include "cm.h"
#include "made-machine.h"
#include "base/str.h"
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>

static int make(void **state UNUSED)
{
	return make_machine("sys etc/vfctl run/vfctl usr/lib/vfctl");
}

static char said[2000];

static void note(void *arg UNUSED, enum conf_fault fault, const char *path, struct ini_pos at,
	const char *what, const char *hint)
{
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%d %s:%u:%u %s%s%s\n",
		(int)fault, path, at.line, at.column, what, hint ? " / " : "", hint ? hint : "");
}

static int check(void)
{
	*said = '\0';
	return conf_check(h, note, NULL);
}

/* The path of the file that counts, which holds that text. */
static void counts(const char *path, const char *text)
{
	char *found = NULL, *held = NULL;
	size_t len;

	assert_int_equal(conf_find(h, &found, &held, &len), 0);
	assert_string_equal(found, path);
	assert_string_equal(held, text);
	assert_int_equal(len, strlen(text));
	free(found);
	free(held);
}

static void the_first_counts(void **state UNUSED)
{
	char *path = NULL, *text = NULL;
	size_t len;

	assert_int_equal(conf_find(h, &path, &text, &len), -ENOENT);
	assert_int_equal(check(), 0);
	sh("printf 'a' >%s/usr/lib/vfctl/vfctl.conf", dir);
	counts("/usr/lib/vfctl/vfctl.conf", "a");
	sh("printf 'b' >%s/run/vfctl/vfctl.conf", dir);
	counts("/run/vfctl/vfctl.conf", "b");
	sh("printf 'c' >%s/etc/vfctl/vfctl.conf", dir);
	counts(CONF_FILE, "c");
	sh("ln -sf /dev/null %s/etc/vfctl/vfctl.conf", dir);
	assert_int_equal(conf_find(h, &path, &text, &len), -ENOENT);
	sh("rm %s/etc/vfctl/vfctl.conf && mkdir %s/etc/vfctl/vfctl.conf", dir, dir);
	assert_int_equal(check(), 1);
	assert_non_null(strstr(said, "0 /etc/vfctl/vfctl.conf:0:0 it cannot be read"));
}

static void all_is_told(void **state UNUSED)
{
	sh("printf '[Guests]\\nTaps=vm-* lab0\\nMemoryMax=8G\\nMemoryMax=infinity\\n' >%s/etc/vfctl/vfctl.conf",
		dir);
	assert_int_equal(check(), 0);
	sh("printf '[Guests]\\nTap=x\\nMemoryMax=lots\\n[Hosts]\\nTaps=x\\nnothing\\n' >%s/etc/vfctl/vfctl.conf",
		dir);
	assert_int_equal(check(), 4);
	assert_non_null(strstr(said, "3 /etc/vfctl/vfctl.conf:2:1 [Guests] has no key 'Tap'"));
	assert_non_null(strstr(said, "4 /etc/vfctl/vfctl.conf:3:11 MemoryMax=lots is none"));
	assert_non_null(strstr(said, "2 /etc/vfctl/vfctl.conf:4:2 there is no section [Hosts]"));
	assert_non_null(strstr(said, "1 /etc/vfctl/vfctl.conf:6:1 this is not understood"));
}

/* What is accepted is what is documented, and each key belongs to one section. */
static void keys_are_whole(void **state UNUSED)
{
	assert_true(n_conf_keys >= 2);
	for (size_t i = 0; i < n_conf_keys; i++) {
		const struct conf_key *k = &conf_keys[i];

		assert_ptr_equal(conf_key_find(k->section, k->name), k);
		assert_true(*k->takes && *k->unset && *k->help);
	}
	assert_null(conf_key_find("Guests", "taps"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_counts, make, drop_machine),
		cmocka_unit_test_setup_teardown(all_is_told, make, drop_machine),
		cmocka_unit_test(keys_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
