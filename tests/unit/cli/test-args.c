// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line's parser, on the real tables. */
#include "cm.h"
#include "base/str.h"
#include "cli/args.h"
#include "setting/setting.h"

static int parse(const char *line, struct args *ret, struct problem **reterr)
{
	static char copy[256];
	static char *argv[32];
	int argc = 1;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	argv[0] = copy + strlen(copy);
	for (char *word, *rest = copy; (word = strsep(&rest, " "));)
		if (*word)
			argv[argc++] = word;
	argv[argc] = NULL;
	return args_parse(argc, argv, ret, reterr);
}

static void options_stand_anywhere(void **state UNUSED)
{
	static const char *const lines[] = { "--root x.tar --json=short list -o A,B eth0",
		"list eth0 -oA,B --root=x.tar --json=short",
		"list --json=short -o A,B --root x.tar eth0",
		"list --columns=A,B --root x.tar --json=short -- eth0" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		autoargs a = { 0 };

		assert_int_equal(parse(lines[i], &a, NULL), 0);
		assert_string_equal(a.verb->name, "list");
		assert_string_equal(args_value(&a, "root"), "x.tar");
		assert_string_equal(args_value(&a, "json"), "short");
		assert_string_equal(args_value(&a, "columns"), "A,B");
		assert_int_equal(a.n_words, 1);
		assert_string_equal(a.words[0], "eth0");
	}
}

static void repeated_and_clustered(void **state UNUSED)
{
	autoargs a = { 0 };

	assert_int_equal(parse("-vv list -vo A --root one --root two", &a, NULL), 0);
	assert_int_equal(args_count(&a, "verbose"), 3);
	assert_string_equal(args_value(&a, "root"), "two");
	assert_string_equal(args_value(&a, "columns"), "A");
	assert_false(args_has(&a, "dry-run"));
	assert_null(args_value(&a, "verbose"));
}

static void dashes_end_options(void **state UNUSED)
{
	autoargs a = { 0 };

	assert_int_equal(parse("list -- --root -x -", &a, NULL), 0);
	assert_int_equal(a.n_words, 3);
	assert_string_equal(a.words[0], "--root");
	assert_string_equal(a.words[1], "-x");
	assert_false(args_has(&a, "root"));
}

static void refused(const char *line, const char *what, const char *hint)
{
	autoproblem *p = NULL;
	autoargs a = { 0 };

	assert_int_equal(parse(line, &a, &p), -EINVAL);
	assert_int_equal(p->kind, PROBLEM_USAGE);
	assert_string_equal(p->what, what);
	if (hint)
		assert_string_equal(p->hint, hint);
	assert_null(a.verb);
}

static void refusals(void **state UNUSED)
{
	refused("groops", "unknown verb 'groops'", "did you mean 'groups'?");
	refused("kreate ens1f0 2", "unknown verb 'kreate'", "did you mean 'create'?");
	refused("frobnicate", "unknown verb 'frobnicate'", "see vfctl --help");
	refused("list --colums=A", "unknown option '--colums'", "did you mean --columns?");
	refused("--columns A list", "unknown option '--columns'", NULL); /* not before the verb */
	refused("list -x", "unknown option '-x'", "see vfctl --help");
	refused("list --root", "--root needs a value (DIR|TAR)", NULL);
	refused("list -o", "--columns needs a value (COL,COL)", NULL);
	refused("list --dry-run=yes", "--dry-run takes no value", NULL);
}

static void families(void **state UNUSED)
{
	autoargs alone = { 0 }, apart = { 0 };
	autoproblem *p = NULL;

	assert_int_equal(parse("config --help", &alone, NULL), 0);
	assert_null(alone.verb);
	assert_string_equal(alone.family, "config");
	assert_int_equal(args_no_verb(&alone, &p), -EINVAL);
	assert_string_equal(p->what, "vfctl config what?");
	assert_non_null(strstr(p->hint, "config check, config show"));
	assert_int_equal(parse("config --dry-run check x.conf", &apart, NULL), 0);
	assert_string_equal(apart.verb->name, "config check");
	assert_int_equal(apart.n_words, 1);
	refused("config chekk", "unknown verb 'config chekk'", "did you mean 'config check'?");
}

static void numbers_of_words(void **state UNUSED)
{
	autoargs a = { 0 };
	autoproblem *p = NULL;

	assert_int_equal(parse("help a b c", &a, NULL), 0);
	assert_int_equal(args_check_words(&a, &p), -EINVAL);
	assert_string_equal(p->what, "help: too many arguments, 'c'");
	assert_string_equal(p->hint, "usage: vfctl help [VERB]");
}

static void tables_are_whole(void **state UNUSED)
{
	for (size_t i = 0; i < n_verbs; i++) {
		const struct verb *v = verbs[i];

		assert_ptr_equal(verb_find(v->name), v);
		assert_non_null(v->run);
		assert_non_null(v->args);
		assert_true(strlen(v->summary) > 0);
		assert_true(str_ends(v->description, "\n"));
		assert_true(v->n_examples >= 2);
		assert_true(v->min_args <= v->max_args);
	}
}

/* What help shows as an example must be understood. */
static void examples_parse(void **state UNUSED)
{
	for (size_t i = 0; i < n_verbs; i++)
		for (size_t k = 0; k < verbs[i]->n_examples; k++) {
			autoargs a = { 0 };
			autoproblem *p = NULL;

			if (parse(verbs[i]->examples[k].command, &a, &p) < 0)
				fail_msg("%s: %s", verbs[i]->examples[k].command, p->what);
			assert_ptr_equal(a.verb, verbs[i]);
			if (args_check_words(&a, &p) < 0)
				fail_msg("%s: %s", verbs[i]->examples[k].command, p->what);
		}
}

/* Completion offers every setting that there is, and no other. */
static void settings_are_completed(void **state UNUSED)
{
	const char *words = verb_find("set")->completes;
	const struct setting_key *key;
	unsigned n = 0, equals = 0;

	for (; (key = setting_key_at(n)); n++) {
		autofree char *first = str_printf(" %s=", key->name);
		autofree char *later = str_printf("|%s=", key->name);

		if (!strstr(words, first) && !strstr(words, later))
			fail_msg("%s is not completed", key->name);
	}
	for (; *words; words++)
		equals += *words == '=';
	assert_int_equal(equals, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(repeated_and_clustered),
		cmocka_unit_test(dashes_end_options),
		cmocka_unit_test(refusals),
		cmocka_unit_test(families),
		cmocka_unit_test(numbers_of_words),
		cmocka_unit_test(tables_are_whole),
		cmocka_unit_test(examples_parse),
		cmocka_unit_test(settings_are_completed),
	};

	return cmocka_run_group_tests_name("args", tests, NULL, NULL);
}
