// SPDX-License-Identifier: GPL-2.0-or-later
/* Facts on disk: whole or not there. */
#include "cm.h"
#include "base/str.h"
#include "store/store.h"

#include <stdio.h>
#include <sys/stat.h>

static char dir[64];

static int make(void **state UNUSED)
{
	strcpy(dir, "/tmp/vfctl-store-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int drop(void **state UNUSED)
{
	autofree char *cmd = str_printf("rm -rf '%s'", dir);

	return system(cmd);
}

static void what_is_put_is_got(void **state UNUSED)
{
	autofree char *deep = str_printf("%s/a/b", dir), *text = NULL, *again = NULL;
	struct stat st;

	assert_int_equal(store_get(deep, "x", &text), -ENOENT);
	assert_int_equal(store_put(deep, "x", "one\n"), 0);
	assert_int_equal(store_get(deep, "x", &text), 0);
	assert_string_equal(text, "one\n");
	assert_int_equal(store_put(deep, "x", "two"), 0);
	assert_int_equal(store_get(deep, "x", &again), 0);
	assert_string_equal(again, "two");
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(store_remove(deep, "x"), 1);
	assert_int_equal(store_remove(deep, "x"), 0);
	assert_int_equal(store_get(deep, "x", &text), -ENOENT);
}

static void names_stay_inside(void **state UNUSED)
{
	static const char *const bad[] = { "", ".", "..", "../x", "a/b", "/etc/x", ".hidden" };
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(store_put(dir, bad[i], "x"), -EINVAL);
		assert_int_equal(store_get(dir, bad[i], &text), -EINVAL);
		assert_int_equal(store_remove(dir, bad[i]), -EINVAL);
	}
}

/* The old text survives a write that fails, here for want of a place for the new one. */
static void a_failed_put_loses_nothing(void **state UNUSED)
{
	autofree char *blocked = str_printf("%s/x.new", dir), *text = NULL, *file = NULL;

	assert_int_equal(store_put(dir, "x", "old"), 0);
	assert_int_equal(mkdir(blocked, 0755), 0);
	assert_int_equal(store_put(dir, "x", "new"), -EISDIR);
	assert_int_equal(store_get(dir, "x", &text), 0);
	assert_string_equal(text, "old");
	file = str_printf("%s/x", dir);
	assert_int_equal(store_put(file, "y", "in a file"), -ENOTDIR);
	assert_int_equal(store_remove(file, "y"), 0);
}

static void what_there_is(void **state UNUSED)
{
	autofree char *none = str_printf("%s/none", dir), *hidden = str_printf("%s/.x", dir);
	autostrv char **names = NULL, **empty = NULL;

	assert_int_equal(store_list(none, &empty), 0);
	assert_null(empty[0]);
	assert_int_equal(store_put(dir, "b", "1"), 0);
	assert_int_equal(store_put(dir, "a", "2"), 0);
	assert_int_equal(store_put(dir, "a.new", "half"), 0);
	assert_int_equal(mkdir(hidden, 0755), 0);
	assert_int_equal(store_list(dir, &names), 0);
	assert_int_equal(strv_len(names), 2);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "b");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make, drop)
	const struct CMUnitTest tests[] = {
		T(what_is_put_is_got),
		T(names_stay_inside),
		T(a_failed_put_loses_nothing),
		T(what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
