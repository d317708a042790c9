// SPDX-License-Identifier: GPL-2.0-or-later
/* bench io's table, JSON and picture: what is unknown is not shown as zero, and text is escaped. */
#include "cm.h"

#include "base/attr.h"
#include "base/str.h"
#include "out/bench.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

/* One that was measured, one that was not. */
static void make(struct bench_result v[2])
{
	v[0] = (struct bench_result) {
		.path = &bench_paths[0],
		.workload = &bench_workloads[0],
		.ops = 100,
		.guest = { 3000, 2900, 9000 },
		.host = { 1500, 1400, 4000 },
		.host_by = "pread",
		.ratio = 2,
		.ratio_p50 = 2.25,
	};
	for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
		v[0].each[f] = -1;
	v[0].each[BENCH_USER_EXITS] = 1;
	v[0].each[BENCH_WAKEUPS] = 0;
	v[1] = (struct bench_result) { .path = &bench_paths[1] };
	problem(&v[1].why, -ENOENT, PROBLEM_NOT_FOUND, NULL, "no <%s> & no \"%s\"", "tap", "tun");
}

static char *shown(enum out_format format)
{
	struct bench_result v[2];
	struct bench_results r = { v, 2 };
	struct out o = { .format = format, .legend = true };
	char *text = NULL;
	size_t n;

	make(v);
	o.to = o.notes = open_memstream(&text, &n);
	assert_non_null(o.to);
	assert_int_equal(out_bench(&o, &r, NULL), 0);
	fclose(o.to);
	problem_free(v[1].why);
	return text;
}

static void table(void **state UNUSED)
{
	autofree char *text = shown(OUT_TABLE);
	char *line = strchr(text, '\n');

	assert_non_null(strstr(text, "PATH"));
	assert_non_null(strstr(text, bench_paths[0].name));
	assert_non_null(strstr(text, "2.00"));
	assert_non_null(strstr(text, "1.000"));
	assert_non_null(line);
	assert_non_null(strstr(text, "no <tap>"));
}

static void json(void **state UNUSED)
{
	autofree char *text = shown(OUT_JSON_SHORT);
	json_object *root = json_tokener_parse(text), *list, *one, *each;

	assert_non_null(root);
	list = json_object_object_get(root, "bench");
	assert_int_equal(json_object_array_length(list), 2);
	one = json_object_array_get_idx(list, 0);
	each = json_object_object_get(one, "each");
	assert_true(json_object_get_double(json_object_object_get(each, "user_exits")) == 1);
	assert_non_null(json_object_object_get(each, "wakeups")); /* zero is known */
	assert_null(json_object_object_get(each, "host_syscalls"));
	assert_true(json_object_get_double(json_object_object_get(one, "ratio_p50")) == 2.25);
	one = json_object_object_get(one, "host");
	assert_true(json_object_get_double(json_object_object_get(one, "p99_ns")) == 4000);
	one = json_object_array_get_idx(list, 0);
	assert_null(json_object_object_get(one, "reason"));
	one = json_object_array_get_idx(list, 1);
	assert_null(json_object_object_get(one, "workload"));
	assert_null(json_object_object_get(one, "ratio"));
	assert_null(json_object_object_get(json_object_object_get(one, "each"), "user_exits"));
	assert_non_null(json_object_object_get(one, "reason"));
	json_object_put(root);
}

static void picture(void **state UNUSED)
{
	struct bench_result v[2];
	struct bench_results r = { v, 2 };
	autofree char *svg = NULL;

	make(v);
	assert_int_equal(out_bench_svg(&r, &svg, NULL), 0);
	assert_true(str_starts(svg, "<svg "));
	assert_true(str_ends(svg, "</svg>\n"));
	assert_non_null(strstr(svg, bench_workloads[0].name));
	assert_non_null(strstr(svg, "no &lt;tap&gt; &amp; no &quot;tun&quot;"));
	assert_null(strstr(svg, "<tap>"));
	problem_free(v[1].why);
}

static void empty_picture(void **state UNUSED)
{
	const struct bench_results r = { NULL, 0 };
	autofree char *svg = NULL;

	assert_int_equal(out_bench_svg(&r, &svg, NULL), 0);
	assert_true(str_ends(svg, "</svg>\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(json),
		cmocka_unit_test(picture),
		cmocka_unit_test(empty_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
