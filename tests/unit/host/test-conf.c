// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine's configuration files: of the live machine, and of a captured one from its folder. */
#include "cm.h"
#include "made-machine.h"
#include "base/str.h"
#include "host/conf.h"

#include <stdio.h>
#include <sys/stat.h>

static int make(void **state UNUSED)
{
	return make_machine("sys etc/x.d");
}

static int reads(const char *path)
{
	autofree char *text = NULL;
	size_t len = 0;
	int r = conf_read(h, path, &text, &len);

	return r < 0 ? r : (int)len;
}

static void files(void **state UNUSED)
{
	autofree char *text = NULL;
	size_t len = 0;

	sh("printf 'a\\0b' >%s/etc/f", dir);
	assert_int_equal(conf_read(h, "/etc/f", &text, &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "a\0b", 4);
	sh("truncate -s %d %s/etc/full; truncate -s %d %s/etc/big", CONF_MAX, dir, CONF_MAX + 1,
		dir);
	assert_int_equal(reads("/etc/full"), CONF_MAX);
	assert_int_equal(reads("/etc/big"), -EFBIG);
	assert_int_equal(reads("/etc/none"), -ENOENT);
	assert_int_equal(reads("/etc/x.d"), -EISDIR);
}

static void a_fifo_is_not_waited_for(void **state UNUSED)
{
	sh("mkfifo %s/etc/fifo", dir);
	assert_int_equal(reads("/etc/fifo"), -ENOTSUP);
}

static void lists(void **state UNUSED)
{
	autostrv char **none = NULL, **names = NULL;

	assert_int_equal(conf_list(h, "/run/x.d", ".conf", &none), 0);
	assert_null(none[0]);
	sh("cd %s/etc/x.d; touch b.conf a.conf c.conf~ .d.conf README; mkdir a.conf.d", dir);
	assert_int_equal(conf_list(h, "/etc/x.d", ".conf", &names), 0);
	assert_int_equal(strv_len(names), 2);
	assert_string_equal(names[0], "a.conf");
	assert_string_equal(names[1], "b.conf");
}

static void masks(void **state UNUSED)
{
	sh("cd %s/etc/x.d; ln -s /dev/null a.conf; ln -s /etc/f b.conf; touch c.conf", dir);
	assert_true(conf_is_masked(h, "/etc/x.d/a.conf"));
	assert_false(conf_is_masked(h, "/etc/x.d/b.conf"));
	assert_false(conf_is_masked(h, "/etc/x.d/c.conf"));
	assert_false(conf_is_masked(h, "/etc/x.d/d.conf"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, drop_machine)
	const struct CMUnitTest tests[] = {
		T(files),
		T(a_fifo_is_not_waited_for),
		T(lists),
		T(masks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
