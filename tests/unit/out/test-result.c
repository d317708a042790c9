// SPDX-License-Identifier: GPL-2.0-or-later
/* Results of acts, problems, and the rules of the JSON that carries them. */
#include "cm.h"
#include "base/str.h"
#include "out/complaint.h"
#include "out/result.h"

struct streams {
	struct out o;
	char *to, *notes;
	size_t n_to, n_notes;
};

static void open_streams(struct streams *s, enum out_format format)
{
	*s = (struct streams) { .o = { .format = format, .legend = true } };
	s->o.to = open_memstream(&s->to, &s->n_to);
	s->o.notes = open_memstream(&s->notes, &s->n_notes);
}

static void flush_streams(struct streams *s)
{
	fflush(s->o.to);
	fflush(s->o.notes);
}

static void close_streams(struct streams *s)
{
	fclose(s->o.to);
	fclose(s->o.notes);
	free(s->to);
	free(s->notes);
}

static struct problem *in_use(void)
{
	struct problem *p = NULL;

	problem(&p, -EBUSY, PROBLEM_IN_USE, "stop it", "pid 1 (\x1bqemu) holds it");
	problem_wrap(&p, -EBUSY, "unbind 0000:01:10.0");
	return p;
}

static void complaints(void **state UNUSED)
{
	struct problem *p = in_use();
	struct streams s;

	open_streams(&s, OUT_TABLE);
	assert_int_equal(out_complain(&s.o, p, -EBUSY), 5);
	flush_streams(&s);
	assert_string_equal(s.to, "");
	assert_string_equal(s.notes, "vfctl: unbind 0000:01:10.0: pid 1 (\\x1bqemu) holds it\n"
				     "  hint: stop it\n");
	close_streams(&s);

	open_streams(&s, OUT_JSON_SHORT);
	assert_int_equal(out_complain(&s.o, p, -EBUSY), 5);
	flush_streams(&s);
	assert_string_equal(s.to,
		"{\"error\":{\"kind\":\"in-use\",\"message\":\"unbind 0000:01:10.0: pid 1 "
		"(\\\\x1bqemu) holds it\",\"hint\":\"stop it\",\"exit_code\":5}}\n");
	assert_string_equal(s.notes, "");
	close_streams(&s);
	problem_free(p);
}

/* When memory ran out there is only the errno. */
static void complaint_without_story(void **state UNUSED)
{
	struct streams s;

	open_streams(&s, OUT_TABLE);
	assert_int_equal(out_complain(&s.o, NULL, -ETIMEDOUT), 10);
	flush_streams(&s);
	assert_string_equal(s.notes, "vfctl: Connection timed out\n");
	close_streams(&s);
}

static void fill(struct results *r)
{
	results_add(r, "0000:01:10.0", -EBUSY, false, in_use(), "unbind");
	results_add(r, "0000:01:10.2", 1, false, NULL, "unbind");
	results_add(r, "0000:01:10.4", 0, false, NULL, "vlan=%d", 100);
	results_add(r, "0000:01:10.6", 1, true, NULL, "unbind");
	results_add(r, "0000:01:11.0", -EACCES, false, NULL, "unbind");
}

static void one_line_each(void **state UNUSED)
{
	autoresults r = { 0 };
	struct streams s;

	fill(&r);
	open_streams(&s, OUT_TABLE);
	s.o.columns = "ignored";
	assert_int_equal(out_results(&s.o, &r, NULL), 5); /* the first failure's */
	flush_streams(&s);
	assert_string_equal(s.to, "ADDRESS      ACTION   RESULT\n"
				  "0000:01:10.0 unbind   failed\n"
				  "0000:01:10.2 unbind   done\n"
				  "0000:01:10.4 vlan=100 already so\n"
				  "0000:01:10.6 unbind   would be done\n"
				  "0000:01:11.0 unbind   failed\n");
	assert_string_equal(s.notes, "vfctl: unbind 0000:01:10.0: pid 1 (\\x1bqemu) holds it\n"
				     "  hint: stop it\n"
				     "vfctl: Permission denied\n");
	close_streams(&s);
}

static void one_object_each(void **state UNUSED)
{
	autoresults r = { 0 };
	json_object *root, *list, *v;
	struct streams s;

	fill(&r);
	open_streams(&s, OUT_JSON_PRETTY);
	assert_int_equal(out_results(&s.o, &r, NULL), 5);
	flush_streams(&s);
	root = json_tokener_parse(s.to);
	assert_true(json_object_object_get_ex(root, "results", &list));
	assert_int_equal(json_object_array_length(list), 5);
	v = json_object_array_get_idx(list, 0);
	assert_string_equal(json_object_get_string(json_object_object_get(v, "result")), "failed");
	v = json_object_object_get(v, "error");
	assert_string_equal(json_object_get_string(json_object_object_get(v, "kind")), "in-use");
	assert_int_equal(json_object_get_int(json_object_object_get(v, "exit_code")), 5);
	v = json_object_array_get_idx(list, 2);
	assert_string_equal(json_object_get_string(json_object_object_get(v, "result")), "already");
	assert_null(json_object_object_get(v, "error"));
	json_object_put(root);
	close_streams(&s);
}

static void all_well(void **state UNUSED)
{
	autoresults r = { 0 };
	struct streams s;

	results_add(&r, "0000:01:10.2", 1, false, NULL, "unbind");
	open_streams(&s, OUT_TABLE);
	assert_int_equal(out_results(&s.o, &r, NULL), 0);
	close_streams(&s);
}

static void json_rules(void **state UNUSED)
{
	autojson j = json_start();
	json_object *list = json_add_array(&j, j.root, "list");
	struct streams s;

	json_add_u64(&j, j.root, "big", UINT64_MAX);
	json_add_known(&j, j.root, "unknown", -1);
	json_add_known(&j, j.root, "zero", 0);
	json_add_maybe(&j, j.root, "maybe", -1);
	json_add_maybe(&j, j.root, "no", 0);
	json_add_str(&j, j.root, "absent", NULL);
	json_add_str(&j, j.root, "path", "a/b\t");
	json_add_fmt(&j, list, NULL, "0x%x", 255);
	json_add_null(&j, list, NULL);
	open_streams(&s, OUT_JSON_SHORT);
	assert_int_equal(json_print(&j, &s.o, NULL), 0);
	flush_streams(&s);
	assert_string_equal(s.to,
		"{\"list\":[\"0xff\",null],\"big\":18446744073709551615,\"unknown\":null,"
		"\"zero\":0,\"maybe\":null,\"no\":false,\"absent\":null,\"path\":\"a/b\\\\x09\"}\n");
	close_streams(&s);
	j.failed = true;
	open_streams(&s, OUT_JSON_SHORT);
	assert_int_equal(json_print(&j, &s.o, NULL), -ENOMEM);
	close_streams(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complaints),
		cmocka_unit_test(complaint_without_story),
		cmocka_unit_test(one_line_each),
		cmocka_unit_test(one_object_each),
		cmocka_unit_test(all_well),
		cmocka_unit_test(json_rules),
	};

	return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
