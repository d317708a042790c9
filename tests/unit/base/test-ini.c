// SPDX-License-Identifier: GPL-2.0-or-later
/* INI text: what is read, where it stands, and everything that can be wrong with it. */
#include "cm.h"
#include "base/ini.h"
#include "base/str.h"

#include <stdio.h>

/* "S1:2 name" for sections, "K3:1/3:5 s key=value" for items, "F2:1 kind text" for faults. */
static char *parsed_bytes(const char *text, size_t len, unsigned flags)
{
	autoini ini = { 0 };
	autostrbuf b = { 0 };

	assert_int_equal(ini_parse(text, len, flags, &ini), 0);
	for (size_t i = 0; i < ini.n_sections; i++)
		strbuf_add(&b, "S%u:%u %s\n", ini.sections[i].pos.line, ini.sections[i].pos.column,
			ini.sections[i].name);
	for (size_t i = 0; i < ini.n_items; i++) {
		const struct ini_item *k = &ini.items[i];

		strbuf_add(&b, "K%u:%u/%u:%u %d %s=%s\n", k->pos.line, k->pos.column,
			k->value_pos.line, k->value_pos.column, (int)k->section, k->key, k->value);
	}
	for (size_t i = 0; i < ini.n_faults; i++)
		strbuf_add(&b, "F%u:%u %d %s\n", ini.faults[i].pos.line, ini.faults[i].pos.column,
			ini.faults[i].kind, ini.faults[i].text);
	return strbuf_take(&b);
}

static void reads(const char *text, const char *expected)
{
	autofree char *got = parsed_bytes(text, strlen(text), 0);

	assert_string_equal(got, expected);
}

/* The one fault of the text, or of the second line of it. */
static void finds(
	const char *text, size_t len, enum ini_fault_kind kind, unsigned line, unsigned column)
{
	autoini ini = { 0 };

	assert_int_equal(ini_parse(text, len, 0, &ini), 0);
	assert_int_equal(ini.n_faults, 1);
	assert_int_equal(ini.faults[0].kind, kind);
	assert_int_equal(ini.faults[0].pos.line, line);
	assert_int_equal(ini.faults[0].pos.column, column);
}
#define FINDS(text, ...) finds(text, sizeof(text) - 1, __VA_ARGS__)

static void what_is_read(void **state UNUSED)
{
	reads("", "");
	reads("[Match]\nDriver=igb\n", "S1:2 Match\nK2:1/2:8 0 Driver=igb\n");
	reads("# c\n\n ; c\n\t[ VF 0-1,3 ]  \n  A  =  b c \n", "S4:4 VF 0-1,3\nK5:3/5:9 0 A=b c\n");
	reads("[A]\nk=\n[B]\nk==x=\n", "S1:2 A\nS3:2 B\nK2:1/2:3 0 k=\nK4:1/4:3 1 k==x=\n");
	/* Columns are those of characters, not of bytes. */
	reads("[A]\nk\xc3\xb6=\xe2\x82\xac x\n", "S1:2 A\nK2:1/2:4 0 k\xc3\xb6=\xe2\x82\xac x\n");
	reads("[A]\nno comment=1 # 2 ; 3\n", "S1:2 A\nK2:1/2:12 0 no comment=1 # 2 ; 3\n");
}

static void lines_go_on(void **state UNUSED)
{
	reads("[A]\nk=a\\\n# between\n  b\\\nc\nl=1\n",
		"S1:2 A\nK2:1/2:3 0 k=a   b c\nK6:1/6:3 0 l=1\n");
	FINDS("[A]\nk=a\\\n", INI_CONTINUES, 2, 1);
}

