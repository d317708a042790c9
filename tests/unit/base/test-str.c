// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/checked.h"
#include "base/str.h"

static void numbers(void **state UNUSED)
{
	uint64_t v;
	uint32_t w;

	assert_int_equal(parse_u64("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(parse_u64("18446744073709551616", &v), -ERANGE);
	assert_int_equal(parse_u64("0x10", &v), 0);
	assert_int_equal(v, 16);
	assert_int_equal(parse_u64("", &v), -EINVAL);
	assert_int_equal(parse_u64("0x", &v), -EINVAL);
	assert_int_equal(parse_u64("-1", &v), -EINVAL);
	assert_int_equal(parse_u64("1 ", &v), -EINVAL);
	assert_int_equal(parse_u32("4294967296", &w), -ERANGE);
	assert_int_equal(parse_hex("0x10ca", &v), 0);
	assert_int_equal(v, 0x10ca);
	assert_int_equal(parse_hex("8086", &v), 0);
	assert_int_equal(v, 0x8086);
}

static void assert_size(uint64_t bytes, const char *expected)
{
	autostrbuf b = { 0 };

	strbuf_add_size(&b, bytes);
	assert_string_equal(b.s, expected);
}

static void sizes(void **state UNUSED)
{
	uint64_t v;

	assert_int_equal(parse_bytes("512M", &v), 0);
	assert_true(v == 512ULL << 20);
	assert_int_equal(parse_bytes("1g", &v), 0);
	assert_true(v == 1ULL << 30);
	assert_int_equal(parse_bytes("4096", &v), 0);
	assert_int_equal(v, 4096);
	assert_int_equal(parse_bytes("M", &v), -EINVAL);
	assert_int_equal(parse_bytes("99999999999999T", &v), -ERANGE);
	assert_size(0, "0");
	assert_size(1023, "1023");
	assert_size(16 << 10, "16K");
	assert_size((16 << 10) + 1, "16385");
	assert_size(1536ULL << 20, "1536M");
	assert_size(2048ULL << 40, "2048T");
}

static void booleans(void **state UNUSED)
{
	bool b = false;

	assert_int_equal(parse_bool("on", &b), 0);
	assert_true(b);
	assert_int_equal(parse_bool("No", &b), 0);
	assert_false(b);
	assert_int_equal(parse_bool("maybe", &b), -EINVAL);
}

static void nothing_reaches_a_terminal_raw(void **state UNUSED)
{
	autofree char *a = str_printable("a\x1b[2Jb"), *b = str_printable("gr\xc3\xbc\xc3\x9f"),
		      *c = str_printable("\xff\xc3"), *d = str_printable("\xc2\x9b");

	assert_string_equal(a, "a\\x1b[2Jb");
	assert_string_equal(b, "gr\xc3\xbc\xc3\x9f");
	assert_string_equal(c, "\\xff\\xc3");
	assert_string_equal(d, "\\xc2\\x9b");
	assert_true(str_is_printable("plain gr\xc3\xbc\xc3\x9f"));
	assert_false(str_is_printable("eth0\n"));
}

/* "eth0" and "0hte" turned around by a terminal must not look alike. */
static void text_that_looks_like_another(void **state UNUSED)
{
	autofree char *turned = str_printable("a\xe2\x80\xae"
					      "b"),
		      *line = str_printable("\xe2\x80\xa8"), *wide = str_printable("\xe2\x80\xa6");

	assert_string_equal(turned, "a\\xe2\\x80\\xaeb");
	assert_string_equal(line, "\\xe2\\x80\\xa8");
	assert_string_equal(wide, "\xe2\x80\xa6"); /* an ellipsis is just that */
}

static void distance(void **state UNUSED)
{
	assert_int_equal(str_distance("lsit", "list"), 2);
	assert_int_equal(str_distance("", "abc"), 3);
	assert_int_equal(str_distance("show", "show"), 0);
}

static void buffer_grows(void **state UNUSED)
{
	autostrbuf b = { 0 };
	autofree char *s = NULL;

	for (int i = 0; i < 1000; i++)
		strbuf_add(&b, "%d,", i % 10);
	s = strbuf_take(&b);
	assert_int_equal(strlen(s), 2000);
	assert_null(b.s);
}

static void lists(void **state UNUSED)
{
	autostrv char **v = NULL;

	assert_int_equal(strv_add(&v, "b"), 0);
	assert_int_equal(strv_add(&v, "a"), 0);
	strv_sort(v);
	assert_string_equal(v[0], "a");
	assert_int_equal(strv_len(v), 2);
	assert_true(strv_has(v, "b"));
	assert_false(strv_has(v, "c"));
}

static void ranges(void **state UNUSED)
{
	assert_true(range_fits(0, 16, 16));
	assert_false(range_fits(1, 16, 16));
	assert_false(range_fits(UINT64_MAX, 2, 16));
	assert_true(ranges_overlap(0, 2, 1, 1));
	assert_false(ranges_overlap(0, 1, 1, 1));
	assert_true(ranges_overlap(UINT64_MAX, 1, UINT64_MAX - 1, 2));
}

static void uuids(void **state UNUSED)
{
	assert_true(str_is_uuid("6ba7b810-9dad-11d1-80b4-00c04FD430C8"));
	assert_false(str_is_uuid(""));
	assert_false(str_is_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c"));
	assert_false(str_is_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c88"));
	assert_false(str_is_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430cg"));
	assert_false(str_is_uuid("6ba7b810x9dad-11d1-80b4-00c04fd430c8"));
}

static void nearest_is_near(void **state UNUSED)
{
	char *const words[] = { (char[]) { "list" }, (char[]) { "show" }, (char[]) { "groups" },
		NULL };

	assert_ptr_equal(strv_nearest(words, "lst"), words[0]);
	assert_ptr_equal(strv_nearest(words, "gruops"), words[2]);
	assert_ptr_equal(strv_nearest(words, "gr"), words[2]);
	assert_null(strv_nearest(words, "frobnicate"));
	assert_null(strv_nearest(words, ""));
	assert_null(strv_nearest(NULL, "x"));
}

static void json_strings_are_ascii(void **state UNUSED)
{
	autostrbuf b = { 0 };

	strbuf_add_json(&b, "a\"b\\c\n\xc3\xa4");
	assert_string_equal(b.s, "\"a\\u0022b\\u005cc\\u000a\\u00c3\\u00a4\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_strings_are_ascii),
		cmocka_unit_test(numbers),
		cmocka_unit_test(sizes),
		cmocka_unit_test(booleans),
		cmocka_unit_test(nothing_reaches_a_terminal_raw),
		cmocka_unit_test(uuids),
		cmocka_unit_test(nearest_is_near),
		cmocka_unit_test(text_that_looks_like_another),
		cmocka_unit_test(distance),
		cmocka_unit_test(buffer_grows),
		cmocka_unit_test(lists),
		cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
