// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of bench io, what it reads out of reports, and what it refuses before anything runs.
 */
#include "cm.h"

#include "base/attr.h"
#include "base/counter.h"
#include "base/str.h"
#include "bench/life.h"

#include <string.h>

static void names_are_there_once(void **state UNUSED)
{
	for (size_t i = 0; i < n_bench_paths; i++) {
		assert_in_range(bench_paths[i].number, 1, 12);
		assert_null(strpbrk(bench_paths[i].name, ", "));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(bench_paths[i].name, bench_paths[k].name);
	}
	for (size_t i = 0; i < n_bench_workloads; i++) {
		assert_true(bench_workloads[i].depth > 0 && bench_workloads[i].share > 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(bench_workloads[i].name, bench_workloads[k].name);
	}
}

/* A counter that was renamed would be unknown for ever, and nobody would notice. */
static void figures_are_counted_by_somebody(void **state UNUSED)
{
#define COUNTER_PROCESS COUNTER_GUEST
#define FIGURE(id, json, column, from, counter, brief, what)                                       \
	if (*counter)                                                                              \
		assert_non_null(counter_find(COUNTER_##from, counter));
#include "bench/figure.def"
#undef FIGURE
}

static const char report[] =
	"{\"cpus\":[{\"user_exits\":7,\"kvm_exits\":100},{\"user_exits\":5}],\"devices\":["
	"{\"name\":\"virtio-rng0\",\"queue0-doorbells\":1000},"
	"{\"name\":\"virtio-net0\",\"queue0-doorbells\":3,\"queue1-doorbells\":40,"
	"\"queue10-doorbells\":500,\"queue-breaks\":9,\"vector0_signalled\":70,"
	"\"interrupts_signalled\":71,\"queue0-injections\":\"many\"}]}";

static void figures_are_summed(void **state UNUSED)
{
	double v[BENCH_FIGURES];

	assert_int_equal(figures_read(report, "virtio-net0", v, NULL), 0);
	assert_true(v[BENCH_USER_EXITS] == 12);
	assert_true(v[BENCH_EXITS] == 100);
	assert_true(v[BENCH_DOORBELLS] == 543);
	assert_true(v[BENCH_SIGNALLED] == 71);
	assert_true(v[BENCH_INJECTIONS] < 0); /* not a number: unknown */
	assert_true(v[BENCH_WAKEUPS] < 0);
}

static void reports_can_be_wrong(void **state UNUSED)
{
	static const char *const wrong[] = { NULL, "", "{", "[]", "7", "null", "{}",
		"{\"devices\":7,\"cpus\":\"x\"}", "{\"devices\":[7,null,{}],\"cpus\":[7,null]}" };
	double v[BENCH_FIGURES];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		autoproblem *p = NULL;

		assert_true(figures_read(wrong[i], "virtio-net0", v, &p) < 0);
		assert_non_null(p);
	}
	assert_true(figures_read(report, "virtio-blk0", v, NULL) < 0);
}

static void wrong_names_are_told(void **state UNUSED)
{
	char name[] = "virtio-blok", *paths[] = { name, NULL };
	struct bench_wish w = { .paths = paths };
	autoproblem *p = NULL;

	assert_int_equal(bench_check(&w, &p), -EINVAL);
	assert_int_equal(p->kind, PROBLEM_USAGE);
	assert_string_equal(problem_best_hint(p), "did you mean virtio-blk?");
}

static const struct bench_result *find(
	const struct bench_results *r, const char *path, const char *workload)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->v[i].path->name, path) &&
			(!workload ||
				(r->v[i].workload && str_eq(r->v[i].workload->name, workload))))
			return &r->v[i];
	fail_msg("there is no result for %s %s", path, workload ? workload : "");
	return NULL;
}

static void nobody_loses_what_he_has(void **state UNUSED)
{
	struct bench_wish w = { .disk = "/there", .ops = 8, .rounds = 1, .dry = true };
	autobench r = { 0 }, with = { 0 };

	assert_int_equal(bench_run(NULL, &w, &r, NULL), 0);
	assert_null(find(&r, "virtio-blk", "rand-read-4k-1")->why);
	assert_int_equal(find(&r, "virtio-blk", "rand-write-4k-1")->why->kind, PROBLEM_PERMISSION);
	assert_int_equal(find(&r, "vfio-nvme", NULL)->why->kind, PROBLEM_NOT_FOUND);
	assert_null(find(&r, "vfio-nvme", NULL)->workload);
	assert_int_equal(find(&r, "virtio-blk-vf", NULL)->why->kind, PROBLEM_NOT_FOUND);
	assert_int_equal(find(&r, "virtio-net-vf", NULL)->why->kind, PROBLEM_NOT_FOUND);
	w.write = true;
	w.host_disk = "/theirs";
	assert_int_equal(bench_run(NULL, &w, &with, NULL), 0);
	assert_null(find(&with, "virtio-blk-vf", "rand-read-4k-1")->why);
	assert_int_equal(
		find(&with, "virtio-blk-vf", "rand-write-4k-1")->why->kind, PROBLEM_PERMISSION);
	assert_null(find(&with, "virtio-blk", "rand-write-4k-1")->why);
}

static bool stop(
	void *arg, const struct bench_path *p UNUSED, const struct bench_workload *w UNUSED)
{
	(*(unsigned *)arg)++;
	return true;
}

static void can_be_stopped(void **state UNUSED)
{
	unsigned asked = 0;
	struct bench_wish w = { .ops = 8, .rounds = 1, .progress = stop, .arg = &asked };
	autobench r = { 0 };

	assert_int_equal(bench_run(NULL, &w, &r, NULL), -ECANCELED);
	assert_int_equal(asked, 1);
	assert_int_equal(r.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_there_once),
		cmocka_unit_test(figures_are_counted_by_somebody),
		cmocka_unit_test(figures_are_summed),
		cmocka_unit_test(reports_can_be_wrong),
		cmocka_unit_test(wrong_names_are_told),
		cmocka_unit_test(nobody_loses_what_he_has),
		cmocka_unit_test(can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
