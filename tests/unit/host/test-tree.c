// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree in memory: replacing, removing, and bounds that hold. */
#include "cm.h"
#include "base/str.h"
#include "host/tree.h"

#include <stdio.h>

static struct tree *t;

static int setup(void **state UNUSED)
{
	t = tree_new();
	return t ? 0 : -1;
}

static int teardown(void **state UNUSED)
{
	tree_free(t);
	return 0;
}

static void things_are_replaced(void **state UNUSED)
{
	autostrv char **names = NULL;
	autofree char *real = NULL;
	struct stat st;
	char buf[8];

	assert_int_equal(tree_put_file(t, "/a/b/c", "one", 3, 0644), 0);
	assert_int_equal(tree_put_dir(t, "/a/b", 0700), 0); /* keeps what is in it */
	assert_int_equal(tree_read(t, "/a/b/c", buf, sizeof(buf)), 3);
	assert_int_equal(tree_put_file(t, "/a/b/c", "four", 4, 0600), 0);
	assert_int_equal(tree_read(t, "/a//b/./c", buf, 2), 2);
	assert_memory_equal(buf, "fo", 2);
	assert_int_equal(tree_stat(t, "/a/b/c", &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(tree_put_link(t, "/l", "a/../a/b"), 0);
	assert_int_equal(tree_resolve(t, "/l/c", true, &real), 0);
	assert_string_equal(real, "/a/b/c");
	assert_int_equal(tree_put_file(t, "/l/x", "", 0, 0), -ENOTDIR); /* not through links */
	assert_int_equal(tree_put_file(t, "/a/b", "file", 4, 0644), 0);
	assert_int_equal(tree_read(t, "/l", buf, sizeof(buf)), 4);
	assert_int_equal(tree_read(t, "/a/b/c", buf, sizeof(buf)), -ENOTDIR);
	assert_int_equal(tree_remove(t, "/l"), 0); /* the link, not its target */
	assert_true(tree_exists(t, "/a/b"));
	assert_int_equal(tree_remove(t, "/a"), 0);
	assert_int_equal(tree_remove(t, "/a"), -ENOENT);
	assert_int_equal(tree_remove(t, "/"), -EBUSY);
	assert_int_equal(tree_list(t, "/", &names), 0);
	assert_null(names[0]);
}

static void names_are_in_order(void **state UNUSED)
{
	static const char *const given[] = { "/b", "/a", "/ab", "/B", "/a-", "/aa" };
	static const char *const sorted[] = { "B", "a", "a-", "aa", "ab", "b" };
	autostrv char **names = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		assert_int_equal(tree_put_dir(t, given[i], 0755), 0);
	assert_int_equal(tree_list(t, "/", &names), 0);
	assert_int_equal(strv_len(names), ARRAY_SIZE(sorted));
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		assert_string_equal(names[i], sorted[i]);
}

static void senseless_paths(void **state UNUSED)
{
	autofree char *name = calloc(1, 300);

	memset(name, 'x', 299);
	name[0] = '/';
	assert_int_equal(tree_put_dir(t, "a", 0), -EINVAL);
	assert_int_equal(tree_put_dir(t, "/", 0), -EINVAL);
	assert_int_equal(tree_put_dir(t, "/..", 0), -EINVAL);
	assert_int_equal(tree_put_dir(t, "/a/./b", 0), -EINVAL);
	assert_int_equal(tree_put_dir(t, name, 0), -ENAMETOOLONG);
	assert_int_equal(tree_put_link(t, "/l", ""), -EINVAL);
	assert_int_equal(tree_put_node(t, "/n", S_IFREG, 0), -EINVAL);
	assert_false(tree_exists(t, "/n"));
}

/* What was removed or replaced does not count any more. */
static void bytes_are_bounded(void **state UNUSED)
{
	enum { MEG = 1 << 20, FILES = TREE_MAX_TOTAL / TREE_MAX_FILE };
	autofree char *data = calloc(1, TREE_MAX_FILE + 1);
	char path[32];

	assert_int_equal(tree_put_file(t, "/big", data, TREE_MAX_FILE + 1, 0), -EFBIG);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < FILES; i++) {
			snprintf(path, sizeof(path), "/d/%d", i);
			assert_int_equal(tree_put_file(t, path, data, TREE_MAX_FILE, 0), 0);
		}
		assert_int_equal(tree_put_file(t, "/more", data, 1, 0), -ENOSPC);
		assert_int_equal(tree_remove(t, "/d"), 0);
	}
	assert_int_equal(tree_put_file(t, "/more", data, MEG, 0), 0);
}

static void children_are_bounded(void **state UNUSED)
{
	char path[32];

	/* From the back, which is the slowest order. */
	for (int i = TREE_MAX_CHILDREN; i > 0; i--) {
		snprintf(path, sizeof(path), "/d/%08d", i);
		assert_int_equal(tree_put_dir(t, path, 0), 0);
	}
	assert_int_equal(tree_put_dir(t, "/d/one-more", 0), -ENOSPC);
	assert_int_equal(tree_remove(t, "/d/00000007"), 0);
	assert_int_equal(tree_put_dir(t, "/d/one-more", 0), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(things_are_replaced),
		T(names_are_in_order),
		T(senseless_paths),
		T(bytes_are_bounded),
		T(children_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
