// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "base/str.h"
#include "out/table.h"

#include <locale.h>
#include <string.h>

struct pet {
	const char *name, *legs;
};

static int text_name(const void *row, char **ret)
{
	const char *s = ((const struct pet *)row)->name;

	*ret = s ? strdup(s) : NULL;
	return 0;
}

static int text_legs(const void *row, char **ret)
{
	const char *s = ((const struct pet *)row)->legs;

	if (str_eq(s, "fail"))
		return -ENOMEM;
	*ret = s ? strdup(s) : NULL;
	return 0;
}

static const char *red(const void *row UNUSED)
{
	return "red";
}

static const struct out_column columns[] = {
	{ "NAME", "what it is called", OUT_USUAL, text_name, red },
	{ "LEGS", "how many", OUT_USUAL | OUT_RIGHT, text_legs, NULL },
	{ "AGAIN", "its name again", 0, text_name, NULL },
};

static char *shown(const struct pet *pets, size_t n, struct out o, int want)
{
	const void *rows[8];
	char *text = NULL;
	size_t size;

	o.to = open_memstream(&text, &size);
	for (size_t i = 0; i < n; i++)
		rows[i] = &pets[i];
	assert_int_equal(out_table(&o, columns, ARRAY_SIZE(columns), rows, n, NULL), want);
	fclose(o.to);
	return text;
}

static void aligned(void **state UNUSED)
{
	static const struct pet pets[] = { { "spider", "8" }, { "cat", "4" }, { "snake", NULL } };
	autofree char *with = shown(pets, 3, (struct out) { .legend = true }, 0);
	autofree char *without = shown(pets, 3, (struct out) { 0 }, 0);

	assert_string_equal(with, "NAME   LEGS\nspider    8\ncat       4\nsnake     -\n");
	assert_string_equal(without, "spider    8\ncat       4\nsnake     -\n");
}

static void chosen_columns(void **state UNUSED)
{
	static const struct pet pets[] = { { "cat", "4" } };
	autofree char *text =
		shown(pets, 1, (struct out) { .legend = true, .columns = "legs,AGAIN,Legs" }, 0);

	assert_string_equal(text, "LEGS AGAIN LEGS\n   4 cat      4\n");
}

static void nothing_raw(void **state UNUSED)
{
	static const struct pet pets[] = { { "\x1b[2Jcat\n", "\xff" } };
	autofree char *text = shown(pets, 1, (struct out) { 0 }, 0);

	assert_string_equal(text, "\\x1b[2Jcat\\x0a \\xff\n");
}

static void colour_only_when_asked(void **state UNUSED)
{
	static const struct pet pets[] = { { "cat", "4" } };
	autofree char *with = shown(pets, 1, (struct out) { .color = true }, 0);
	autofree char *without = shown(pets, 1, (struct out) { 0 }, 0);

	assert_non_null(strstr(with, "\x1b[31mcat"));
	assert_null(strchr(without, '\x1b'));
}

static void failures_are_told(void **state UNUSED)
{
	static const struct pet pets[] = { { "cat", "fail" } };
	autofree char *text = shown(pets, 1, (struct out) { 0 }, -ENOMEM);

	assert_string_equal(text, "");
}

static void unknown_columns(void **state UNUSED)
{
	autoproblem *p = NULL, *q = NULL;

	assert_int_equal(out_columns_check(columns, 3, NULL, NULL), 0);
	assert_int_equal(out_columns_check(columns, 3, "NAME,again", NULL), 0);
	assert_int_equal(out_columns_check(columns, 3, "leg", &p), -EINVAL);
	assert_int_equal(p->kind, PROBLEM_USAGE);
	assert_string_equal(p->hint, "did you mean LEGS?");
	assert_int_equal(out_columns_check(columns, 3, "NAME,,LEGS", &q), -EINVAL);
	assert_string_equal(q->hint, "the columns are NAME,LEGS,AGAIN");
}

/* For a file the table is laid out here, for a terminal by libsmartcols: the same must come out. */
static void both_ways_alike(void **state UNUSED)
{
	static const struct pet pets[] = { { "spider", "8" }, { "gr\xc3\xbc\xc3\x9f", NULL },
		{ "\xe7\x8c\xab", "4" }, { "\xff\x1b[2J", "" }, { NULL, "1000000" } };
	/* Without NAME, which has a colour. */
	struct out o = { .legend = true, .columns = "LEGS,AGAIN,AGAIN,LEGS,AGAIN" };
	autofree char *plain = NULL, *laid_out = NULL;

	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	plain = shown(pets, 5, o, 0);
	o.color = true;
	laid_out = shown(pets, 5, o, 0);
	assert_string_equal(plain, laid_out);
	assert_non_null(strstr(plain, "\\xff\\x1b[2J"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned),
		cmocka_unit_test(both_ways_alike),
		cmocka_unit_test(chosen_columns),
		cmocka_unit_test(nothing_raw),
		cmocka_unit_test(colour_only_when_asked),
		cmocka_unit_test(failures_are_told),
		cmocka_unit_test(unknown_columns),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