static void other_editors(void **state UNUSED)
{
	autofree char *bom = parsed_bytes("\xef\xbb\xbf[A]\nk=1\n", 11, 0);

	assert_string_equal(bom, "S1:2 A\nK2:1/2:3 0 k=1\n");
	reads("[A]\r\nk=1\r\n", "S1:2 A\nK2:1/2:3 0 k=1\nF1:1 9 \n");
	reads("[A]\nk=1", "S1:2 A\nK2:1/2:3 0 k=1\nF2:4 7 k=1\n");
	FINDS("\xff\xfe[\0A\0]\0", INI_UTF16, 1, 1);
	FINDS("\xfe\xff\0[\0A\0]", INI_UTF16, 1, 1);
}

static void what_is_wrong(void **state UNUSED)
{
	FINDS("[A]\n  rubbish\n", INI_NO_EQUALS, 2, 3);
	FINDS("[A]\n=x\n", INI_NO_KEY, 2, 1);
	FINDS("k=x\n", INI_OUTSIDE, 1, 1);
	FINDS("[A\nk=x\n", INI_BAD_SECTION, 1, 2);
	FINDS("[A] B\nk=x\n", INI_BAD_SECTION, 1, 2);
	FINDS(" []\nk=x\n", INI_BAD_SECTION, 1, 3);
	FINDS("[A]\nk=a\0b\n", INI_BINARY, 2, 4);
	FINDS("[A]\nk=a\x1b[31m\n", INI_BINARY, 2, 4);
	FINDS("[A]\n\xc3\xb6=\xfc\n", INI_BINARY, 2, 3);
	FINDS("[A]\nk=\xed\xa0\x80\n", INI_BINARY, 2, 3);
	FINDS("[A]\nk=\xc0\xaf\n", INI_BINARY, 2, 3);
}

/* What stands below a broken head belongs to no other section. */
static void a_broken_head_is_one(void **state UNUSED)
{
	reads("[A]\nk=1\n[B\nk=2\n", "S1:2 A\nS3:2 B\nK2:1/2:3 0 k=1\nK4:1/4:3 1 k=2\nF3:2 4 [B\n");
}

static void all_at_once(void **state UNUSED)
{
	reads("x=1\n[A]\nrubbish\nk=1\n=2\n",
		"S2:2 A\nK4:1/4:3 0 k=1\nF1:1 5 x\nF3:1 2 rubbish\nF5:1 3 =2\n");
}

static void rubbish_is_bounded(void **state UNUSED)
{
	autostrbuf junk = { 0 }, many = { 0 };
	autoini binary = { 0 }, full = { 0 };

	for (unsigned i = 0; i < 1000; i++)
		strbuf_add_bytes(&junk,
			"\x7f"
			"ELF\0\n",
			6);
	assert_int_equal(ini_parse(junk.s, junk.len, 0, &binary), 0);
	assert_int_equal(binary.n_faults, 9);
	assert_int_equal(binary.faults[8].kind, INI_TOO_MANY);
	strbuf_add(&many, "[A]\n");
	for (unsigned i = 0; i < INI_MAX_ITEMS + 5; i++)
		strbuf_add(&many, "k=%u\n", i);
	assert_int_equal(ini_parse(many.s, many.len, 0, &full), 0);
	assert_int_equal(full.n_items, INI_MAX_ITEMS);
	assert_int_equal(full.n_faults, 1);
	assert_int_equal(full.faults[0].kind, INI_TOO_MANY);
	assert_int_equal(full.faults[0].pos.line, INI_MAX_ITEMS + 2);
}

static void without_sections(void **state UNUSED)
{
	autoini ini = { 0 };

	assert_int_equal(ini_parse("a=1\na=2\n[S]\nb=3\n", 16, INI_SECTIONLESS, &ini), 0);
	assert_int_equal(ini.n_faults, 0);
	assert_string_equal(ini_plain(&ini, "a"), "2");
	assert_null(ini_plain(&ini, "b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read),
		cmocka_unit_test(lines_go_on),
		cmocka_unit_test(other_editors),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(a_broken_head_is_one),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(rubbish_is_bounded),
		cmocka_unit_test(without_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
