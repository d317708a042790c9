// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/attr.h"
#include "base/sg.h"

#include <string.h>

static struct iovec three(char *a, char *b, char *c, unsigned i)
{
	struct iovec v[] = { { a, 3 }, { b, 1 }, { c, 4 } };

	return v[i];
}

#define LIST(name, a, b, c)                                                                        \
	struct iovec name##_v[] = { three(a, b, c, 0), three(a, b, c, 1), three(a, b, c, 2) };     \
	struct sg name = { name##_v, 3, 8 }

static void pulls_across_pieces(void **state UNUSED)
{
	char a[] = "abc", b[] = "d", c[] = "efgh", got[8] = "";
	LIST(s, a, b, c);

	assert_true(sg_pull(&s, got, 5));
	assert_memory_equal(got, "abcde", 5);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.len, 3);
	assert_false(sg_pull(&s, got, 4));
	assert_int_equal(s.len, 3);
	assert_true(sg_pull(&s, got, 3));
	assert_memory_equal(got, "fgh", 3);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.len, 0);
}

static void skips_to_a_border(void **state UNUSED)
{
	char a[] = "abc", b[] = "d", c[] = "efgh";
	LIST(s, a, b, c);

	sg_skip(&s, 3);
	assert_int_equal(s.n, 2);
	assert_ptr_equal(s.v->iov_base, b);
	sg_skip(&s, 5);
	assert_int_equal(s.n, 0);
}

static void chops_the_tail(void **state UNUSED)
{
	char a[] = "abc", b[] = "d", c[] = "efgh";
	LIST(s, a, b, c);

	sg_chop(&s, 1);
	assert_int_equal(s.len, 7);
	assert_int_equal(s.v[2].iov_len, 3);
	sg_chop(&s, 4);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.len, 3);
	sg_chop(&s, 3);
	assert_int_equal(s.n, 0);
}

static void writes_in_the_middle(void **state UNUSED)
{
	char a[] = "abc", b[] = "d", c[] = "efgh";
	LIST(s, a, b, c);

	assert_true(sg_write_at(&s, 2, "XYZ", 3));
	assert_string_equal(a, "abX");
	assert_string_equal(b, "Y");
	assert_string_equal(c, "Zfgh");
	assert_false(sg_write_at(&s, 6, "123", 3));
	assert_false(sg_write_at(&s, 9, "", 0));
	assert_true(sg_write_at(&s, 8, "", 0));
	assert_string_equal(c, "Zfgh");
	assert_true(sg_push(&s, "12345", 5));
	assert_string_equal(c, "5fgh");
	assert_int_equal(s.len, 3);
	assert_false(sg_push(&s, "1234", 4));
	assert_string_equal(c, "5fgh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pulls_across_pieces),
		cmocka_unit_test(skips_to_a_border),
		cmocka_unit_test(chops_the_tail),
		cmocka_unit_test(writes_in_the_middle),
	};

	return cmocka_run_group_tests_name("sg", tests, NULL, NULL);
}
